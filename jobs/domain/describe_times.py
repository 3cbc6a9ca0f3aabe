"""Times of day in words: ``at 02:30``, ``every 5 min from 09:00 to 17:55``, or all the numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise, product

from jobs.domain.cron_days import DayTimes
from jobs.domain.describe_words import Words

# Fewer evenly spaced times than this are listed one by one.
LEAST_PATTERN = 4
# A list of numbers longer than this, evenly spaced, is told as "0 to 56 in steps of 7".
MOST_NUMBERS = 5


def spell(length: timedelta, words: Words) -> str:
    """Return an exact length: ``5 min``, ``1 h 30 min``, ``24 h``, ``7 d``."""
    if length >= timedelta(days=2) and not length % timedelta(days=1):
        return f"{length // timedelta(days=1)} {words.day}"
    hours, rest = divmod(length, timedelta(hours=1))
    minutes, rest = divmod(rest, timedelta(minutes=1))
    seconds = rest.total_seconds()
    parts = [(hours, words.hour), (minutes, words.minute), (seconds, words.second)]
    text = " ".join(f"{number:.8g} {unit}" for number, unit in parts if number)
    return text.replace(".", words.decimal_mark)


def every(length: timedelta, words: Words) -> str:
    """Return ``every minute`` or ``every 5 min``."""
    if length == timedelta(seconds=1):
        return words.every_second
    if length == timedelta(minutes=1):
        return words.every_minute
    if length == timedelta(hours=1):
        return words.every_hour
    return words.every_n.format(length=spell(length, words))


def pattern(times: DayTimes, words: Words) -> str | None:
    """Return ``every 5 min`` or ``every hour from 09:00 to 17:00``; None for uneven times."""
    step = _even_step(times)
    if step is None:
        return None
    text = every(timedelta(seconds=step), words)
    first, last = times.select(0), times.select(times.size - 1)
    if first == 0 and last + step == 86_400:
        return text
    # What starts late but goes on around the clock (minute 30 of every hour) has no real end.
    if times.size < LEAST_PATTERN or last + step - first == 86_400:
        return None
    precise = times.seconds != (0,)
    return words.from_to.format(
        every=text, first=_clock(first, precise), last=_clock(last, precise)
    )


def _even_step(times: DayTimes) -> int | None:
    """Return the seconds between times that follow each other evenly; None for any others.

    An inner field has to fill its unit evenly, and every field around it to have no holes.
    """
    hours, minutes, seconds = times.hours, times.minutes, times.seconds
    if len(seconds) > 1:
        whole = _fills(seconds, 60) and _unbroken(hours) and len(minutes) == 60
        single = len(minutes) == len(hours) == 1
        return _step(seconds) if whole or single else None
    if len(minutes) > 1:
        whole = _fills(minutes, 60) and _unbroken(hours)
        step = _step(minutes) if whole or len(hours) == 1 else None
        return None if step is None else step * 60
    step = _step(hours)
    return None if step is None else step * 3600


def _step(numbers: Sequence[int]) -> int | None:
    """Return the distance between evenly spaced numbers; None for uneven ones and a single one."""
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    return steps.pop() if len(steps) == 1 else None


def _fills(numbers: Sequence[int], unit: int) -> bool:
    """Say whether the numbers go on evenly across the end of their unit."""
    step = _step(numbers)
    return step is not None and numbers[-1] + step == unit + numbers[0]


def _unbroken(numbers: Sequence[int]) -> bool:
    """Say whether no number between the first and the last is missing."""
    return numbers[-1] - numbers[0] + 1 == len(numbers)


def clock_times(times: DayTimes) -> list[str]:
    """Return every time of the day as a clock shows it."""
    precise = times.seconds != (0,)
    return [
        _clock(hour * 3600 + minute * 60 + second, precise)
        for hour, minute, second in product(times.hours, times.minutes, times.seconds)
    ]


def _clock(second: int, precise: bool) -> str:
    """Return a second of the day as ``09:05`` or, when seconds matter, ``09:05:30``."""
    text = f"{second // 3600:02d}:{second // 60 % 60:02d}"
    return f"{text}:{second % 60:02d}" if precise else text


def by_number(times: DayTimes, words: Words) -> str:
    """Return the fallback that lists the fields: ``at minutes 5 and 20 of every hour``."""
    fields = [
        (times.seconds, 60, words.every_second, words.seconds_named),
        (times.minutes, 60, words.every_minute, words.minutes_named),
        (times.hours, 24, words.every_hour, words.hours_named),
    ]
    if times.seconds == (0,):
        fields = fields[1:]
    elif len(times.minutes) * len(times.hours) == 60 * 24:
        fields = fields[:2]  # "of every minute" says it all
    parts = [
        every if len(values) == unit else _named(values, named, words)
        for values, unit, every, named in fields
    ]
    text = words.of.join(parts)
    every_first = len(fields[0][0]) == fields[0][1]
    return text if every_first else words.at_numbers.format(numbers=text)


def _named(values: Sequence[int], named: tuple[str, str], words: Words) -> str:
    """Return ``minute 5`` or ``minutes 5 and 20``."""
    return named[len(values) > 1].format(numbers=number_list(values, str, words))


def number_list(values: Sequence[int], show: Callable[[int], str], words: Words) -> str:
    """Return all numbers of a sorted list: runs as ``1 to 5``, long even rows by their step."""
    step = _step(values)
    if step is not None and step > 1 and len(values) > MOST_NUMBERS:
        return words.steps.format(first=show(values[0]), last=show(values[-1]), step=step)
    return words.join(_runs(values, show, words))


def _runs(values: Sequence[int], show: Callable[[int], str], words: Words) -> list[str]:
    """Return the numbers, with three or more in a row as a range."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    parts = []
    for run in runs:
        if len(run) > 2:
            parts.append(words.range.format(first=show(run[0]), last=show(run[-1])))
        else:
            parts.extend(map(show, run))
    return parts
