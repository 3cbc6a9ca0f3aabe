"""Moments and periods of a query string: what a person types is on the reader's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.web.middleware import known_zone

PRESETS = {
    "today": timedelta(),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
DEFAULT = "24h"
_FIRST_YEAR, _LAST_YEAR = 2, 9990


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A period as it was asked for: a preset's name, or empty for two moments."""

    start: datetime
    end: datetime
    preset: str = ""
    error: str = ""  # why it is not what was asked for

    @property
    def query(self) -> dict[str, str]:
        """Return the parameters that lead here again."""
        if self.preset:
            return {} if self.preset == DEFAULT else {"period": self.preset}
        return {"from": stamp(self.start), "to": stamp(self.end)}


def stamp(moment: datetime) -> str:
    """Return a moment for a query string: UTC, with a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def field(moment: datetime) -> str:
    """Return a moment as a field of the form has it: on the reader's clock, without an offset."""
    local = timezone.localtime(moment).replace(tzinfo=None)
    return local.isoformat(timespec="seconds" if local.second else "minutes")


def moment_of(text: str, zone: str = "") -> datetime | None:
    """Return the moment that a text names; without an offset on the clock of ``zone``.

    That is the zone the form was drawn in, else the reader's: a first visit's page is drawn before
    the server knows the reader's zone, and sent back when it does.
    """
    there = known_zone(zone)
    text = text.strip()
    if len(text) > 6 and text[-6] == " ":  # a plus that the query string turned into a blank
        text = f"{text[:-6]}+{text[-5:]}"
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else timezone.make_aware(found, there)
        found = found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found if _FIRST_YEAR <= found.year <= _LAST_YEAR else None


def period_of(request: HttpRequest, now: datetime) -> Period:
    """Return the period that the query string asks for; the last 24 hours by default."""
    given = request.GET
    if "from" in given or "to" in given:
        return _between(given.get("from", ""), given.get("to", ""), now, given.get("zone", ""))
    wanted = given.get("period", DEFAULT)
    return _preset(wanted if wanted in PRESETS else DEFAULT, now)


def _preset(name: str, now: datetime, error: str = "") -> Period:
    if name == "today":
        start = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        return Period(start=start.astimezone(UTC), end=now, preset=name, error=error)
    return Period(start=now - PRESETS[name], end=now, preset=name, error=error)


def _between(start_text: str, end_text: str, now: datetime, zone: str) -> Period:
    start = moment_of(start_text, zone)
    end = moment_of(end_text, zone) if end_text.strip() else now
    if start is None or end is None:
        wrong = start_text if start is None else end_text
        sentence = _("%(text)s is no moment. Use a date and a time, such as 2026-03-01T14:00.")
        return _preset(DEFAULT, now, sentence % {"text": repr(wrong[:40])})
    if start > end:
        return _preset(DEFAULT, now, _("The first moment is later than the last one."))
    return Period(start=start, end=end)
