"""The windows of a calendar as stored: JSON objects to values and back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from jobs.domain.calendar_windows import Dates, Period, Weekly, Window, Yearly
from jobs.domain.calendar_words import clock
from jobs.domain.errors import InvalidError
from jobs.domain.said import said, told
from jobs.domain.zones import DAY

MOST_WINDOWS = 5_000
LONGEST_LABEL = 200
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# Time zones have rules since 1970, and Python's calendar ends with the year 9999.
FIRST_YEAR, LAST_YEAR = 1970, 9980

# Somebody with a thousand wrong entries reads the first ones.
_PROBLEMS_AT_MOST = 20
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_MIDNIGHT = ("24:00", "24:00:00")
_KEYS = {
    "weekly": ("days", "from", "to"),
    "yearly": ("month", "day"),
    "date": ("date",),
    "period": ("start", "end"),
}
_OPTIONAL = {"date": ("until",)}


class _EntryError(Exception):
    """What is wrong with one entry: the key and the sentence."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key
        self.sentence = sentence


def parse_windows(entries: object) -> tuple[Window, ...]:
    """Return stored windows as values.

    Raise InvalidError otherwise. Its fields are keyed like ``windows.0.day``; the sentences count
    windows from 1, as people do.
    """
    if not isinstance(entries, list | tuple):
        sentence = said(
            "{entries} is not a list of windows. Use a list of objects.", entries=_shown(entries)
        )
        raise InvalidError(sentence, fields={"windows": sentence})
    if len(entries) > MOST_WINDOWS:
        sentence = said(
            "{count:,} windows are too many. Use up to {most:,}.",
            count=len(entries),
            most=MOST_WINDOWS,
        )
        raise InvalidError(sentence, fields={"windows": sentence})
    windows: list[Window] = []
    fields: dict[str, str] = {}
    for number, entry in enumerate(entries):
        try:
            windows.append(_window(entry))
        except _EntryError as wrong:
            place = ".".join(part for part in ("windows", str(number), wrong.key) if part)
            fields[place] = said(
                "Window {number}: {sentence}", number=number + 1, sentence=wrong.sentence
            )
            if len(fields) == _PROBLEMS_AT_MOST:
                break
    if fields:
        raise InvalidError(told(fields.values()), fields=fields)
    return tuple(windows)


def windows_json(windows: Sequence[Window]) -> list[dict[str, object]]:
    """Return windows as they are stored; `parse_windows` returns the same values again."""
    return [{**_stored(window), "label": window.label} for window in windows]


def _stored(window: Window) -> dict[str, object]:
    """Return a window without its label."""
    match window:
        case Weekly():
            days = [DAY_NAMES[day] for day in sorted(window.days)]
            times = {"from": clock(window.start), "to": clock(window.end)}
            return {"kind": "weekly", "days": days, **times}
        case Yearly():
            return {"kind": "yearly", "month": window.month, "day": window.day}
        case Dates():
            until = {} if window.last is None else {"until": window.last.isoformat()}
            return {"kind": "date", "date": window.first.isoformat(), **until}
        case Period():
            ends = {"start": _iso(window.start), "end": _iso(window.end)}
            return {"kind": "period", **ends}


def _iso(moment: datetime) -> str:
    """Return a moment with its own offset."""
    text = moment.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def _window(entry: object) -> Window:
    """Return one entry as a value."""
    if not isinstance(entry, Mapping):
        raise _EntryError(
            "", said("{entry} is not an object. Use one with the key kind.", entry=_shown(entry))
        )
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise _EntryError(
            "kind",
            said(
                "kind {kind} does not exist. Use {allowed}.",
                kind=_shown(kind),
                allowed=", ".join(_KEYS),
            ),
        )
    known = ("kind", *_KEYS[kind], *_OPTIONAL.get(kind, ()), "label")
    for key in entry:
        if key not in known:
            allowed = ", ".join(known)
            raise _EntryError(
                _shown(key),
                said(
                    "a {kind} window has no {key}. It has {allowed}.",
                    kind=kind,
                    key=_shown(key),
                    allowed=allowed,
                ),
            )
    for key in _KEYS[kind]:
        if entry.get(key) in (None, ""):
            raise _EntryError(key, said("a {kind} window needs {key}.", kind=kind, key=key))
    return _READERS[kind](entry, _label(entry.get("label")))


def _label(value: object) -> str:
    """Return the label, which may be missing."""
    if value is None:
        return ""
    if not isinstance(value, str) or any(map(_is_control, value)):
        raise _EntryError(
            "label",
            said("label {value} cannot be shown. Use one line of text.", value=_shown(value)),
        )
    if len(value) > LONGEST_LABEL:
        raise _EntryError(
            "label",
            said(
                "label {value} has {count} characters. Use up to {most}.",
                value=_shown(value),
                count=len(value),
                most=LONGEST_LABEL,
            ),
        )
    return value


def _is_control(character: str) -> bool:
    """Say whether a character would break a line or cannot be stored."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def _weekly(entry: Mapping[str, object], label: str) -> Weekly:
    days = entry["days"]
    if not isinstance(days, list | tuple):
        raise _EntryError(
            "days", said('days {days} is not a list. Use one such as ["mon"].', days=_shown(days))
        )
    for day in days:
        if day not in DAY_NAMES:
            raise _EntryError(
                "days",
                said(
                    "day {day} does not exist. Use {allowed}.",
                    day=_shown(day),
                    allowed=", ".join(DAY_NAMES),
                ),
            )
    if not days:
        raise _EntryError(
            "days",
            said("days is empty. Name at least one of {allowed}.", allowed=", ".join(DAY_NAMES)),
        )
    numbers = frozenset(DAY_NAMES.index(day) for day in days)
    end = DAY if entry["to"] in _MIDNIGHT else _time(entry, "to")
    return Weekly(days=numbers, start=_time(entry, "from"), end=end, label=label)


def _time(entry: Mapping[str, object], key: str) -> int:
    """Return a time of day in seconds since midnight."""
    value = entry[key]
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        last = "24:00" if key == "to" else "23:59"
        raise _EntryError(
            key,
            said(
                "{key} {value} is not a time. Use 00:00 to {last}.",
                key=key,
                value=_shown(value),
                last=last,
            ),
        )
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def _yearly(entry: Mapping[str, object], label: str) -> Yearly:
    month = _number(entry, "month", 12)
    # 2024 is a leap year, so that 29 February is a day.
    following = date(2024 + month // 12, month % 12 + 1, 1)
    last = (following - date(2024, month, 1)).days
    return Yearly(month=month, day=_number(entry, "day", last), label=label)


def _number(entry: Mapping[str, object], key: str, last: int) -> int:
    """Return a whole number from 1 to ``last``."""
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= last:
        raise _EntryError(
            key,
            said(
                "{key} {value} does not exist. Use 1 to {last}.",
                key=key,
                value=_shown(value),
                last=last,
            ),
        )
    return value


def _dates(entry: Mapping[str, object], label: str) -> Dates:
    first = _date(entry, "date")
    last = None if entry.get("until") in (None, "") else _date(entry, "until")
    if last is not None and last < first:
        raise _EntryError(
            "until",
            said(
                "until {last} is before date {first}. Use the same day or a later one.",
                last=last,
                first=first,
            ),
        )
    return Dates(first=first, last=last, label=label)


def _date(entry: Mapping[str, object], key: str) -> date:
    """Return a date."""
    value = entry[key]
    try:
        # Of the forms of ISO 8601, the one that everybody knows.
        found = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        found = None
    if found is None or "W" in str(value):
        raise _EntryError(
            key,
            said(
                "{key} {value} is not a date. Use the form 2026-12-25.",
                key=key,
                value=_shown(value),
            ),
        )
    _check_year(key, found)
    return found


def _check_year(key: str, value: date) -> None:
    """Raise when a date is beyond what due times can be."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise _EntryError(
            key,
            said(
                "{key} {value} is too far. Use the years {first} to {last}.",
                key=key,
                value=value.isoformat(),
                first=FIRST_YEAR,
                last=LAST_YEAR,
            ),
        )


def _period(entry: Mapping[str, object], label: str) -> Period:
    start, end = _moment(entry, "start"), _moment(entry, "end")
    if end <= start:
        raise _EntryError(
            "end", said("end {end} is not after start {start}.", end=_iso(end), start=_iso(start))
        )
    return Period(start=start, end=end, label=label)


def _moment(entry: Mapping[str, object], key: str) -> datetime:
    """Return a moment with its offset."""
    value = entry[key]
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        example = "2026-12-25T18:00:00+01:00"
        raise _EntryError(
            key,
            said(
                "{key} {value} is not a moment with an offset. Use the form {example}.",
                key=key,
                value=_shown(value),
                example=example,
            ),
        )
    _check_year(key, moment)
    return moment


_READERS: dict[str, Callable[[Mapping[str, object], str], Window]] = {
    "weekly": _weekly,
    "yearly": _yearly,
    "date": _dates,
    "period": _period,
}


def _shown(value: object) -> str:
    """Return a wrong value, short enough for a sentence."""
    text = value if isinstance(value, str) and value.isprintable() and value else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
