"""An execution's output as numbered lines to show: the end, any window, and what follows.

A position is a byte offset that begins a line, with the colours in force there, so that the server
keeps nothing between two requests.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.safestring import SafeString

from jobs.domain.needle import Needle
from jobs.queries import loglines
from jobs.queries.loglines import RawLine, Window
from jobs.queries.logrows import Chosen
from jobs.web.ansi import Style, render_line

LINES = (
    500  # of one answer: some 75 ms of CPU for a page, however long the log (benchmarks/logs.py)
)
# Lines above the one that somebody asked for.
CONTEXT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line to show; ``text`` is what it was made of."""

    number: int
    offset: int
    text: bytes
    html: SafeString
    stream: str
    attempt: int
    written_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where to go on."""

    offset: int = 0
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Lines to show, the unfinished one after them, and where to go on.

    ``earlier``: lines before this number are left; ``later``: the number of the next one, when the
    window ends before the log does. ``skipped``: the first and last line that a fast writer printed
    between what the page has and these.
    """

    lines: list[Line] = field(default_factory=list)
    pending: Line | None = None
    after: Position
    earlier: int | None = None
    later: int | None = None
    skipped: tuple[int, int] | None = None


def newest(chosen: Chosen, *, finished: bool, needle: Needle | None = None) -> View:
    """Return the last lines of the log."""
    return _view(loglines.newest(chosen, LINES), Position(), finished=finished, needle=needle)


def around(chosen: Chosen, number: int, *, finished: bool, needle: Needle | None = None) -> View:
    """Return the lines around the one with this number."""
    first = max(number - CONTEXT, 1)
    window = loglines.window(chosen, first, LINES)
    done = finished or window.later is not None
    return _view(window, Position(), finished=done, needle=needle)


def before(chosen: Chosen, until: int, *, needle: Needle | None = None) -> View:
    """Return the lines before the one with this number."""
    window = loglines.before(chosen, until, LINES)
    return _view(window, Position(), finished=True, needle=needle)


def tail(
    chosen: Chosen, position: Position, *, finished: bool, needle: Needle | None = None
) -> View:
    """Return what came after ``position``; the last line waits for its end until ``finished``.

    Of more than a reader could follow only the end is shown, and what is left out is said.
    """
    found = loglines.follow(chosen, position.offset, LINES)
    if found.later is None:
        return _view(found, position, finished=finished, needle=needle)
    last = loglines.newest(chosen, LINES)
    view = _view(last._replace(earlier=None), Position(), finished=finished, needle=needle)
    first = found.lines[0].number
    return replace(view, skipped=(first, last.lines[0].number - 1))


def _view(window: Window, start: Position, *, finished: bool, needle: Needle | None) -> View:
    style = Style.parse(start.style)
    lines: list[Line] = []
    after = start
    pending = None
    for raw in window.lines:
        if not raw.ended and not finished:
            # Drawn with a copy: its colours count when it has ended.
            pending = _shown(raw, Style.parse(style.dump()), needle)
            after = Position(offset=raw.offset, style=after.style)
            break
        lines.append(_shown(raw, style, needle))
        after = Position(offset=raw.end, style=style.dump())
    return View(
        lines=lines,
        pending=pending,
        after=after,
        earlier=window.earlier,
        later=window.later,
    )


def _shown(raw: RawLine, style: Style, needle: Needle | None) -> Line:
    return Line(
        number=raw.number,
        offset=raw.offset,
        text=raw.data,
        html=render_line(raw.data.decode("utf-8", "replace"), style, needle=needle),
        stream=raw.stream,
        attempt=raw.attempt,
        written_at=raw.written_at,
    )
