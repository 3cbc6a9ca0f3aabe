"""Which instants are due, worked out minute by minute without a line of the product's code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
Due = Callable[[datetime, datetime], set[datetime]]


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` (inclusive) to ``end`` (exclusive)."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Say whether the moment lies inside."""
        return self.start <= moment < self.end


def at_wall_times(zone: str, times: Iterable[tuple[int, int]]) -> Due:
    """Return the rule of fixed wall-clock times, each day: in a gap right after it, else once."""
    place = ZoneInfo(zone)

    def due(after: datetime, until: datetime) -> set[datetime]:
        found = set()
        day = (after - timedelta(days=2)).date()
        while day <= (until + timedelta(days=2)).date():
            for hour, minute in times:
                wall = datetime.combine(day, time(hour, minute))
                found.add(first_valid(wall, place))
            day += timedelta(days=1)
        return {one for one in found if after < one <= until}

    return due


def first_valid(wall: datetime, place: ZoneInfo) -> datetime:
    """Return the first instant at which the clock shows ``wall`` or has jumped over it."""
    instant = wall.replace(tzinfo=place).astimezone(UTC) - timedelta(hours=4)
    while instant.astimezone(place).replace(tzinfo=None) < wall:
        instant += MINUTE
    return instant


def when_the_clock_shows(zone: str, wanted: Callable[[datetime], bool]) -> Due:
    """Return the rule that follows the clock: each minute whose wall-clock time is wanted."""
    place = ZoneInfo(zone)

    def due(after: datetime, until: datetime) -> set[datetime]:
        return {one for one in minutes(after, until) if wanted(one.astimezone(place))}

    return due


def on_a_grid(origin: datetime, period: timedelta) -> Due:
    """Return the rule of a fixed interval."""

    def due(after: datetime, until: datetime) -> set[datetime]:
        found, one = set(), origin
        while one <= until:
            if one > after:
                found.add(one)
            one += period
        return found

    return due


def minutes(after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the whole minutes of ``(after, until]``."""
    one = after.replace(second=0, microsecond=0) + MINUTE
    while one <= until:
        yield one
        one += MINUTE
