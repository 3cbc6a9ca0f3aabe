"""Calendars as pages show them: in words, and the next stretches that they hold back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import get_language

from jobs.domain.calendars import Calendar as CalendarRule
from jobs.domain.calendars import parse_windows
from jobs.domain.instants import to_instant
from jobs.domain.states import CalendarMode
from jobs.models import Calendar
from jobs.queries.calendars import HeldSpan, held_spans, jobs_naming
from jobs.queries.holds import rule_of
from jobs.services.calendars import CalendarDefinition
from jobs.web.words import CALENDAR_MODE, Text

STRETCHES = 10
_AHEAD = timedelta(days=10 * 366)
# An imported calendar that is worked out no further than this should be imported again.
_RUNS_OUT = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCalendar:
    """One calendar; ``holding`` is why it holds back due times now, None when it does not."""

    calendar: Calendar
    mode: Text
    words: str
    jobs: int
    holding: str | None
    runs_out: bool


def shown(rows: list[Calendar], now: datetime) -> list[ShownCalendar]:
    """Return calendars as pages show them; one query."""
    users = jobs_naming(rows)
    return [_shown(row, rule_of(row), users[row.pk], now) for row in rows]


def _shown(row: Calendar, rule: CalendarRule, jobs: int, now: datetime) -> ShownCalendar:
    return ShownCalendar(
        calendar=row,
        mode=CALENDAR_MODE[row.mode],
        words=in_words(rule),
        jobs=jobs,
        holding=rule.holds_at(to_instant(now)),
        runs_out=row.expanded_until is not None and row.expanded_until < now + _RUNS_OUT,
    )


def in_words(rule: CalendarRule) -> str:
    """Return a calendar as one sentence in the reader's language."""
    return rule.describe(get_language() or "en")


def next_stretches(rule: CalendarRule, now: datetime) -> list[HeldSpan]:
    """Return the next stretches in which due times are held back."""
    return held_spans(rule, now, now + _AHEAD, STRETCHES)


def preview_of(definition: CalendarDefinition, now: datetime) -> Mapping[str, object]:
    """Return what the form shows before it is saved."""
    rule = CalendarRule(
        name=definition.name,
        mode=CalendarMode(definition.mode),
        timezone=definition.timezone,
        windows=parse_windows(definition.windows),
    )
    return {
        "words": in_words(rule),
        "spans": next_stretches(rule, now),
        "zone": definition.timezone,
    }
