"""Times as people say them, ``weekdays at 9``, turned into the cron expression they mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from jobs.domain.spoken_days import days_of
from jobs.domain.spoken_times import TIME, hour_of, part_of_day, times_of

_LENGTH = 200  # every place of a sentence is tried; no real one is as long
_ALIKE = (
    (re.compile(r"\b([ap])\.m\b\.?"), r"\1m"),
    (re.compile(r" o.?clock\b|\.$"), ""),
    (re.compile(r" @ "), " at "),
    # "Hari Senin" is Monday by its full name; "hari" alone is any day.
    (re.compile(r"\bhari (?=(?:minggu|senin|selasa|rabu|kamis|jumat|sabtu)\b)"), ""),
)
_NUMBERS = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12",
    "fifteen": "15", "twenty": "20", "thirty": "30",
}  # fmt: skip
_ALONE = {
    "daily": "0 0 * * *", "weekly": "0 0 * * 0", "monthly": "0 0 1 * *",
    "quarterly": "0 0 1 */3 *", "yearly": "0 0 1 1 *", "annually": "0 0 1 1 *",
    "twice a day": "0 0,12 * * *", "twice daily": "0 0,12 * * *",
    "3 times a day": "0 0,8,16 * * *", "4 times a day": "0 0,6,12,18 * * *",
}  # fmt: skip
_EVERY = r"(?:every|each|setiap|tiap)"
_MINUTE = r"(half|quarter|:?\d{1,2})(?: ?min(?:ute)?s?)?"
_STEP = re.compile(
    rf"(?:hourly|{_EVERY} ?(\d+|other|half|quarter)?(?: of)?(?: an?)? ?(min(?:ute)?|m|hour|hr|h|menit|jam)s?)"
    rf"(?: at)?(?: {_MINUTE}(?: (?:past|after)(?: the hour)?)?)?",
    re.ASCII,
)
_PAST = re.compile(rf"(?:at )?{_MINUTE}(?: past| after)? (?:the|{_EVERY}) hour", re.ASCII)
_WINDOW = re.compile(
    rf"(.*?) ?\b(?:from|between) ({TIME}) ?(?:and|to|until|till|-) ?({TIME})(?: (.*))?", re.ASCII
)
_LONGER = re.compile(
    rf"{_EVERY} (?:\d+|other) ?"
    r"(?:s|sec|second|detik|m|min|minute|menit|h|hr|hour|jam|d|day|hari|w|week|minggu)s?\b.*",
    re.ASCII,
)
# "every second monday": each other one, or the second of the month? Only "of the month" tells.
_UNCLEAR = re.compile(
    rf"\b{_EVERY} (?:other|second|2nd|third|3rd|fourth|4th) \w+\b(?! of )", re.ASCII
)
_IN_ZONE = re.compile(r"(.*\S)\s+(?:in|di)\s+([^\d\s][^\d]*)", re.IGNORECASE)
_BARE_ZONE = re.compile(r"(.*\S)\s+(utc|gmt|[a-z]+/[a-z_/]+)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{4,}")


class Doubt(Enum):
    """Why words are not understood, where that can be told."""

    INTERVAL = "interval"  # a stretch that the clock does not hold evenly
    WHICH = "which"  # each other one, or one of the month


def spoken(text: str) -> tuple[str, str]:
    """Return the expression that the words mean, and the place whose clock they name.

    ``weekdays at 9 in Paris`` is ``0 9 * * 1-5`` in ``Paris``. Text that is no such words stays as
    it is, and names no place.
    """
    plain = cron_of(text)
    for pattern in (_IN_ZONE, _BARE_ZONE):
        parts = pattern.fullmatch(text.strip()) if plain == text else None
        if parts is not None and (expression := cron_of(parts[1])) != parts[1]:
            return expression, parts[2].strip()
    return plain, ""


def looks_spoken(text: str) -> bool:
    """Say whether somebody meant words: no field of an expression has so long a name."""
    return not text.lstrip().startswith("@") and _WORD.search(text) is not None


def doubt_about(text: str) -> Doubt | None:
    """Return what is unclear about words that are not understood; None where they are just words."""
    said = _plain(text)
    if _UNCLEAR.search(said) and not _LONGER.fullmatch(said):
        return Doubt.WHICH
    return Doubt.INTERVAL if _LONGER.fullmatch(said) else None


def cron_of(text: str) -> str:
    """Return the expression that the words mean; ``text`` itself where they are none."""
    said = _plain(text)
    if not said or len(text) > _LENGTH:
        return text
    return _ALONE.get(said) or _often(said) or _at(said) or text


def _plain(text: str) -> str:
    """Return words written one way: lower case, single blanks, numbers in figures."""
    said = " ".join(text.casefold().split())
    for pattern, plain in _ALIKE:
        said = pattern.sub(plain, said)
    return " ".join(_NUMBERS.get(word, word) for word in said.split())


def _splits(said: str) -> Iterator[tuple[str, str]]:
    """Yield each way to cut words in two, also the other way round."""
    words = said.split()
    for place in range(len(words) + 1):
        first, rest = " ".join(words[:place]), " ".join(words[place:])
        yield first, rest
        yield rest, first


def _often(said: str) -> str:
    """Return each so many minutes or hours, on some days and in some hours of them."""
    window = _WINDOW.fullmatch(said)
    hours: tuple[int, int] | None = None
    if window is not None:
        first, last = hour_of(window[2]), hour_of(window[3])
        if first is None or last is None or first >= last:
            return ""
        said, hours = " ".join(filter(None, (window[1], window[4]))), (first, last)
    for phrase, on in _splits(said):
        clock = _step(phrase, hours)
        days = days_of(on) if clock else None
        if days is not None:
            return f"{clock} {days.text}"
    return ""


def _step(phrase: str, hours: tuple[int, int] | None) -> str:
    """Return minute and hour of a step; nothing for what would not divide the hour or the day."""
    past = _PAST.fullmatch(phrase)
    if past is not None:
        return _hourly(_minute(past[1]), 1, hours)
    parts = _STEP.fullmatch(phrase)
    if parts is None:
        return ""
    number, unit, at = parts[1] or "1", parts[2] or "hour", parts[3]
    if number in ("half", "quarter"):  # of an hour
        number, unit = ("30" if number == "half" else "15"), unit[0].replace("h", "m")
    every = 2 if number == "other" else int(number)
    if unit[0] in "hj":
        return _hourly(_minute(at or "0"), every, hours)
    if at or not every or 60 % every:
        return ""
    minute = "*" if every == 1 else f"*/{every}" if every < 60 else "0"
    if hours is None:
        return f"{minute} *"
    return f"{minute} {hours[0]}-{hours[1] - 1}"  # until the last hour begins


def _hourly(minute: int | None, every: int, hours: tuple[int, int] | None) -> str:
    if minute is None or not every or 24 % every:
        return ""
    if hours is not None:
        step = "" if every == 1 else f"/{every}"
        return f"{minute} {hours[0]}-{hours[1]}{step}"
    return f"{minute} " + ("*" if every == 1 else f"*/{every}" if every < 24 else "0")


def _minute(word: str) -> int | None:
    """Return the minute of ``half``, ``quarter``, ``:15`` or ``15``."""
    minute = {"half": 30, "quarter": 15}.get(word)
    minute = int(word.lstrip(":")) if minute is None else minute
    return minute if minute < 60 else None


def _at(said: str) -> str:
    """Return days at one or several times of the same minute."""
    if _UNCLEAR.search(said):
        return ""
    for on, clock in _splits(said):
        part, rest = part_of_day(on)
        times = times_of(clock, part)
        days = days_of(rest) if times else None
        if days is not None and times:
            hours = ",".join(map(str, sorted({hour for hour, _ in times})))
            return f"{times[0][1]} {hours} {days.text}"
    return ""
