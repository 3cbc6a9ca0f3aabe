"""Schedules in words, in English or Indonesian: for every schedule that is accepted.

Describes what an expression *names* (sets of times and dates) and not how it was typed, so that two
expressions that mean the same read the same. Whatever has no short form lists its numbers in full:
longer, but never wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from jobs.domain.cron_days import Days, DayTimes
from jobs.domain.describe_days import days_first, on_days
from jobs.domain.describe_times import by_number, clock_times, every, pattern, spell
from jobs.domain.describe_words import Words, words_for
from jobs.domain.states import Event, ScheduleKind
from jobs.domain.zones import zone

if TYPE_CHECKING:
    from jobs.domain.schedule import Schedule

# More clock times than this are told by their pattern.
MOST_TIMES = 8


def describe(schedule: Schedule, language: str = "en") -> str:
    """Return the schedule in words, such as ``Weekdays at 18:00``; its zone is not part of them."""
    words = words_for(language)
    return _capitalised(_with_limits(schedule, _core(schedule, words), words))


def describe_all(schedules: Sequence[Schedule], language: str = "en") -> str:
    """Return a job's schedules in one line; zones are named when they differ."""
    words = words_for(language)
    zones = {schedule.timezone for schedule in schedules}
    parts = []
    for schedule in schedules:
        text = _with_limits(schedule, _core(schedule, words), words)
        parts.append(f"{text} ({schedule.timezone})" if len(zones) > 1 else text)
    # The comma keeps "every 6 h, and daily at 00:00" apart from a list inside one of them.
    text = f", {words.and_} ".join(parts)
    return _capitalised(text or words.nothing)


def _capitalised(text: str) -> str:
    """Return the text with its first letter large; the rest keeps its own."""
    return text[:1].upper() + text[1:]


def _core(schedule: Schedule, words: Words) -> str:
    """Return when a schedule is due, without start, end and jitter."""
    if schedule.kind == ScheduleKind.CRON:
        rule = schedule.clock.rule
        return _cron(rule.times, rule.days, words)
    if schedule.kind == ScheduleKind.INTERVAL:
        length = timedelta(seconds=schedule.seconds or 0)
        if schedule.counts_from_end:
            return words.after_each_end.format(length=spell(length, words))
        return every(length, words)
    if schedule.kind == ScheduleKind.ONCE and schedule.at is not None:
        at = schedule.at.astimezone(zone(schedule.timezone))
        precise = "%H:%M:%S" if at.second else "%H:%M"
        return words.once.format(date=f"{at:%Y-%m-%d}", time=at.strftime(precise))
    return words.events[Event(schedule.event)]


def _with_limits(schedule: Schedule, text: str, words: Words) -> str:
    """Append jitter, spread, start and end where there are any."""
    for template, seconds in (
        (words.jitter, schedule.jitter_seconds),
        (words.spread, schedule.spread_seconds),
    ):
        if seconds:
            text = template.format(text=text, length=spell(timedelta(seconds=seconds), words))
    for template, moment in ((words.starts, schedule.starts_at), (words.ends, schedule.ends_at)):
        if moment is not None:
            shown = moment.astimezone(zone(schedule.timezone))
            text = template.format(text=text, moment=f"{shown:%Y-%m-%d %H:%M}")
    return text


def _cron(times: DayTimes, days: Days, words: Words) -> str:
    """Return times and dates in the order in which one says them."""
    regular = pattern(times, words)
    if regular is None and times.size <= MOST_TIMES:
        clock = words.at_times.format(times=words.join(clock_times(times)))
        return f"{days_first(days, words)} {clock}"
    text = regular or by_number(times, words)
    dates = on_days(days, words)
    return f"{text} {dates}" if dates else text
