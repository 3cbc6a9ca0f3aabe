"""Formatting for templates: icons, moments, durations, badges. No query, no decision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from html import escape
from typing import Protocol

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.domain import zones
from jobs.domain.parameters import text_of
from jobs.domain.states import FAILURES, ExecutionState
from jobs.models import Attempt, Execution
from jobs.web import figures, formats, toasts, waiting_words, words

_SAID = 160  # characters of an error in a list

register = template.Library()
register.filter("duration", formats.duration)
register.filter("setting", formats.setting)
register.filter("count", formats.count)
register.filter("rate", formats.rate)
register.filter("percent", formats.percent)
register.filter("size", formats.size)
register.filter("figure", formats.figure)
register.filter("toast", toasts.from_message)
register.filter("no_worker", waiting_words.missing)


class ShownExecution(Protocol):
    """What a result badge reads; a row of a query or a model fits."""

    state: str
    attempt: int
    started_at: datetime | None
    retry_at: datetime | None


@register.simple_tag
@lru_cache(maxsize=256)
def icon(name: str, classes: str = "") -> SafeString:
    """Draw an icon of the sprite; the words beside it, or the button's label, carry the meaning."""
    return format_html(
        '<svg class="i{}{}" aria-hidden="true"><use href="{}#{}"/></svg>',
        " " if classes else "",
        classes,
        static("icons.svg"),
        name,
    )


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


@register.simple_tag
def moment(at: datetime | None, show: str = "relative", zone: str = "") -> SafeString:
    """Show a moment: ``relative`` (kept fresh by the script), ``clock``, or ``both``.

    The clock runs in ``zone``, else in the viewer's zone; the title has the exact value.
    """
    if at is None:
        return SafeString("—")
    now = timezone.now()
    there = zones.zone(zone) if zone else timezone.get_current_timezone()
    # Put together by hand: a list shows hundreds of moments.
    named = f'<time datetime="{_iso(at)}" title="{escape(formats.exact(at, there))}"'
    clock = "" if show == "relative" else escape(formats.clock(at, now, there))
    if show == "clock":
        return SafeString(f"{named}>{clock}</time>")
    text = f"{named} data-relative>{escape(formats.relative(at, now))}</time>"
    return SafeString(f'{text} <span class="dim small">{clock}</span>' if show == "both" else text)


@register.filter
def to_come(at: datetime) -> bool:
    """Say whether a moment is still ahead."""
    return at > timezone.now()


@register.simple_tag
def since(at: datetime | None, show: str = "exact") -> SafeString:
    """Show how long something goes on already, ``exact`` or ``rough``; the script counts on."""
    if at is None:
        return SafeString("")
    seconds = max((timezone.now() - at).total_seconds(), 0)
    return format_html(
        '<time datetime="{}" title="{}" data-since="{}">{}</time>',
        _iso(at),
        formats.exact(at),
        show,
        formats.span(seconds) if show == "rough" else formats.duration(seconds),
    )


def _badge(badge: words.Badge, text: SafeString | words.Text, *, pill: bool) -> SafeString:
    spin = " spin" if badge.icon == "loader-circle" else ""
    classes = " ".join(filter(None, ["st", badge.tone, "pill" if pill else ""]))
    return format_html(
        '<span class="{}">{}<span>{}</span></span>', classes, icon(badge.icon, f"sm{spin}"), text
    )


@register.simple_tag
def result_badge(execution: ShownExecution, of: int = 1, *, pill: bool = False) -> SafeString:
    """Show where an execution stands; ``of`` is how many attempts its job allows."""
    badge = words.EXECUTION[execution.state]
    if execution.state == ExecutionState.RUNNING:
        return _badge(badge, _running(badge, execution, of), pill=pill)
    if execution.state == ExecutionState.RETRYING and execution.retry_at:
        return _badge(
            badge, format_html("{} {}", badge.word, moment(execution.retry_at)), pill=pill
        )
    if warned := _warned(execution):
        return _badge(badge, format_html("{} {}", badge.word, warned), pill=pill)
    return _badge(badge, badge.word, pill=pill)


def _warned(execution: ShownExecution) -> str:
    """Return how many warnings an execution that succeeded has printed, in words.

    A list that did not load them tells none, instead of asking the database once a row.
    """
    found = getattr(execution, "__dict__", {}).get("warnings")
    if not found or execution.state != ExecutionState.SUCCEEDED:
        return ""
    count = int(found["count"])
    return ngettext("with %d warning", "with %d warnings", count) % count


def _running(badge: words.Badge, execution: ShownExecution, of: int) -> SafeString:
    if execution.attempt > 1:
        text = _("Attempt %(n)d of %(of)d")
        return format_html("{}", text % {"n": execution.attempt, "of": max(of, execution.attempt)})
    return format_html("{} {}", badge.word, since(execution.started_at))


@register.simple_tag
def state_badge(standing: str, at: datetime | None = None, *, pill: bool = False) -> SafeString:
    """Show how a job stands; ``at`` is since when, where that matters (running, overdue, paused)."""
    badge = words.JOB[standing]
    text = format_html("{} {}", badge.word, since(at, "rough")) if at else badge.word
    return _badge(badge, text, pill=pill)


@register.simple_tag
def last_badge(state: str) -> SafeString:
    """Show how the last run of a job ended."""
    badge = words.EXECUTION[state]
    return _badge(badge, badge.word, pill=False)


@register.simple_tag
def attempt_badge(attempt: Attempt) -> SafeString:
    """Show how one try ended."""
    badge = words.EXECUTION[attempt.state]
    text = format_html(
        _("Attempt {number} {ended}"), number=attempt.number, ended=str(badge.word).lower()
    )
    return _badge(badge, text, pill=False)


@register.simple_tag
def standing_icon(standing: str) -> SafeString:
    """Draw the icon of how a job stands, with its word for a screen reader."""
    badge = words.JOB[standing]
    tone = f"{badge.tone}-t" if badge.tone else ""
    spin = " spin" if badge.icon == "loader-circle" else ""
    return format_html(
        '{}<span class="sr">{}: </span>', icon(badge.icon, f"sm {tone}{spin}".strip()), badge.word
    )


@register.simple_tag
def waited(execution: Execution) -> str:
    """Return how long an execution waited for its start."""
    if execution.started_at is None:
        return "—"
    # A retry starts long after it was queued first; its wait is not told by these two.
    return formats.duration((execution.started_at - execution.queued_at).total_seconds())


@register.simple_tag
def ran(attempt: Attempt) -> str:
    """Return how long a try ran."""
    if attempt.started_at is None:
        return "—"
    return formats.duration((attempt.finished_at - attempt.started_at).total_seconds())


@register.simple_tag
def spark(values: Sequence[float], high: float = 1.0) -> SafeString:
    """Draw a small line from 0 to ``high``."""
    return figures.spark(values, high=high)


@register.filter
def last_line(text: str) -> str:
    """Return the last line with words in it: of a traceback, the error itself."""
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""


@register.filter
def said_at_end(execution: Execution) -> str:
    """Return the last line of the error of what failed, which says more than "exit status 1"."""
    failed = execution.state in FAILURES and execution.error
    return Truncator(last_line(execution.error)).chars(_SAID) if failed else execution.message


@register.filter
def parameter(value: object) -> str:
    """Return the value of a parameter as programs read it."""
    return text_of(value) if isinstance(value, str | int | float) else ""


# What a shell or an interpreter reads is shown as it stands; the rest of a spec has names.
_TEXTS = ("command", "script")


@register.filter
def texts_of(spec: dict[str, object]) -> list[tuple[str, str]]:
    """Return what of a spec is a text to run."""
    return [(name, text) for name in _TEXTS if isinstance(text := spec.get(name), str) and text]


@register.filter
def settings_of(spec: dict[str, object]) -> list[tuple[str, str]]:
    """Return the other settings of a spec, those that say something."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in spec.items()
        if name not in _TEXTS and value not in (None, "", [], {})
    ]


@register.filter
def iso(at: datetime) -> str:
    """Return a moment for a ``datetime`` attribute."""
    return _iso(at)


@register.filter
def wall(at: datetime) -> str:
    """Return the time of day on the reader's clock."""
    return f"{timezone.localtime(at):%H:%M:%S}"


@register.filter
def trigger_word(trigger: str) -> words.Text:
    """Return what started an execution, in words."""
    return words.TRIGGER.get(trigger, trigger)


@register.filter
def reason_word(reason: str) -> words.Text:
    """Return why a due time made no execution, in words."""
    return words.REASON.get(reason, reason)


@register.filter
def type_word(job_type: str) -> words.Text:
    """Return a job type in words; its own name where none are written here."""
    return words.JOB_TYPE.get(job_type, job_type)


@register.simple_tag
def script_words() -> str:
    """Return the phrases for the page's script as JSON, for an attribute."""
    return json.dumps(formats.script_words(), ensure_ascii=False)
