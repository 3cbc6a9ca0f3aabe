"""Times as people say them, ``weekdays at 9``, turned into the cron expression they mean."""

from __future__ import annotations

import re

_DAYS = {
    "sunday": "0", "sun": "0", "minggu": "0",
    "monday": "1", "mon": "1", "senin": "1",
    "tuesday": "2", "tue": "2", "selasa": "2",
    "wednesday": "3", "wed": "3", "rabu": "3",
    "thursday": "4", "thu": "4", "kamis": "4",
    "friday": "5", "fri": "5", "jumat": "5",
    "saturday": "6", "sat": "6", "sabtu": "6",
    "day": "*", "daily": "*", "hari": "*",
    "weekday": "1-5", "hari kerja": "1-5",
    "weekend": "0,6", "akhir pekan": "0,6",
}  # fmt: skip
_STEP = re.compile(r"(?:every|each|setiap|tiap) (?:(\d{1,2}) )?(minute|hour|menit|jam)s?", re.ASCII)
_AT = re.compile(r"(?:(?:every|each|on|setiap|tiap) )?(.*?) ?\b(?:at|pukul|jam) (.+)", re.ASCII)
_JOINED = re.compile(r" ?(?:,| and | dan |&) ?")
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))? ?(am|pm)?", re.ASCII)
_NAMED_TIMES = {"noon": (12, 0), "midnight": (0, 0)}
_UNITS = {"minute": 60, "menit": 60, "hour": 24, "jam": 24}


def cron_of(text: str) -> str:
    """Return the expression that the words mean; ``text`` itself where they are none."""
    said = " ".join(text.casefold().split())
    if said in ("hourly", "tiap jam", "setiap jam"):
        return "0 * * * *"
    step = _STEP.fullmatch(said)
    found = _steps(step[1] or "1", _UNITS[step[2]]) if step else _at(said)
    return found or text


def _steps(number: str, whole: int) -> str:
    """Return each so many minutes or hours; nothing for what would not divide the hour or day."""
    every = int(number)
    if not every or whole % every:
        return ""
    term = "*" if every == 1 else f"*/{every}" if every < whole else "0"
    return f"{term} * * * *" if whole == 60 else f"0 {term} * * *"


def _at(said: str) -> str:
    """Return days at one or several times of the same minute."""
    parts = _AT.fullmatch(said)
    if parts is None:
        return ""
    days = [_day(one) for one in _JOINED.split(parts[1] or "day")]
    times = [_time(one) for one in _JOINED.split(parts[2])]
    if None in times or "" in days or len({time[1] for time in times if time}) > 1:
        return ""
    hours = sorted({time[0] for time in times if time})
    weekdays = "*" if "*" in days else ",".join(dict.fromkeys(days))
    return f"{next(time[1] for time in times if time)} {','.join(map(str, hours))} * * {weekdays}"


def _day(word: str) -> str:
    return _DAYS.get(word) or _DAYS.get(word.removesuffix("s"), "")


def _time(word: str) -> tuple[int, int] | None:
    """Return hour and minute of ``9``, ``9:30``, ``9 am`` or ``noon``."""
    parts = _TIME.fullmatch(word)
    if parts is None:
        return _NAMED_TIMES.get(word)
    hour, minute = int(parts[1]), int(parts[2] or 0)
    if parts[3] and not 1 <= hour <= 12:
        return None
    if parts[3]:
        hour = hour % 12 + (12 if parts[3] == "pm" else 0)
    return (hour, minute) if hour < 24 and minute < 60 else None
