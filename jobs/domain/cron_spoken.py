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
_NTH = {
    "first": "#1", "1st": "#1", "second": "#2", "2nd": "#2", "third": "#3", "3rd": "#3",
    "fourth": "#4", "4th": "#4", "last": "L",
}  # fmt: skip
_OF_MONTH = r"(?: of (?:the|each|every|a) month)?"
_NTH_DAY = re.compile(rf"(?:the )?(\w+) (\w+){_OF_MONTH}", re.ASCII)
_DATE = re.compile(rf"(?:the )?(\d{{1,2}})(?:st|nd|rd|th){_OF_MONTH}", re.ASCII)
_STEP = re.compile(r"(?:every|each|setiap|tiap) (?:(\d{1,2}) )?(minute|hour|menit|jam)s?", re.ASCII)
_AT = re.compile(r"(?:(?:every|each|on|setiap|tiap) )?(.*?) ?\b(?:at|pukul|jam) (.+)", re.ASCII)
_JOINED = re.compile(r" ?(?:,| and | dan |&) ?")
_TIME = re.compile(r"(\d{1,2})(?:[:.](\d{2}))? ?(am|pm)?", re.ASCII)
# "mon-fri 09:00": a time with its minutes, am or pm needs no "at".
_BARE = re.compile(r"(.+?) (\d{1,2}(?:[:.]\d{2}(?: ?[ap]m)?| ?[ap]m))", re.ASCII)
# "every second monday": each other one, or the second of the month? Only "of the month" tells.
_UNCLEAR = re.compile(
    r"\b(?:every|each) (?:second|2nd|third|3rd|fourth|4th) \w+\b(?! of )", re.ASCII
)
_TURNED = re.compile(r"(at .+?) ((?:on|every|each) .+)", re.ASCII)  # "at 9 on weekdays"
_IN_ZONE = re.compile(r"(.*\S)\s+(?:in|di)\s+([^\d\s][^\d]*)", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{4,}")
_NAMED_TIMES = {"noon": (12, 0), "midnight": (0, 0)}
_UNITS = {"minute": 60, "menit": 60, "hour": 24, "jam": 24}


def spoken(text: str) -> tuple[str, str]:
    """Return the expression that the words mean, and the place whose clock they name.

    ``weekdays at 9 in Paris`` is ``0 9 * * 1-5`` in ``Paris``. Text that is no such words stays as
    it is, and names no place.
    """
    parts = _IN_ZONE.fullmatch(text.strip())
    if parts is not None:
        expression = cron_of(parts[1])
        if expression != parts[1]:
            return expression, parts[2].strip()
    return cron_of(text), ""


def looks_spoken(text: str) -> bool:
    """Say whether somebody meant words: no field of an expression has so long a name."""
    return not text.lstrip().startswith("@") and _WORD.search(text) is not None


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
    turned = _TURNED.fullmatch(said)
    if turned is not None:
        said = f"{turned[2]} {turned[1]}"
    parts = _AT.fullmatch(said) or _BARE.fullmatch(said)
    if parts is None or _UNCLEAR.search(said):
        return ""
    date = _date(parts[1])
    days = [] if date else [_day(one) for one in _JOINED.split(parts[1] or "day")]
    times = [_time(one) for one in _JOINED.split(parts[2])]
    if None in times or "" in days or len({time[1] for time in times if time}) > 1:
        return ""
    hours = sorted({time[0] for time in times if time})
    weekdays = "*" if date or "*" in days else ",".join(dict.fromkeys(days))
    minute = next(time[1] for time in times if time)
    return f"{minute} {','.join(map(str, hours))} {date or '*'} * {weekdays}"


def _date(words: str) -> str:
    """Return the day of the month of ``the 15th`` or ``last day of the month``; else nothing."""
    nth = _NTH_DAY.fullmatch(words)
    if nth and nth[2] == "day" and nth[1] in ("first", "last"):
        return "1" if nth[1] == "first" else "L"
    date = _DATE.fullmatch(words)
    return str(int(date[1])) if date and 1 <= int(date[1]) <= 31 else ""


def _day(word: str) -> str:
    """Return the weekdays of ``mondays``, ``mon-fri`` or ``first monday of the month``."""
    first, dash, last = (part.strip() for part in word.partition("-"))
    if dash:
        ends = _one_day(first), _one_day(last)
        return "-".join(ends) if all(end.isdigit() for end in ends) else ""
    nth = _NTH_DAY.fullmatch(word)
    if nth is None:
        return _one_day(word)
    day = _one_day(nth[2])
    return day + _NTH[nth[1]] if day.isdigit() and nth[1] in _NTH else _one_day(word)


def _one_day(word: str) -> str:
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
