"""Times of day as people say them: ``9``, ``half past 8``, ``9:30 am``, ``9 in the evening``."""

from __future__ import annotations

import re

TIME = r"(?:\d{1,2}(?:[:.h]\d{2})?h?(?: ?[ap]m)?|noon|midnight)"
_PARTS = {
    "morning": "am", "afternoon": "pm", "evening": "pm", "night": "night",
    "pagi": "am", "siang": "pm", "sore": "pm", "malam": "night",
}  # fmt: skip
_PART = "|".join(_PARTS)
_DAY_PART = re.compile(rf"(.*?) ?\b(?:({_PART})s?|nightly)", re.ASCII)
_AT = re.compile(r"(?:at|pukul|jam) (.+)", re.ASCII)
_WITH_PART = re.compile(rf"(.+?) (?:(?:in the|at|di) )?({_PART})", re.ASCII)
_JOINED = re.compile(r",? (?:and|dan|&) | ?[,&] ?", re.ASCII)
_CLOCK = re.compile(
    r"(?:(half|quarter) (past|to) )?(\d{1,2})(?:[:.h](\d{2})|h)? ?(am|pm)?", re.ASCII
)
_COMPACT = re.compile(r"(\d{2})(\d{2})", re.ASCII)  # 0930
# Without "at", something must tell a time from any other number.
_TELLING = re.compile(r"\d[:.h]\d{2}|\dh\b|\d ?[ap]m\b|noon|midnight|past|to ", re.ASCII)
_NAMED = {"noon": (12, 0), "midday": (12, 0), "midnight": (0, 0)}

Times = list[tuple[int, int]]


def times_of(text: str, part: str = "") -> Times:
    """Return hours with one minute for all; nothing for what is no time.

    ``part`` is the part of the day that was named with the days, as in ``monday mornings at 8``.
    """
    at = _AT.fullmatch(text)
    words = at[1] if at else text
    named = _WITH_PART.fullmatch(words)
    if named is not None:
        words, part = named[1], _PARTS[named[2]]
    if not at and not named and not _TELLING.search(words) and words not in _NAMED:
        return []
    found = [_time(one, part) for one in _JOINED.split(words)]
    times = [one for one in found if one is not None]
    same = len({minute for _, minute in times}) == 1
    return times if same and len(times) == len(found) else []


def part_of_day(text: str) -> tuple[str, str]:
    """Return the part of the day that days are named with, and the days without it."""
    named = _DAY_PART.fullmatch(text)
    if named is None:
        return "", text
    return _PARTS[named[2] or "night"], named[1]


def hour_of(text: str) -> int | None:
    """Return a time that is a whole hour."""
    time = _time(text, "")
    return time[0] if time and not time[1] else None


def _time(word: str, part: str) -> tuple[int, int] | None:
    if word in _NAMED:
        return _NAMED[word]
    compact = _COMPACT.fullmatch(word)
    if compact is not None:
        return _valid(int(compact[1]), int(compact[2]))
    parts = _CLOCK.fullmatch(word)
    if parts is None or (parts[1] and parts[4]):
        return None
    hour = _hour(int(parts[3]), parts[5] or part)
    minute = int(parts[4] or 0)
    if parts[1] is not None and hour is not None:
        away = 30 if parts[1] == "half" else 15
        hour, minute = (hour, away) if parts[2] == "past" else ((hour - 1) % 24, 60 - away)
    return None if hour is None else _valid(hour, minute)


def _hour(hour: int, half: str) -> int | None:
    """Return the hour of the day in a half or part of it; None for none, such as ``0 pm``."""
    if not half or (hour > 12 and half != "am"):
        return hour
    if not 1 <= hour <= 12:
        return None
    if half == "night":  # the early hours are of the morning
        half = "pm" if 6 <= hour < 12 else "am"
    return hour % 12 + (12 if half == "pm" else 0)


def _valid(hour: int, minute: int) -> tuple[int, int] | None:
    return (hour, minute) if hour < 24 and minute < 60 else None
