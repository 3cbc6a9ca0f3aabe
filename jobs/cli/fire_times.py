"""The fire times of an expression, worked out right here: no server, no database, no Django."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from jobs.cli.errors import CliError
from jobs.domain.errors import JobdeckError
from jobs.domain.schedule import Schedule, due_between
from jobs.domain.states import DayMatch, ScheduleKind
from jobs.domain.zones import zone

# What `jobs.services.wording` allows as a name; everything else can only be an expression.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_END = datetime(9990, 1, 1, tzinfo=UTC)


def is_expression(text: str) -> bool:
    """Say whether ``text`` cannot be the name of a job."""
    return _NAME.fullmatch(text) is None


def fire_times(
    expression: str,
    *,
    zone_name: str,
    start: str | None,
    count: int,
    day_match: str,
    seconds_first: bool,
) -> list[datetime]:
    """Return the next ``count`` fire times after ``start``, by default after now, in UTC."""
    try:
        rule = Schedule(
            kind=ScheduleKind.CRON,
            expression=expression,
            timezone=zone_name,
            day_match=DayMatch(day_match),
            seconds_position="first" if seconds_first else "last",
        )
        return list(due_between([rule], _start(start, zone_name), _END, count))
    except JobdeckError as error:
        raise CliError(error.message) from error


def _start(text: str | None, zone_name: str) -> datetime:
    """Return the moment to look from; one without an offset is meant in the zone."""
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=zone(zone_name))
        at = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _bad_start(text) from None
    if not 2 <= at.year < _END.year:
        raise _bad_start(text)
    return at


def _bad_start(text: str) -> CliError:
    return CliError(
        f"--from {text[:60]!r} is no moment. Use ISO 8601, such as 2026-03-29T00:00:00Z."
    )


def utc_text(at: datetime) -> str:
    """Return a moment as the API writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
