"""Cron expressions as rules: what they name on the wall clock, without any time zone.

The grammar is ours (``cron_grammar``); croniter expands the fields to numbers. Stepping through the
calendar is done on the expanded sets (``cron_days``): croniter's own steps cost 65 µs to 500 µs each,
know neither ``LW`` nor ``L-3``, and would count a year of minutes one by one. Time zones and DST are
added by ``cron_clock``. ``docs/reference/cron.md`` is the contract.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from croniter import croniter

from jobs.domain.cron_days import EPOCH_ORDINAL, Days, DayTimes
from jobs.domain.cron_grammar import read_expression
from jobs.domain.cron_terms import PLAIN, WEEKDAY, Expression, Field, Form, Term
from jobs.domain.errors import CronError
from jobs.domain.said import said
from jobs.domain.states import DayMatch, SecondsPosition

DAY_SECONDS = 86_400
_NEW_YEAR_2000 = date(2000, 1, 1).toordinal() - EPOCH_ORDINAL


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CronRule:
    """What one expression names. Wall times are whole seconds since 1 January 1970, zone unknown."""

    expression: Expression
    times: DayTimes
    days: Days

    @property
    def follows_clock(self) -> bool:
        """Say whether it runs by elapsed time through DST (minute or hour starts with ``*``)."""
        return self.expression.follows_clock

    def first_from(self, wall: int) -> int | None:
        """Return the first named wall time at or after ``wall``; None when there is no more."""
        day, second = divmod(wall, DAY_SECONDS)
        found = self.days.first_from(day)
        if found == day:
            rank = self.times.rank(second)
            if rank < self.times.size:
                return day * DAY_SECONDS + self.times.select(rank)
            found = self.days.first_from(day + 1)
        return None if found is None else found * DAY_SECONDS + self.times.select(0)

    def last_until(self, wall: int) -> int | None:
        """Return the last named wall time at or before ``wall``; None when there is none."""
        day, second = divmod(wall, DAY_SECONDS)
        found = self.days.last_until(day)
        if found == day:
            rank = self.times.rank(second + 1)
            if rank:
                return day * DAY_SECONDS + self.times.select(rank - 1)
            found = self.days.last_until(day - 1)
        if found is None:
            return None
        return found * DAY_SECONDS + self.times.select(self.times.size - 1)

    def count(self, start: int, end: int) -> int:
        """Return how many wall times of ``[start, end)`` are named."""
        if end <= start:
            return 0
        first, from_second = divmod(start, DAY_SECONDS)
        last, to_second = divmod(end, DAY_SECONDS)
        total = self.days.count(first, last) * self.times.size
        if from_second and self.days.named(first):
            total -= self.times.rank(from_second)
        if to_second and self.days.named(last):
            total += self.times.rank(to_second)
        return total

    def between(self, start: int, end: int) -> list[int]:
        """Return the named wall times of ``[start, end)`` in order."""
        found: list[int] = []
        for day in self.days.within(start // DAY_SECONDS, -(-end // DAY_SECONDS)):
            midnight = day * DAY_SECONDS
            times = self.times.all()
            if midnight < start or midnight + DAY_SECONDS > end:
                low = self.times.rank(max(start - midnight, 0))
                times = times[low : self.times.rank(min(end - midnight, DAY_SECONDS))]
            found.extend([midnight + second for second in times])
        return found


# One entry per distinct expression; a rule's own month cache is bounded too.
@lru_cache(maxsize=4096)
def parse_cron(
    text: str,
    day_match: DayMatch = DayMatch.ANY,
    seconds_position: SecondsPosition = SecondsPosition.LAST,
) -> CronRule:
    """Return the rule of a cron expression; raise CronError when it is wrong or never fires.

    ``day_match`` says how day of month and weekday combine when both are restricted: ``any`` is
    crontab's rule (either matches, but both when one of them starts with ``*``), ``all`` wants both.
    """
    expression = read_expression(text, seconds_position=seconds_position)
    values = _expand(expression)
    rule = CronRule(
        expression=expression,
        times=DayTimes(
            tuple(sorted(values.hours)),
            tuple(sorted(values.minutes)),
            tuple(sorted(values.seconds)),
        ),
        days=_days(expression, values, day_match),
    )
    if rule.days.first_from(_NEW_YEAR_2000) is None:
        raise CronError(
            said("{text} never fires: {why}", text=text.strip(), why=_why_never(expression))
        )
    return rule


@dataclass(frozen=True, slots=True, kw_only=True)
class _Values:
    """The numbers that the plain terms of each field stand for."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    dates: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]


def _expand(expression: Expression) -> _Values:
    """Let croniter expand the plain terms; a field without plain terms stands for nothing."""
    fields = (
        expression.minute,
        expression.hour,
        expression.day,
        expression.month,
        expression.weekday,
        expression.second,
    )
    expanded, _ = croniter.expand(" ".join(_plain(field) or "*" for field in fields))
    minutes, hours, dates, months, weekdays, seconds = (
        _numbers(field, values) for field, values in zip(fields, expanded, strict=True)
    )
    return _Values(
        seconds=seconds,
        minutes=minutes,
        hours=hours,
        dates=dates,
        months=months,
        weekdays=weekdays,
    )


def _plain(field: Field) -> str:
    """Return the field's plain terms as croniter reads them."""
    return ",".join(term.canonical for term in field.terms if term.form in PLAIN)


def _numbers(field: Field, values: Sequence[int | str]) -> frozenset[int]:
    """Return croniter's values as numbers; a ``*`` among them is the whole field."""
    if not _plain(field):
        return frozenset()
    if "*" in values:
        last = 6 if field.kind is WEEKDAY else field.kind.high
        return frozenset(range(field.kind.low, last + 1))
    return frozenset(int(value) for value in values)


def _days(expression: Expression, values: _Values, day_match: DayMatch) -> Days:
    """Return the dates that the expression names."""

    def terms(field: Field, form: Form) -> list[Term]:
        return [term for term in field.terms if term.form is form]

    day, weekday = expression.day, expression.weekday
    return Days(
        months=values.months,
        dates=values.dates,
        from_last=frozenset(term.extra for term in terms(day, Form.LAST)),
        nearest=frozenset(term.low for term in terms(day, Form.NEAREST_WORKDAY)),
        last_workday=bool(terms(day, Form.LAST_WORKDAY)),
        weekdays=values.weekdays,
        last_weekdays=frozenset(term.low for term in terms(weekday, Form.LAST_WEEKDAY)),
        nth_weekdays=frozenset((term.low, term.extra) for term in terms(weekday, Form.NTH_WEEKDAY)),
        both=day_match == DayMatch.ALL or day.starred or weekday.starred,
    )


def _why_never(expression: Expression) -> str:
    """Return the reason in words: a date that no chosen month has, or never on such a weekday."""
    if expression.weekday.every:
        return said(
            "no month {month} has a day of month {day}.",
            month=expression.month.text,
            day=expression.day.text.upper(),
        )
    return said(
        "no date matches day of month {day}, month {month} and weekday {weekday} together.",
        day=expression.day.text.upper(),
        month=expression.month.text,
        weekday=expression.weekday.text.upper(),
    )
