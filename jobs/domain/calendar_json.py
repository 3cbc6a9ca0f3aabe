"""The windows of a calendar as stored: JSON objects to values and back."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from jobs.domain.calendar_fields import (
    EntryError,
    date_of,
    iso,
    moment_of,
    number_of,
    shown,
    time_of,
)
from jobs.domain.calendar_windows import Dates, Period, Weekly, Window, Yearly
from jobs.domain.calendar_words import clock
from jobs.domain.errors import InvalidError
from jobs.domain.said import said, told
from jobs.domain.zones import DAY

MOST_WINDOWS = 5_000
LONGEST_LABEL = 200
DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# Somebody with a thousand wrong entries reads the first ones.
_PROBLEMS_AT_MOST = 20
_MIDNIGHT = ("24:00", "24:00:00")
_KEYS = {
    "weekly": ("days", "from", "to"),
    "yearly": ("month", "day"),
    "date": ("date",),
    "period": ("start", "end"),
}
_OPTIONAL = {"date": ("until",)}


def parse_windows(entries: object) -> tuple[Window, ...]:
    """Return stored windows as values.

    Raise InvalidError otherwise. Its fields are keyed like ``windows.0.day``; the sentences count
    windows from 1, as people do.
    """
    if not isinstance(entries, list | tuple):
        sentence = said(
            "{entries} is not a list of windows. Use a list of objects.", entries=shown(entries)
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
        except EntryError as wrong:
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
            ends = {"start": iso(window.start), "end": iso(window.end)}
            return {"kind": "period", **ends}


def _window(entry: object) -> Window:
    """Return one entry as a value."""
    if not isinstance(entry, Mapping):
        raise EntryError(
            "", said("{entry} is not an object. Use one with the key kind.", entry=shown(entry))
        )
    kind = entry.get("kind")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise EntryError(
            "kind",
            said(
                "kind {kind} does not exist. Use {allowed}.",
                kind=shown(kind),
                allowed=", ".join(_KEYS),
            ),
        )
    known = ("kind", *_KEYS[kind], *_OPTIONAL.get(kind, ()), "label")
    for key in entry:
        if key not in known:
            allowed = ", ".join(known)
            raise EntryError(
                shown(key),
                said(
                    "a {kind} window has no {key}. It has {allowed}.",
                    kind=kind,
                    key=shown(key),
                    allowed=allowed,
                ),
            )
    for key in _KEYS[kind]:
        if entry.get(key) in (None, ""):
            raise EntryError(key, said("a {kind} window needs {key}.", kind=kind, key=key))
    return _READERS[kind](entry, _label(entry.get("label")))


def _label(value: object) -> str:
    """Return the label, which may be missing."""
    if value is None:
        return ""
    if not isinstance(value, str) or any(map(_is_control, value)):
        raise EntryError(
            "label",
            said("label {value} cannot be shown. Use one line of text.", value=shown(value)),
        )
    if len(value) > LONGEST_LABEL:
        raise EntryError(
            "label",
            said(
                "label {value} has {count} characters. Use up to {most}.",
                value=shown(value),
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
        raise EntryError(
            "days", said('days {days} is not a list. Use one such as ["mon"].', days=shown(days))
        )
    for day in days:
        if day not in DAY_NAMES:
            raise EntryError(
                "days",
                said(
                    "day {day} does not exist. Use {allowed}.",
                    day=shown(day),
                    allowed=", ".join(DAY_NAMES),
                ),
            )
    if not days:
        raise EntryError(
            "days",
            said("days is empty. Name at least one of {allowed}.", allowed=", ".join(DAY_NAMES)),
        )
    numbers = frozenset(DAY_NAMES.index(day) for day in days)
    end = DAY if entry["to"] in _MIDNIGHT else time_of(entry, "to")
    return Weekly(days=numbers, start=time_of(entry, "from"), end=end, label=label)


def _yearly(entry: Mapping[str, object], label: str) -> Yearly:
    month = number_of(entry, "month", 12)
    # 2024 is a leap year, so that 29 February is a day.
    following = date(2024 + month // 12, month % 12 + 1, 1)
    last = (following - date(2024, month, 1)).days
    return Yearly(month=month, day=number_of(entry, "day", last), label=label)


def _dates(entry: Mapping[str, object], label: str) -> Dates:
    first = date_of(entry, "date")
    last = None if entry.get("until") in (None, "") else date_of(entry, "until")
    if last is not None and last < first:
        raise EntryError(
            "until",
            said(
                "until {last} is before date {first}. Use the same day or a later one.",
                last=last,
                first=first,
            ),
        )
    return Dates(first=first, last=last, label=label)


def _period(entry: Mapping[str, object], label: str) -> Period:
    start, end = moment_of(entry, "start"), moment_of(entry, "end")
    if end <= start:
        raise EntryError(
            "end", said("end {end} is not after start {start}.", end=iso(end), start=iso(start))
        )
    return Period(start=start, end=end, label=label)


_READERS: dict[str, Callable[[Mapping[str, object], str], Window]] = {
    "weekly": _weekly,
    "yearly": _yearly,
    "date": _dates,
    "period": _period,
}
