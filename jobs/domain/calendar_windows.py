"""The windows of a calendar, and which instants they cover.

A window is written in wall-clock time, so where the clocks change its edges need a rule: an edge is
*the first instant at which the clock shows that time or a later one*.

1. An edge in a gap is the first instant after the gap.
2. An edge that is shown twice is its first pass: 01:30 to 02:30 ends when the clock first shows 02:30,
   and 02:30 to 04:00 goes on from there through the second pass until 04:00.
3. Windows that meet on the wall clock therefore meet in time, without a hole and without an overlap:
   no instant is lost. A day has 23, 24 or 25 hours, and one that a zone left out has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from jobs.domain.instants import SECOND, to_instant
from jobs.domain.zones import DAY, EARLIEST, LATEST, Timeline

Covered = tuple[int, int]  # instants [start, end)

# Date arithmetic in UTC may be off by a zone's offset and by a change of a whole day.
_MARGIN = 2 * DAY
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH_WEEKDAY = date(1970, 1, 1).weekday()
WEEK = frozenset(range(7))


def edge(zone: Timeline, wall: int) -> int:
    """Return the first epoch second at which the zone's clock shows ``wall`` or a later time."""
    span = zone.at(wall - _MARGIN)
    while span.end + span.offset <= wall:
        span = zone.at(span.end)
    # In a gap the span begins with a later time already.
    return max(span.start, wall - span.offset)


def _between(zone: Timeline, low: int, high: int) -> Covered:
    """Return the instants from one wall second to another."""
    return edge(zone, low) * SECOND, edge(zone, high) * SECOND


def _day_number(day: date) -> int:
    """Return the days since 1 January 1970."""
    return day.toordinal() - _EPOCH_DAY


def _seconds(after: int, until: int) -> tuple[int, int]:
    """Return a range of instants in whole seconds, within what a time zone can answer."""
    low, high = EARLIEST + 2 * _MARGIN, LATEST - 2 * _MARGIN
    return min(max(after // SECOND, low), high), min(max(until // SECOND, low), high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """From one time of day to another, on days of the week; Monday is 0.

    ``start`` and ``end`` are seconds since midnight. An ``end`` at or before ``start`` is one of the
    next day: the window belongs to the day on which it starts.
    """

    days: frozenset[int]
    start: int
    end: int
    label: str = ""

    @property
    def length(self) -> int:
        """Return its seconds on the wall clock."""
        return self.end - self.start if self.end > self.start else self.end + DAY - self.start

    def spans(self, zone: Timeline, after: int, until: int) -> Iterator[Covered]:
        """Yield the stretches that reach into ``(after, until]``, in order."""
        if self.days == WEEK and self.length == DAY:
            # Day after day without a hole; nobody needs to walk through it.
            yield EARLIEST * SECOND, LATEST * SECOND
            return
        low, high = _seconds(after, until)
        # A window of the day before may still last.
        for day in range((low - _MARGIN) // DAY - 1, (high + _MARGIN) // DAY + 1):
            if (day + _EPOCH_WEEKDAY) % 7 not in self.days:
                continue
            wall = day * DAY + self.start
            start, end = _between(zone, wall, wall + self.length)
            if start > until:
                return
            if end > max(start, after + 1):
                yield start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class Yearly:
    """One whole day of each year; 29 February in leap years only."""

    month: int
    day: int
    label: str = ""

    def spans(self, zone: Timeline, after: int, until: int) -> Iterator[Covered]:
        """Yield the stretches that reach into ``(after, until]``, in order."""
        low, high = _seconds(after, until)
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        first, last = ((epoch + timedelta(seconds=second)).year for second in (low, high))
        # New Year may be another year in UTC.
        for year in range(first - 1, last + 2):
            try:
                day = date(year, self.month, self.day)
            except ValueError:
                continue
            yield from Dates(first=day).spans(zone, after, until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """The whole days from ``first`` to ``last``, both included; None is one day."""

    first: date
    last: date | None = None
    label: str = ""

    def spans(self, zone: Timeline, after: int, until: int) -> Iterator[Covered]:
        """Yield the stretch if it reaches into ``(after, until]``."""
        low = _day_number(self.first) * DAY
        high = (_day_number(self.last or self.first) + 1) * DAY
        if (low - _MARGIN) * SECOND > until or (high + _MARGIN) * SECOND <= after:
            return
        start, end = _between(zone, low, high)
        if start <= until and end > max(start, after + 1):
            yield start, end


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """From one moment to another, whatever the clocks show; ``end`` does not belong to it."""

    start: datetime
    end: datetime
    label: str = ""

    def spans(self, _zone: Timeline, after: int, until: int) -> Iterator[Covered]:
        """Yield the stretch if it reaches into ``(after, until]``."""
        start, end = to_instant(self.start), to_instant(self.end)
        if start <= until and end > after + 1:
            yield start, end


Window = Weekly | Yearly | Dates | Period
