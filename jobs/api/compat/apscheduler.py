"""Schedules in the words of APScheduler's triggers, such as ``cron[hour='0', minute='30']``."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from jobs.domain.cron_grammar import NICKNAMES
from jobs.domain.states import ScheduleKind, SecondsPosition
from jobs.domain.zones import zone
from jobs.models import Schedule
from jobs.queries.logged import ListedSchedule

_FIELDS = ("minute", "hour", "day", "month", "day_of_week")
# The order in which APScheduler names them.
_SHOWN = ("month", "day", "day_of_week", "hour", "minute", "second")


def trigger_text(schedule: Schedule | ListedSchedule) -> str:
    """Return one schedule as text."""
    match schedule.kind:
        case ScheduleKind.CRON:
            return _cron(schedule.expression, schedule.seconds_position)
        case ScheduleKind.INTERVAL:
            return f"interval[{timedelta(seconds=schedule.seconds or 0)}]"
        case ScheduleKind.ONCE if schedule.at is not None:
            at = schedule.at.astimezone(zone(schedule.timezone))
            return f"date[{at:%Y-%m-%d %H:%M:%S %Z}]"
        case _:
            return f"event[{schedule.event}]"


@lru_cache(maxsize=1024)
def _cron(expression: str, seconds_position: str) -> str:
    """Name each field that says something; the minute always, so that none is left empty."""
    words = NICKNAMES.get(expression.strip().lower(), expression).split()
    said = {}
    if len(words) > len(_FIELDS):
        said["second"] = words.pop(0 if seconds_position == SecondsPosition.FIRST else -1)
    said.update(zip(_FIELDS, words, strict=True))
    shown = [
        f"{name}='{said[name]}'"
        for name in _SHOWN
        if name in said and (name == "minute" or said[name] not in {"*", "?"})
    ]
    return f"cron[{', '.join(shown)}]"
