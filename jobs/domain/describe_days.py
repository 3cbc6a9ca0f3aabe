"""Dates in words: ``weekdays``, ``on the last Friday of the month``, ``in January and July``."""

from __future__ import annotations

from jobs.domain.cron_days import Days
from jobs.domain.describe_times import number_list
from jobs.domain.describe_words import Words

WORKDAYS, WEEKEND = frozenset(range(1, 6)), frozenset({0, 6})


def days_first(days: Days, words: Words) -> str:
    """Return the days as the beginning of a sentence: ``daily``, ``weekdays``, ``on the 1st ...``."""
    months = _in_months(days, words)
    if _all_days_of_month(days):
        return f"{words.daily} {months}" if months else words.daily
    if _only_plain_weekdays(days):
        alone = _plain_weekdays(days.weekdays, words)
        if days.weekdays not in (WORKDAYS, WEEKEND):
            alone = words.weekdays_alone.format(days=alone)
        return f"{alone} {months}" if months else alone
    return on_days(days, words)


def on_days(days: Days, words: Words) -> str:
    """Return the days as the end of a sentence: ``on weekdays in May``; empty for every day."""
    if _all_days_of_month(days):
        return _in_months(days, words)
    if not _restricts_dates(days):
        return _on_weekdays(days, words)
    if not _restricts_weekdays(days):
        return _on_dates(days, words)
    if days.both:
        return f"{_on_dates(days, words)} {_if_weekday(days, words)}"
    return f"{_on_dates(days, words)} {words.and_} {_on_weekdays(days, words)}"


def _all_days_of_month(days: Days) -> bool:
    """Say whether no date of the chosen months is left out."""
    free = (not _restricts_dates(days), not _restricts_weekdays(days))
    return all(free) if days.both else any(free)


def _restricts_dates(days: Days) -> bool:
    """Say whether the day-of-month field leaves any date out."""
    return len(days.dates) < 31


def _restricts_weekdays(days: Days) -> bool:
    """Say whether the weekday field leaves any weekday out."""
    return len(days.weekdays) < 7


def _only_plain_weekdays(days: Days) -> bool:
    """Say whether nothing but weekdays decides, and none of them is the last or the nth."""
    special = days.last_weekdays or days.nth_weekdays
    return not _restricts_dates(days) and not special


def _on_dates(days: Days, words: Words) -> str:
    """Return ``on the 1st and 15th of the month``."""
    dates = words.join(_dates(days, words))
    # A 31st is not in every month, and that is said.
    rare = min(days.dates | days.nearest, default=0) > 28 and not days.from_last
    return words.on_dates.format(dates=dates, months=_of_months(days, words, rare))


def _dates(days: Days, words: Words) -> list[str]:
    """Return what the day-of-month field names, in words."""
    found = []
    if days.dates:
        numbers = number_list(sorted(days.dates), words.ordinal, words)
        found.append(words.dates.format(numbers=numbers))
    found += [words.nearest_workday.format(date=words.ordinal(day)) for day in sorted(days.nearest)]
    for before in sorted(days.from_last, reverse=True):
        one, several = words.before_last_date
        text = several if before > 1 else one
        found.append(text.format(number=before) if before else words.last_date)
    if days.last_workday:
        found.append(words.last_workday)
    return found


def _on_weekdays(days: Days, words: Words) -> str:
    """Return ``on Mondays in May`` and ``on the last Friday of the month``."""
    parts = []
    if days.weekdays:
        plain = _plain_weekdays(days.weekdays, words)
        months = _in_months(days, words)
        text = words.on_weekdays.format(days=plain)
        parts.append(f"{text} {months}" if months else text)
    special = _special_weekdays(days, words)
    if special:
        rare = not days.last_weekdays and min(n for _, n in days.nth_weekdays) == 5
        months = _of_months(days, words, rare)
        parts.append(words.on_dates.format(dates=words.join(special), months=months))
    return words.join(parts)


def _if_weekday(days: Days, words: Words) -> str:
    """Return the condition that the date falls on one of the weekdays."""
    special = _special_weekdays(days, words)
    if not special:
        names = [words.weekday_names[day] for day in _from_monday(days.weekdays)]
        return words.if_weekday.format(weekdays=words.join(names, words.or_))
    names = [words.weekday_names[day] for day in _from_monday(days.weekdays)]
    plain = [words.if_weekday.format(weekdays=words.join(names, words.or_))] if names else []
    dates = words.if_date.format(dates=words.join(special, words.or_))
    return words.join([*plain, dates], words.or_)


def _special_weekdays(days: Days, words: Words) -> list[str]:
    """Return ``the 2nd Monday`` and ``the last Friday``."""
    names = words.weekday_names
    nth = [
        words.nth_weekday.format(nth=words.ordinal(n), weekday=names[day])
        for day, n in sorted(days.nth_weekdays, key=lambda one: (one[1], one[0]))
    ]
    last = [words.last_weekday.format(weekday=names[day]) for day in sorted(days.last_weekdays)]
    return nth + last


def _from_monday(weekdays: frozenset[int]) -> list[int]:
    """Return the weekdays in the order of the week."""
    return sorted(weekdays, key=lambda day: (day - 1) % 7)


def _plain_weekdays(weekdays: frozenset[int], words: Words) -> str:
    """Return ``weekdays``, ``Sunday to Friday`` or ``Mondays and Fridays``."""
    if weekdays == WORKDAYS:
        return words.workdays
    if weekdays == WEEKEND:
        return words.weekends
    starts = [day for day in weekdays if (day - 1) % 7 not in weekdays]
    if len(starts) == 1 and len(weekdays) > 2:
        last = (starts[0] + len(weekdays) - 1) % 7
        names = words.weekday_names
        text = words.range.format(first=names[starts[0]], last=names[last])
    else:
        text = words.join([words.weekday_plurals[day] for day in _from_monday(weekdays)])
    return words.weekdays_named.format(names=text)


def _months(days: Days, words: Words) -> str:
    """Return the names of the chosen months."""
    return number_list(sorted(days.months), lambda month: words.month_names[month - 1], words)


def _in_months(days: Days, words: Words) -> str:
    """Return ``in May``; empty for every month."""
    return "" if len(days.months) == 12 else words.in_months.format(months=_months(days, words))


def _of_months(days: Days, words: Words, rare: bool) -> str:
    """Return ``of the month`` or ``of May``; ``rare`` dates are not in every month."""
    if len(days.months) < 12:
        return words.of_months.format(months=_months(days, words))
    return words.each_month_with_one if rare else words.each_month
