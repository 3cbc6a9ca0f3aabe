"""Move the times of a cron expression by some minutes, as a cron expression again.

Only what one expression can say is done: the minutes and hours move on the wall clock, and plain
weekdays go along when midnight is crossed. Everything else is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

from jobs.domain.cron import parse_cron
from jobs.domain.cron_grammar import read_expression
from jobs.domain.cron_terms import PLAIN, Expression, Field, Form
from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.domain.states import SecondsPosition

DAY_MINUTES = 24 * 60
MOST_MINUTES = 7 * DAY_MINUTES


def shifted(
    text: str, minutes: int, *, seconds_position: SecondsPosition = SecondsPosition.LAST
) -> str:
    """Return the expression whose wall times are ``minutes`` later, or earlier when it is below zero."""
    if not -MOST_MINUTES <= minutes <= MOST_MINUTES:
        raise InvalidError(
            said(
                "{minutes} minutes are too many. Use {least} to {most}.",
                minutes=minutes,
                least=-MOST_MINUTES,
                most=MOST_MINUTES,
            )
        )
    expression = read_expression(text, seconds_position=seconds_position)
    times = parse_cron(text, seconds_position=seconds_position).times
    if minutes % 60 == 0 and expression.hour.every:
        return text.strip()  # every hour, also after whole hours
    if expression.hour.every:
        fields = _minutes_of_every_hour(times.minutes, minutes)
        return _written(expression, *fields, expression.weekday.text, seconds_position)
    minute, hour, days = _moved(text, times.hours, times.minutes, minutes)
    weekday = _weekday(text, expression, days)
    return _written(expression, minute, hour, weekday, seconds_position)


def _minutes_of_every_hour(named: Sequence[int], minutes: int) -> tuple[str, str]:
    return _listed({(one + minutes) % 60 for one in named}, 60), "*"


def _moved(
    text: str, hours: Sequence[int], named: Sequence[int], minutes: int
) -> tuple[str, str, int]:
    """Return the minute and hour fields, and by how many days all times have moved."""
    moved = [hour * 60 + minute + minutes for hour in hours for minute in named]
    days = {one // DAY_MINUTES for one in moved}
    found = {divmod(one % DAY_MINUTES, 60) for one in moved}
    new_hours, new_minutes = {hour for hour, _ in found}, {minute for _, minute in found}
    if len(found) != len(new_hours) * len(new_minutes):
        raise _refused(text, said("some of its times cross an hour and others do not"))
    if len(days) > 1:
        raise _refused(text, said("some of its times cross midnight and others do not"))
    return _listed(new_minutes, 60), _listed(new_hours, 24), days.pop()


def _weekday(text: str, expression: Expression, days: int) -> str:
    """Return the weekday field after all times have moved by some days."""
    field = expression.weekday
    if not days:
        return field.text
    if not expression.day.every or not expression.month.every:
        raise _refused(text, said("its times cross midnight, and it names dates or months"))
    if field.every:
        return field.text
    if any(term.form not in PLAIN for term in field.terms):
        raise _refused(
            text, said("its times cross midnight, and it counts the weekdays of a month")
        )
    return _listed({(day + days) % 7 for day in _weekdays(field)}, 7)


def _weekdays(field: Field) -> set[int]:
    """Return the weekdays that plain terms name, from Sunday = 0."""
    found: set[int] = set()
    for term in field.terms:
        high = {Form.VALUE: term.low, Form.EVERY: 6}.get(term.form, term.high)
        found |= {day % 7 for day in range(term.low, high + 1, term.step)}
    return found


def _listed(values: set[int], of: int) -> str:
    """Return a field: ``*`` for all, ``a-b`` for a run of three or more, else a list."""
    found = sorted(values)
    if len(found) == of:
        return "*"
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:
        return f"{found[0]}-{found[-1]}"
    return ",".join(str(one) for one in found)


def _written(
    expression: Expression, minute: str, hour: str, weekday: str, position: SecondsPosition
) -> str:
    parts = [minute, hour, expression.day.text, expression.month.text, weekday]
    if expression.with_seconds:
        parts.insert(0 if position == SecondsPosition.FIRST else 5, expression.second.text)
    return " ".join(parts)


def _refused(text: str, why: str) -> InvalidError:
    return InvalidError(
        said(
            "{text} cannot be shifted by so much in one expression: {why}.",
            text=text.strip(),
            why=why,
        )
    )
