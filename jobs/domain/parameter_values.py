"""A value as the type of its parameter has it, read from JSON or from the text of a form."""

from __future__ import annotations

import re
from datetime import date

from jobs.domain.errors import InvalidError
from jobs.domain.said import said

_INTEGER = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_LARGEST = 2**63 - 1
_SHOWN = 60


def integer(given: object) -> int:
    """Return a whole number that a database column holds."""
    if isinstance(given, str) and _INTEGER.fullmatch(given.strip()):
        given = int(given)
    if isinstance(given, float) and given.is_integer() and abs(given) <= 2**53:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int):
        raise InvalidError(said("{given} is not a whole number.", given=quoted(given)))
    if abs(given) > _LARGEST:
        raise InvalidError(
            said("{given} is out of range. Use 19 digits or less.", given=quoted(given))
        )
    return given


def number(given: object) -> int | float:
    """Return a number, whole where it is written so."""
    if isinstance(given, str) and _NUMBER.fullmatch(given.strip()):
        given = int(given) if _INTEGER.fullmatch(given.strip()) else float(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise InvalidError(said("{given} is not a number.", given=quoted(given)))
    if not abs(given) <= 1e300:  # nor what is no number; an integer may be too large for a float
        raise InvalidError(said("{given} is out of range.", given=quoted(given)))
    return given


def boolean(given: object) -> bool:
    """Return a switch, also where it is written as yes or off."""
    if isinstance(given, bool):
        return given
    word = given.strip().lower() if isinstance(given, str) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise InvalidError(said("{given} is not a switch. Use true or false.", given=quoted(given)))


def date_text(given: object) -> str:
    """Return a date as ISO text, whose order is the order of the dates."""
    text = given.strip() if isinstance(given, str) else ""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise InvalidError(
        said("{given} is not a date. Write it like 2026-01-31.", given=quoted(given))
    )


def quoted(given: object) -> str:
    """Return a wrong value, short enough for a sentence."""
    shown = repr(given) if isinstance(given, str) else str(given)
    return shown if len(shown) <= _SHOWN else f"{shown[: _SHOWN - 1]}…"
