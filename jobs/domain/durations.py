"""Durations as a person writes and reads them: ``"30m"`` and timedelta, both ways."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from decimal import Decimal

from jobs.domain.errors import DurationError
from jobs.domain.said import said

ALLOWED = said("Use seconds, or a form like 30s, 1h30m, 500ms, 1d or PT30M.")
# A century: far beyond any timeout or retention, and far from timedelta's own limit.
LONGEST = timedelta(days=36_500)

# Largest first: the order in which the parts of a duration have to be written.
UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_SPELLINGS = {
    "week": "w", "weeks": "w", "day": "d", "days": "d",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h",
    "min": "m", "mins": "m", "minute": "m", "minutes": "m",
    "sec": "s", "secs": "s", "second": "s", "seconds": "s",
}  # fmt: skip
_ORDER = {unit: position for position, unit in enumerate(UNITS)}

_NUMBER = r"[0-9]{1,18}(?:\.[0-9]{1,9})?"
_PLAIN = re.compile(_NUMBER)
_PART = re.compile(rf"({_NUMBER})\s*([A-Za-z]+)\s*")
_ISO = re.compile(
    rf"P(?:(?P<w>{_NUMBER})W)?(?:(?P<d>{_NUMBER})D)?"
    rf"(?:T(?:(?P<h>{_NUMBER})H)?(?:(?P<m>{_NUMBER})M)?(?:(?P<s>{_NUMBER})S)?)?"
)


def parse_duration(value: str | float) -> timedelta:
    """Return the duration that ``value`` names; a bare number counts seconds.

    Accepts ``30s``, ``1h30m``, ``500ms``, ``1d``, ``90``, ``1.5h``, ``5 minutes`` and ISO 8601 without years and
    months (``PT30M``). Units are small letters, largest first: ``M`` could be minute or month.
    """
    if isinstance(value, str):
        return _from_text(value.strip())
    if isinstance(value, bool):
        raise DurationError(
            said("{value} is not a duration. {allowed}", value=value, allowed=ALLOWED)
        )
    if not math.isfinite(value):
        raise DurationError(
            said("{value} s is not a length of time. {allowed}", value=value, allowed=ALLOWED)
        )
    return _bounded(Decimal(str(value)), str(value))


def _from_text(text: str) -> timedelta:
    """Return the duration of a text without outer blanks."""
    shown = text if len(text) <= 40 else f"{text[:37]}..."
    if not text:
        raise DurationError(said("A duration is missing. {allowed}", allowed=ALLOWED))
    if text.startswith("-"):
        raise DurationError(
            said("{shown} is negative. A duration cannot be less than 0.", shown=shown)
        )
    if _PLAIN.fullmatch(text):
        return _bounded(Decimal(text), shown)
    if text.startswith("P"):
        return _from_iso(text, shown)
    return _from_parts(text, shown)


def _from_iso(text: str, shown: str) -> timedelta:
    """Return the duration of an ISO 8601 text such as ``P1DT12H``."""
    match = _ISO.fullmatch(text)
    given = {unit: part for unit, part in match.groupdict().items() if part} if match else {}
    if not given or text.endswith("T"):
        raise DurationError(
            said(
                "{shown} is not a duration. ISO durations have weeks, days, hours, minutes and "
                "seconds, like P1DT12H or PT30M.",
                shown=shown,
            )
        )
    return _total([(Decimal(part), unit) for unit, part in given.items()], shown)


def _from_parts(text: str, shown: str) -> timedelta:
    """Return the duration of number and unit pairs such as ``1h30m``."""
    parts: list[tuple[Decimal, str]] = []
    position = 0
    while match := _PART.match(text, position):
        parts.append((Decimal(match[1]), _unit(match[2], shown)))
        position = match.end()
    if position != len(text):
        raise DurationError(
            said("{shown} is not a duration. {allowed}", shown=shown, allowed=ALLOWED)
        )
    ranks = [_ORDER[unit] for _, unit in parts]
    if ranks != sorted(set(ranks)):
        raise DurationError(
            said("{shown}: name each unit once, the largest first, like 1h30m.", shown=shown)
        )
    return _total(parts, shown)


def _unit(text: str, shown: str) -> str:
    """Return the unit that ``text`` spells."""
    unit = _SPELLINGS.get(text, text)
    if unit in UNITS:
        return unit
    if text == "M":
        raise DurationError(
            said("{shown}: M could be minutes or months. Use m for minutes.", shown=shown)
        )
    raise DurationError(
        said(
            "{shown}: the unit {unit} does not exist. Use {allowed}.",
            shown=shown,
            unit=text,
            allowed=", ".join(UNITS),
        )
    )


def _total(parts: list[tuple[Decimal, str]], shown: str) -> timedelta:
    """Add the parts up."""
    seconds = sum(
        (number * Decimal(UNITS[unit] // UNITS["ms"]) / 1000 for number, unit in parts), Decimal()
    )
    return _bounded(seconds, shown)


def _bounded(seconds: Decimal, shown: str) -> timedelta:
    """Return the timedelta, rounded to microseconds; refuse what is negative or absurd."""
    if seconds < 0:
        raise DurationError(
            said("{shown} is negative. A duration cannot be less than 0.", shown=shown)
        )
    if seconds > LONGEST.days * 86_400:
        raise DurationError(
            said("{shown} is too long. Use at most {most}d.", shown=shown, most=LONGEST.days)
        )
    return timedelta(microseconds=round(seconds * 1_000_000))


def format_duration(duration: timedelta) -> str:
    """Return the shortest text that ``parse_duration`` reads back as the same duration."""
    if duration < timedelta():
        raise DurationError(said("{shown} s is negative.", shown=duration.total_seconds()))
    rest = duration
    text = ""
    for unit in ("d", "h", "m"):
        number, rest = divmod(rest, UNITS[unit])
        text += f"{number}{unit}" if number else ""
    if rest.microseconds % 1000:
        # Below a millisecond no unit is left: a decimal fraction keeps it exact.
        return f"{text}{rest.seconds}.{rest.microseconds:06d}".rstrip("0") + "s"
    text += f"{rest.seconds}s" if rest.seconds else ""
    text += f"{rest.microseconds // 1000}ms" if rest.microseconds else ""
    return text or "0s"


def humanize(duration: timedelta) -> str:
    """Return a measured duration for a reader: the two parts that matter.

    ``40 ms``, ``0.8 s``, ``15.2 s``, ``3 m 48 s``, ``1 h 43 min``, ``2 d 4 h``. A negative one keeps
    its sign: clocks of two hosts can disagree, and the reader should see it.
    """
    if duration < timedelta():
        return f"-{humanize(-duration)}"
    milliseconds = round(duration / UNITS["ms"])
    if 0 < milliseconds < 100:
        return f"{milliseconds} ms"
    # Round before choosing the form, so that 59.96 s reads "1 m 00 s" and not "60.0 s".
    if round(duration.total_seconds(), 1) < 60:
        return f"{duration.total_seconds():.1f} s"
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    if minutes < 60:
        return f"{minutes} m {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def setting_words(seconds: float) -> str:
    """Return a configured duration for a sentence, without what is zero: ``60 s``, ``1 h 30 min``."""
    if seconds < 120 or seconds % 60:
        return f"{seconds:g} s"
    minutes = int(seconds) // 60
    parts = ((minutes // 1440, "d"), (minutes % 1440 // 60, "h"), (minutes % 60, "min"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)
