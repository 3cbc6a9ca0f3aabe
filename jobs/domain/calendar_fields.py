"""Single values of a stored window: times, numbers, dates and moments, or what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime

from jobs.domain.said import said

# Time zones have rules since 1970, and Python's calendar ends with the year 9999.
FIRST_YEAR, LAST_YEAR = 1970, 9980
_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")


class EntryError(Exception):
    """What is wrong with one entry: the key and the sentence."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key
        self.sentence = sentence


def iso(moment: datetime) -> str:
    """Return a moment with its own offset."""
    text = moment.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


def time_of(entry: Mapping[str, object], key: str) -> int:
    """Return a time of day in seconds since midnight."""
    value = entry[key]
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        last = "24:00" if key == "to" else "23:59"
        raise EntryError(
            key,
            said(
                "{key} {value} is not a time. Use 00:00 to {last}.",
                key=key,
                value=shown(value),
                last=last,
            ),
        )
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def number_of(entry: Mapping[str, object], key: str, last: int) -> int:
    """Return a whole number from 1 to ``last``."""
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= last:
        raise EntryError(
            key,
            said(
                "{key} {value} does not exist. Use 1 to {last}.",
                key=key,
                value=shown(value),
                last=last,
            ),
        )
    return value


def date_of(entry: Mapping[str, object], key: str) -> date:
    """Return a date."""
    value = entry[key]
    try:
        # Of the forms of ISO 8601, the one that everybody knows.
        found = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        found = None
    if found is None or "W" in str(value):
        raise EntryError(
            key,
            said(
                "{key} {value} is not a date. Use the form 2026-12-25.",
                key=key,
                value=shown(value),
            ),
        )
    _check_year(key, found)
    return found


def _check_year(key: str, value: date) -> None:
    """Raise when a date is beyond what due times can be."""
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise EntryError(
            key,
            said(
                "{key} {value} is too far. Use the years {first} to {last}.",
                key=key,
                value=value.isoformat(),
                first=FIRST_YEAR,
                last=LAST_YEAR,
            ),
        )


def moment_of(entry: Mapping[str, object], key: str) -> datetime:
    """Return a moment with its offset."""
    value = entry[key]
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.utcoffset() is None:
        example = "2026-12-25T18:00:00+01:00"
        raise EntryError(
            key,
            said(
                "{key} {value} is not a moment with an offset. Use the form {example}.",
                key=key,
                value=shown(value),
                example=example,
            ),
        )
    _check_year(key, moment)
    return moment


def shown(value: object) -> str:
    """Return a wrong value, short enough for a sentence."""
    text = value if isinstance(value, str) and value.isprintable() and value else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
