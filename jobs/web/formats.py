"""Durations, moments and counts in words. The page's script repeats ``span`` to keep them fresh."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

MINUTE, HOUR, DAY = 60, 3600, 86400
_SWAPPED = str.maketrans(",.", ".,")
_THIN_SPACE = "\u202f"
# From these on, the smaller unit says nothing any more.
_WHOLE_HOURS_FROM = 12 * HOUR
_DAYS_FROM = 2 * DAY


def _decimal(value: float, decimal_pos: int = 0) -> str:
    """Return ``value`` rounded (Django's own function cuts) with the language's decimal sign."""
    text = f"{round(value, decimal_pos):.{decimal_pos}f}"
    return text.replace(".", get_format("DECIMAL_SEPARATOR"))


def figures(text: str) -> str:
    """Return a number that is written like 1,234.5 as the language writes it."""
    return text.translate(_SWAPPED) if get_format("DECIMAL_SEPARATOR") == "," else text


def duration(seconds: float | None) -> str:
    """Return a measured time: ``0.8 s``, ``3 m 48 s``, ``1 h 43 min``, ``2 d 3 h``; — for None."""
    if seconds is None:
        return "—"
    if seconds < MINUTE - 0.05:
        places = 2 if 0 < seconds < 0.095 else 1
        return _("%s s") % _decimal(max(seconds, 0), decimal_pos=places)
    whole = round(seconds)
    if whole < HOUR:
        return _("%(m)d m %(s)02d s") % {"m": whole // MINUTE, "s": whole % MINUTE}
    return span(whole) if whole < _WHOLE_HOURS_FROM else _long(whole)


def _long(whole: int) -> str:
    if whole < DAY:
        return _("%(h)d h %(m)d min") % {"h": whole // HOUR, "m": whole % HOUR // MINUTE}
    return _("%(d)d d %(h)d h") % {"d": whole // DAY, "h": whole % DAY // HOUR}


def setting(seconds: float | None) -> str:
    """Return a configured time without what is zero: ``30 min``, ``1 h 30 min``, ``90 s``."""
    if seconds is None:
        return "—"
    if seconds < 2 * MINUTE or seconds % MINUTE:
        return _("%s s") % _decimal(seconds, decimal_pos=0 if seconds == int(seconds) else 1)
    whole = int(seconds)
    parts = [
        (whole // DAY, _("%d d")),
        (whole % DAY // HOUR, _("%d h")),
        (whole % HOUR // MINUTE, _("%d min")),
    ]
    return " ".join(text % value for value, text in parts if value)


def span(seconds: float) -> str:
    """Return a rough distance in time: ``52 s``, ``3 min``, ``1 h 43 min``, ``20 h``, ``3 d``."""
    whole = int(seconds)
    if whole < MINUTE:
        return _("%d s") % whole
    if whole < HOUR:
        return _("%d min") % (whole // MINUTE)
    if whole < _WHOLE_HOURS_FROM and whole % HOUR >= MINUTE:
        return _("%(h)d h %(m)d min") % {"h": whole // HOUR, "m": whole % HOUR // MINUTE}
    if whole < _DAYS_FROM:
        return _("%d h") % (whole // HOUR)
    return _("%d d") % (whole // DAY)


def relative(moment: datetime, now: datetime) -> str:
    """Return ``in 52 s`` or ``8 s ago``."""
    seconds = (moment - now).total_seconds()
    text = pgettext("future", "in %s") if seconds > 0 else pgettext("past", "%s ago")
    return text % span(abs(seconds))


def script_words() -> dict[str, str]:
    """Return the phrases that the page's script fills in while time goes on."""
    return {
        "in": pgettext("future", "in %s"),
        "ago": pgettext("past", "%s ago"),
        "s": _("%d s"),
        "min": _("%d min"),
        "h": _("%d h"),
        "hm": _("%(h)d h %(m)d min"),
        "d": _("%d d"),
        "ms": _("%(m)d m %(s)02d s"),
        "dh": _("%(d)d d %(h)d h"),
        "changes": _("%d changed, show"),
        "selected": _("%d selected"),
        "copied": _("Copied"),
        "live": _("Live, every %s"),
        "stopped": _("Live updates paused"),
        "pause": _("Pause live updates"),
        "resume": _("Resume live updates"),
    }


def clock(moment: datetime, now: datetime, zone: ZoneInfo | None = None) -> str:
    """Return the wall clock: the time alone today, with the day else, with the year when it differs."""
    there = zone or timezone.get_current_timezone()
    local, today = moment.astimezone(there), now.astimezone(there).date()
    minute = f"{local.hour:02d}:{local.minute:02d}"  # the same in every language
    day = local.date()
    if day == today:
        return f"{minute}:{local.second:02d}"
    pattern = "D j M" if day.year == today.year else "D j M Y"
    return f"{_day(day, pattern, get_language())} {minute}"


@lru_cache(maxsize=256)
def _day(day: date, pattern: str, _language: str | None) -> str:
    """Return a day in the reader's language; the hundreds of moments of a list lie on few days."""
    return date_format(day, pattern)


def exact(moment: datetime, zone: ZoneInfo | None = None) -> str:
    """Return ISO 8601 with offset and the zone's name, for a title."""
    there = zone or timezone.get_current_timezone()
    return f"{moment.astimezone(there).isoformat(timespec='milliseconds')} {there}"


def count(value: int) -> str:
    """Return a number in groups of three: by a thin space, or by the point of who writes 1.234,5."""
    mark = "." if get_format("DECIMAL_SEPARATOR") == "," else _THIN_SPACE
    return f"{value:,}".replace(",", mark)


def rate(value: float) -> str:
    """Return a mean number of things: to a tenth while that says something, then in groups."""
    return count(round(value)) if value >= 100 else _decimal(value, decimal_pos=1)


def figure(value: float) -> str:
    """Return a number that a job has reported: whole ones in groups of three, others to six digits."""
    whole = value == int(value) and abs(value) < 1e15
    return count(int(value)) if whole else figures(f"{value:.6g}")


def percent(share: float | None) -> str:
    """Return a share of 0 to 1 as ``97.9 %``; 100 only when nothing is missing."""
    if share is None:
        return "—"
    value = share * 100
    if 99.95 <= value < 100:
        value = 99.9
    places = 0 if value in (0, 100) else 1
    return f"{_decimal(value, decimal_pos=places)}{_THIN_SPACE}%"


def size(value: int) -> str:
    """Return bytes as ``512 B``, ``4.2 kB``, ``1.3 MB``."""
    if value < 1000:
        return f"{value} B"
    power = 1 if value < 999_950 else 2 if value < 999_950_000 else 3
    unit = ("", "kB", "MB", "GB")[power]
    return f"{_decimal(value / 1000**power, decimal_pos=1)} {unit}"
