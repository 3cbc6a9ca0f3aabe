"""Lines of a log as HTML: groups that fold, repetitions that collapse, a mark at each attempt.

Made here and not by a template: a page has a thousand lines, and a template needs ten times as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.web.ansi import printable
from jobs.web.formats import count
from jobs.web.logview import Line

GROUP, END_GROUP = b"::group::", b"::endgroup::"
# Fewer equal lines in a row are shown as they are.
FEW = 4


def markup(lines: Sequence[Line], *, finished: bool, target: int | None = None) -> SafeString:
    """Return lines with what folds among them; what holds the ``target`` line is open.

    A group of a run that goes on is not folded before it has ended.
    """
    parts: list[SafeString] = []
    for attempt, found in groupby(lines, key=lambda line: line.attempt):
        if parts:
            words = _("Attempt %(n)s") % {"n": attempt}
            parts.append(format_html('<span class="more">{}</span>', words))
        parts += _grouped(list(found), finished=finished, target=target)
    return SafeString("".join(parts))


def _grouped(lines: Sequence[Line], *, finished: bool, target: int | None) -> Iterator[SafeString]:
    plain: list[Line] = []
    position = 0
    while position < len(lines):
        end = _end_of_group(lines, position, finished=finished)
        if end is None:
            plain.append(lines[position])
            position += 1
            continue
        yield from _collapsed(plain, target)
        plain = []
        yield _group(lines[position:end], target)
        position = end
    yield from _collapsed(plain, target)


def _end_of_group(lines: Sequence[Line], start: int, *, finished: bool) -> int | None:
    """Return where the group that begins at ``start`` ends; None when none begins, or it still runs."""
    if not lines[start].text.startswith(GROUP):
        return None
    for position in range(start + 1, len(lines)):
        if lines[position].text.startswith(END_GROUP):
            return position + 1
        if lines[position].text.startswith(GROUP):
            return position
    return len(lines) if finished else None


def _group(lines: Sequence[Line], target: int | None) -> SafeString:
    head, inner = lines[0], lines[1:]
    title = head.text.removeprefix(GROUP).decode("utf-8", "replace").strip()
    size = sum(not line.text.startswith(END_GROUP) for line in inner)
    summary = format_html(
        '<summary id="L{}"><span class="no">{}</span>{} <span class="muted">{}</span></summary>',
        head.number,
        head.number,
        _cut(printable(title)) or _("Group"),
        ngettext("%(n)s line", "%(n)s lines", size) % {"n": count(size)},
    )
    body = SafeString("".join(_collapsed(inner, target)))
    return _details(lines, target, summary, body)


def _cut(title: str) -> str:
    return title if len(title) <= 200 else f"{title[:200]}…"


def _details(
    lines: Sequence[Line], target: int | None, summary: SafeString, body: SafeString
) -> SafeString:
    wanted = target is not None and lines[0].number <= target <= lines[-1].number
    is_open = wanted or any("<mark>" in line.html for line in lines)
    template = (
        '<details class="fold" open>{}{}</details>'
        if is_open
        else ('<details class="fold">{}{}</details>')
    )
    return format_html(template, summary, body)


def _collapsed(lines: Sequence[Line], target: int | None) -> Iterator[SafeString]:
    """Yield lines, those that repeat the one before them behind their number."""
    for _key, same in groupby(lines, key=lambda line: (line.text, line.stream, line.attempt)):
        run = list(same)
        if len(run) < FEW or not run[0].text:
            yield from (line_markup(line, target) for line in run)
            continue
        yield line_markup(run[0], target)
        again = run[1:]
        summary = format_html(
            '<summary><span class="no">&times;</span>{} <span class="muted">{}</span></summary>',
            _("%(n)s times in all") % {"n": count(len(run))},
            _("lines %(first)s to %(last)s") % {"first": run[0].number, "last": again[-1].number},
        )
        body = SafeString("".join(line_markup(line, target) for line in again))
        wanted = target is not None and again[0].number <= target <= again[-1].number
        template = '<details class="fold"{}>{}{}</details>'
        yield format_html(template, SafeString(" open") if wanted else "", summary, body)


def line_markup(line: Line, target: int | None = None) -> SafeString:
    """Return one line: numbers, words of closed sets, and text that is escaped already."""
    stream = "" if line.stream == "stdout" else f" {line.stream}"
    here = " at" if line.number == target else ""
    exact, clock = _clock(line.written_at, timezone.get_current_timezone_name())
    return SafeString(
        f'<span class="l{stream}{here}" id="L{line.number}"><span class="no">{line.number}</span>'
        f'<time class="ts" datetime="{exact}">{clock}</time>'
        f'<span class="tx">{line.html}</span></span>'
    )


@lru_cache(maxsize=4096)
def _clock(at: datetime, _zone: str) -> tuple[str, str]:
    """Return a moment for a ``datetime`` attribute, and on the reader's clock."""
    return at.astimezone(UTC).isoformat(
        timespec="milliseconds"
    ), f"{timezone.localtime(at):%H:%M:%S}"
