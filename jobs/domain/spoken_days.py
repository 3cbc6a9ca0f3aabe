"""Days as people say them: ``mon-fri``, ``first monday of the month``, ``1st and 15th``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jobs.domain.cron_terms import MONTHS

_DAYS = {
    "sunday": "0", "sun": "0", "minggu": "0",
    "monday": "1", "mon": "1", "senin": "1",
    "tuesday": "2", "tue": "2", "tues": "2", "selasa": "2",
    "wednesday": "3", "wed": "3", "weds": "3", "rabu": "3",
    "thursday": "4", "thu": "4", "thur": "4", "thurs": "4", "kamis": "4",
    "friday": "5", "fri": "5", "jumat": "5",
    "saturday": "6", "sat": "6", "sabtu": "6",
    "": "*", "day": "*", "daily": "*", "hari": "*",
    "weekday": "1-5", "workday": "1-5", "working day": "1-5", "business day": "1-5",
    "hari kerja": "1-5",
    "weekend": "0,6", "akhir pekan": "0,6",
}  # fmt: skip
_NTH = {
    "first": "#1", "1st": "#1", "second": "#2", "2nd": "#2", "third": "#3", "3rd": "#3",
    "fourth": "#4", "4th": "#4", "last": "L",
}  # fmt: skip
_MONTHS = {month: str(number) for number, month in enumerate(MONTHS, 1)}
_MONTH = rf"({'|'.join(MONTHS)})[a-z]*"
_OF_MONTH = r"(?: of (?:the |each |every |a )?month)"
_LEAD = re.compile(r"(?:(?:on|every|each|setiap|tiap|from|pada) )+", re.ASCII)
_WITHOUT = re.compile(r"(.*?),? ?(?:except|but not)(?: on)? (.+)", re.ASCII)
_PERIOD = re.compile(r"(weekly|monthly|quarterly|yearly|annually)(?: on)? (.+)", re.ASCII)
_EDGE = re.compile(rf"(?:the )?(?:(first|last) day|(start|beginning|end)){_OF_MONTH}", re.ASCII)
_WORKDAY = re.compile(
    rf"(?:the )?(first|last) (?:weekday|workday|(?:working|business) day){_OF_MONTH}", re.ASCII
)
_DATE = re.compile(rf"(?:the )?(?:day )?(\d{{1,2}})(st|nd|rd|th)?({_OF_MONTH})?", re.ASCII)
_IN_YEAR = re.compile(rf"(?:the )?(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? {_MONTH}", re.ASCII)
_MONTH_FIRST = re.compile(rf"{_MONTH} (?:the )?(\d{{1,2}})(?:st|nd|rd|th)?", re.ASCII)
_NTH_DAY = re.compile(rf"(?:the )?(\w+) (\w+){_OF_MONTH}?", re.ASCII)
_JOINED = re.compile(r",? (?:and|dan|&) | ?[,&/] ?", re.ASCII)
_RANGE = re.compile(r"(.+?) ?(?:-| to | through | thru | until | till | sampai ) ?(.+)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Which days: three fields of an expression."""

    day: str = "*"
    month: str = "*"
    weekday: str = "*"

    @property
    def text(self) -> str:
        """Return the fields as an expression ends."""
        return f"{self.day} {self.month} {self.weekday}"


def days_of(text: str) -> Days | None:
    """Return the days that the words mean; no words mean all, None is for what is no day."""
    words = _LEAD.sub("", f"{text} ", count=1).strip() if _LEAD.match(f"{text} ") else text
    period = _PERIOD.fullmatch(words)
    if period is not None:
        return _of_period(period[1], period[2])
    without = _WITHOUT.fullmatch(words)
    if without is not None:
        return _except(without[1], without[2])
    dates = _dates(words)
    if dates is not None:
        return dates
    names = _JOINED.split(words)
    if len(names) == 1 and not _day(words):
        names = words.split()  # "mon wed fri"
    found = [_day(_LEAD.sub("", one)) for one in names]
    # Any day and some day contradict each other: "every day monday".
    if "" in found or ("*" in found and len(found) > 1):
        return None
    return Days(weekday=",".join(dict.fromkeys(found)))


def _of_period(period: str, rest: str) -> Days | None:
    """Return the days of ``weekly on monday`` or ``monthly on the 1st``, each of its own kind."""
    days = days_of(rest)
    if days is None:
        return None
    in_year, in_month = (
        days.month != "*",
        days.day != "*" or not {"#", "L"}.isdisjoint(days.weekday),
    )
    weekly = days.weekday != "*" and not in_month
    kinds = {"weekly": weekly, "yearly": in_year, "annually": in_year}
    if not kinds.get(period, in_month and not in_year):
        return None
    return Days(day=days.day, month="*/3", weekday=days.weekday) if period == "quarterly" else days


def _except(text: str, left_out: str) -> Days | None:
    """Return weekdays without some of them."""
    all_days, out = days_of(text), days_of(left_out)
    if all_days is None or out is None or (all_days.day, out.day) != ("*", "*"):
        return None
    kept = [one for one in _numbers(all_days.weekday) if one not in _numbers(out.weekday)]
    return Days(weekday=",".join(map(str, kept))) if kept else None


def _numbers(weekdays: str) -> list[int]:
    """Return the days of a plain field; none for one of the month."""
    if weekdays == "*":
        return list(range(7))
    numbers: list[int] = []
    for term in weekdays.split(","):
        first, _, last = term.partition("-")
        if not (first + last).isdigit():
            return []
        end = int(last or first)
        numbers += range(int(first), (end or 7 if last else end) + 1)
    return [number % 7 for number in numbers]


def _dates(words: str) -> Days | None:
    """Return days of the month or of the year; None for words that name weekdays, or nothing."""
    if edge := _EDGE.fullmatch(words):
        return Days(day="L" if "last" in edge[0] or edge[2] == "end" else "1")
    if day := _WORKDAY.fullmatch(words):
        return Days(day="LW" if day[1] == "last" else "1W")
    if date := _IN_YEAR.fullmatch(words):
        return Days(day=_number(date[1]), month=_MONTHS[date[2]]) if _number(date[1]) else None
    if date := _MONTH_FIRST.fullmatch(words):
        return Days(day=_number(date[2]), month=_MONTHS[date[1]]) if _number(date[2]) else None
    dates = [_DATE.fullmatch(one) for one in _JOINED.split(words)]
    # A bare number is a date only where the month is named: "on the 1 and 15 of the month".
    if not any(date and (date[2] or date[3]) for date in dates):
        return None
    numbers = [_number(date[1]) if date else "" for date in dates]
    return None if "" in numbers else Days(day=",".join(dict.fromkeys(numbers)))


def _number(text: str) -> str:
    return str(int(text)) if 1 <= int(text) <= 31 else ""


def _day(word: str) -> str:
    """Return the weekdays of ``mondays``, ``mon-fri`` or ``first monday of the month``."""
    if plain := _one_day(word):
        return plain
    span = _RANGE.fullmatch(word)
    if span is not None:
        ends = _one_day(span[1].strip()), _one_day(span[2].strip())
        return "-".join(ends) if all(end.isdigit() for end in ends) else ""
    nth = _NTH_DAY.fullmatch(word)
    day = _one_day(nth[2]) if nth else ""
    return day + _NTH[nth[1]] if nth and day.isdigit() and nth[1] in _NTH else ""


def _one_day(word: str) -> str:
    return _DAYS.get(word) or (_DAYS.get(word[:-1], "") if word.endswith("s") and word[:-1] else "")
