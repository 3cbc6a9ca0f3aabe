"""Short ways to write moments and to list due times in tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from jobs.domain.schedule import Schedule, due_between, next_due, zone
from jobs.domain.states import DayMatch, ScheduleKind


def utc(text: str) -> datetime:
    """Return the UTC moment of an ISO text without offset."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cron(
    expression: str,
    timezone: str = "UTC",
    *,
    day_match: DayMatch = DayMatch.ANY,
    seconds_position: str = "last",
    gap: str = "",
    fold: str = "",
) -> Schedule:
    """Return a cron schedule."""
    return Schedule(
        kind=ScheduleKind.CRON,
        expression=expression,
        timezone=timezone,
        day_match=day_match,
        seconds_position=seconds_position,
        gap=gap,
        fold=fold,
    )


def local(rule: Schedule, after: str, until: str) -> list[str]:
    """Return the due times between two UTC texts as the zone's own clock shows them."""
    shown = zone(rule.timezone)
    due = due_between([rule], utc(after), utc(until))
    return [moment.astimezone(shown).isoformat(sep=" ") for moment in due]


def steps(rules: Sequence[Schedule], after: datetime, count: int) -> list[datetime]:
    """Return the next due times, found one step at a time."""
    found: list[datetime] = []
    while len(found) < count and (due := next_due(rules, found[-1] if found else after)):
        found.append(due)
    return found
