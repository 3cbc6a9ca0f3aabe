"""Calendars by the names that jobs give them."""

from __future__ import annotations

from collections.abc import Iterable

from jobs.domain.errors import InvalidError
from jobs.models import Calendar


def calendars_named(names: Iterable[str]) -> list[Calendar]:
    """Return the calendars with these names; InvalidError on ``calendars`` for one unknown."""
    wanted = list(names)
    if not wanted:
        return []
    known = {calendar.name.lower(): calendar for calendar in Calendar.objects.all()}
    for name in wanted:
        if name.lower() not in known:
            present = ", ".join(sorted(one.name for one in known.values()))
            allowed = f"Use {present}." if present else "There is none yet."
            sentence = f"Calendar {name} does not exist. {allowed}"
            raise InvalidError(sentence, fields={"calendars": sentence})
    return [known[name.lower()] for name in wanted]
