"""Make a calendar of an iCalendar file, or give an existing one the file's windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.domain.calendars import parse_windows
from jobs.domain.instants import to_instant
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.zones import timeline
from jobs.models import Calendar
from jobs.services import calendars
from jobs.services.ical import windows_from_ics

YEARS = 10
# A rule that goes on has something in the last two years before the end, or so little that nobody
# misses it yet.
_GOES_ON = timedelta(days=2 * 366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The windows of a file; ``expanded_until`` is where its repetitions were worked out to."""

    windows: list[dict[str, object]]
    expanded_until: datetime | None


def read_ics(content: bytes, *, timezone: str, now: datetime) -> Imported:
    """Return the windows of an iCalendar file; times without a zone are in ``timezone``."""
    windows = windows_from_ics(content, timezone=timezone, now=now, years=YEARS)
    end = now.astimezone(UTC) + timedelta(days=366 * YEARS)
    return Imported(
        windows=windows, expanded_until=end if _reaches(windows, timezone, end) else None
    )


def import_ics(
    content: bytes, fields: Mapping[str, Any], *, actor: Actor, now: datetime
) -> tuple[Calendar, bool]:
    """Give the calendar of that name the windows of a file; make it when there is none.

    ``fields`` are those of a definition, without the windows. Says whether it was made.
    """
    require(actor, Permission.EDIT)
    definition = calendars.parse_calendar({**fields, "windows": []})
    known = Calendar.objects.filter(name__iexact=definition.name).first()
    zone = known.timezone if known and "timezone" not in fields else definition.timezone
    found = read_ics(content, timezone=zone, now=now)
    if known is None:
        definition = calendars.parse_calendar({**fields, "windows": found.windows})
        made = calendars.create(definition, actor=actor, expanded_until=found.expanded_until)
        return made, True
    changes = {**fields, "name": known.name, "windows": found.windows}
    return (
        calendars.update(known.pk, changes, actor=actor, expanded_until=found.expanded_until),
        False,
    )


def _reaches(windows: list[dict[str, object]], timezone: str, end: datetime) -> bool:
    """Say whether repetitions were cut off: single days or periods go on up to the end."""
    once = [one for one in windows if one["kind"] in ("date", "period")]
    line = timeline(timezone)
    low, high = to_instant(end - _GOES_ON), to_instant(end)
    spans = (next(one.spans(line, low, high), None) for one in parse_windows(once))
    return any(span is not None for span in spans)
