"""Which days and which times of day an expression names: plain sets, counted and searched fast."""

from __future__ import annotations

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

# date.toordinal() of 1 January 1970: days here count from that date.
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
# The Gregorian calendar, weekdays included, repeats after 400 years.
CYCLE_MONTHS = 400 * 12
_LAST_DAY = date(9990, 12, 31).toordinal() - EPOCH_ORDINAL
_FIRST_DAY = date(2, 1, 1).toordinal() - EPOCH_ORDINAL
# 100 years of months for one rule; when it is full, the walk has gone far and starts anew.
_MONTHS_KEPT = 1200


@dataclass(frozen=True, slots=True)
class DayTimes:
    """The times of one day, as the product of hours, minutes and seconds (each sorted)."""

    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return how many times a day has."""
        return len(self.hours) * len(self.minutes) * len(self.seconds)

    def rank(self, second: int) -> int:
        """Return how many times lie before that second of the day."""
        minute, rest = divmod(second, 60)
        hour, minute = divmod(minute, 60)
        per_minute = len(self.seconds)
        at = bisect_left(self.hours, hour)
        count = at * len(self.minutes) * per_minute
        if at == len(self.hours) or self.hours[at] != hour:
            return count
        at = bisect_left(self.minutes, minute)
        count += at * per_minute
        if at == len(self.minutes) or self.minutes[at] != minute:
            return count
        return count + bisect_left(self.seconds, rest)

    def select(self, rank: int) -> int:
        """Return the second of the day of the time with that rank."""
        rank, second = divmod(rank, len(self.seconds))
        hour, minute = divmod(rank, len(self.minutes))
        return self.hours[hour] * 3600 + self.minutes[minute] * 60 + self.seconds[second]

    def all(self) -> tuple[int, ...]:
        """Return every second of the day that is named, in order."""
        return _all_times(self.hours, self.minutes, self.seconds)


# Few, because a day of seconds is 86,400 numbers.
@lru_cache(maxsize=32)
def _all_times(
    hours: tuple[int, ...], minutes: tuple[int, ...], seconds: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the product as seconds of the day."""
    starts = [hour * 3600 + minute * 60 for hour in hours for minute in minutes]
    return tuple(start + second for start in starts for second in seconds)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Days:
    """The dates that day of month, month and weekday name together.

    ``both`` says whether a date has to match both day fields or one of them. Weekdays count from
    Sunday = 0. Days are counted from 1 January 1970.
    """

    months: frozenset[int]
    dates: frozenset[int]  # days of the month
    from_last: frozenset[int]  # L is 0, L-3 is 3
    nearest: frozenset[int]  # nW
    last_workday: bool  # LW
    weekdays: frozenset[int]
    last_weekdays: frozenset[int]  # dL
    nth_weekdays: frozenset[tuple[int, int]]  # d#n
    both: bool
    _months: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict, init=False)

    @property
    def every_day(self) -> bool:
        """Say whether no date is left out."""
        dates, weekdays = len(self.dates) == 31, len(self.weekdays) == 7
        days = (dates and weekdays) if self.both else (dates or weekdays)
        return days and len(self.months) == 12

    def named(self, day: int) -> bool:
        """Say whether that day is named."""
        when = date.fromordinal(day + EPOCH_ORDINAL)
        return day in self.of_month(when.year, when.month)

    def first_from(self, day: int) -> int | None:
        """Return the first named day at or after ``day``; None when the calendar has no more."""
        if day > _LAST_DAY:
            return None
        when = date.fromordinal(day + EPOCH_ORDINAL)
        for year, month in _months_forward(when.year, when.month):
            days = self.of_month(year, month)
            if days and days[-1] >= day:
                return days[bisect_left(days, day)]
        return None

    def last_until(self, day: int) -> int | None:
        """Return the last named day at or before ``day``; None when there is none."""
        if day < _FIRST_DAY:
            return None
        when = date.fromordinal(day + EPOCH_ORDINAL)
        for year, month in _months_back(when.year, when.month):
            days = self.of_month(year, month)
            if days and days[0] <= day:
                return days[bisect_left(days, day + 1) - 1]
        return None

    def within(self, start: int, end: int) -> Iterator[int]:
        """Yield the named days of ``[start, end)`` in order."""
        if self.every_day:
            yield from range(start, end)
            return
        day = self.first_from(start)
        while day is not None and day < end:
            yield day
            day = self.first_from(day + 1)

    def count(self, start: int, end: int) -> int:
        """Return how many days of ``[start, end)`` are named."""
        if end <= start:
            return 0
        if self.every_day:
            return end - start
        when = date.fromordinal(start + EPOCH_ORDINAL)
        total = 0
        for year, month in _months_forward(when.year, when.month):
            if date(year, month, 1).toordinal() - EPOCH_ORDINAL >= end:
                break
            days = self.of_month(year, month)
            total += bisect_left(days, end) - bisect_left(days, start)
        return total

    def of_month(self, year: int, month: int) -> tuple[int, ...]:
        """Return the named days of one month, in order."""
        known = self._months.get((year, month))
        if known is None:
            if len(self._months) >= _MONTHS_KEPT:
                self._months.clear()
            known = self._months[year, month] = self._find(year, month)
        return known

    def _find(self, year: int, month: int) -> tuple[int, ...]:
        """Work the named days of one month out."""
        if month not in self.months:
            return ()
        monday_first, length = monthrange(year, month)
        first = (monday_first + 1) % 7
        dates = self._by_date(first, length)
        weekdays = self._by_weekday(first, length)
        chosen = dates & weekdays if self.both else dates | weekdays
        before = date(year, month, 1).toordinal() - EPOCH_ORDINAL - 1
        return tuple(before + day for day in sorted(chosen))

    def _by_date(self, first: int, length: int) -> set[int]:
        """Return the dates that the day-of-month field names; ``first`` is the 1st's weekday."""
        found = {day for day in self.dates if day <= length}
        found.update(length - back for back in self.from_last if back < length)
        found.update(_nearest_workday(day, first, length) for day in self.nearest if day <= length)
        if self.last_workday:
            found.add(_nearest_workday(length, first, length))
        return found

    def _by_weekday(self, first: int, length: int) -> set[int]:
        """Return the dates that the weekday field names."""
        if len(self.weekdays) == 7:
            return set(range(1, length + 1))
        found = {
            day for weekday in self.weekdays for day in range(_first(weekday, first), length + 1, 7)
        }
        for weekday in self.last_weekdays:
            start = _first(weekday, first)
            found.add(start + (length - start) // 7 * 7)
        nth = {_first(weekday, first) + 7 * (n - 1) for weekday, n in self.nth_weekdays}
        return found | {day for day in nth if day <= length}


def _first(weekday: int, first: int) -> int:
    """Return the date of the month's first such weekday."""
    return 1 + (weekday - first) % 7


def _nearest_workday(day: int, first: int, length: int) -> int:
    """Return the workday nearest to a date, in the same month (Quartz's rule for W)."""
    weekday = (first + day - 1) % 7
    if weekday == 6:  # Saturday
        return day - 1 if day > 1 else day + 2
    if weekday == 0:  # Sunday
        return day + 1 if day < length else day - 2
    return day


def _months_forward(year: int, month: int) -> Iterator[tuple[int, int]]:
    """Yield the months from that one on: a whole cycle, so that any date that exists is met."""
    start = year * 12 + month - 1
    for number in range(start, min(start + CYCLE_MONTHS + 1, 9991 * 12)):
        yield number // 12, number % 12 + 1


def _months_back(year: int, month: int) -> Iterator[tuple[int, int]]:
    """Yield the months from that one back, a whole cycle."""
    start = year * 12 + month - 1
    for number in range(start, max(start - CYCLE_MONTHS - 1, 2 * 12 - 1), -1):
        yield number // 12, number % 12 + 1
