"""What is to come, for a page: the next runs, clock changes in words, and what an edit changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language

from jobs.domain.clock_changes import clock_changes, transitions
from jobs.domain.clock_words import effects, heading
from jobs.domain.planned import SHOWN, Planned, planned
from jobs.domain.schedule import Schedule
from jobs.domain.states import ScheduleKind

__all__ = ["MANY", "SHOWN", "ClockNote", "Planned", "clock_notes", "planned", "steady_zones"]

MANY = 50
_MOST_NOTES = 6  # three zones


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockNote:
    """A change of the clock: what it is, and what becomes of the schedules."""

    zone: str
    at: datetime
    forward: bool
    touched: bool
    heading: str
    effects: Sequence[str]


def clock_notes(
    rules: Sequence[Schedule], now: datetime, *, numbers: Sequence[int]
) -> list[ClockNote]:
    """Return the next two changes of each zone; ``numbers`` are those of the form's rows."""
    language = get_language() or "en"
    return [
        ClockNote(
            zone=change.zone,
            at=change.at,
            forward=change.forward,
            touched=change.touched,
            heading=heading(change, language),
            effects=effects(change, language, numbers=numbers),
        )
        for change in clock_changes(rules, now)[:_MOST_NOTES]
    ]


def steady_zones(rules: Sequence[Schedule], now: datetime) -> list[str]:
    """Return the zones of cron schedules whose clocks do not change for two years."""
    zones = {rule.timezone for rule in rules if rule.kind == ScheduleKind.CRON} - {"UTC"}
    return sorted(name for name in zones if not transitions(name, now))
