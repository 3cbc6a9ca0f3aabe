"""Quiet hours: when a channel is told only what is critical; the rest waits for their end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs.domain.said import said
from jobs.domain.zones import zone


def quiet_until(quiet: Mapping[str, str], now: datetime) -> datetime | None:
    """Return when the quiet hours that ``now`` is in end; None outside of them, or without any.

    They go by the clock of their zone: an end before the beginning is on the next day.
    """
    if not quiet:
        return None
    place = zone(quiet["timezone"])
    start, end = clock(quiet["from"]), clock(quiet["to"])
    today = now.astimezone(place).date()
    for day in (today - timedelta(days=1), today):
        begins = _moment(day, start, place)
        ends = _moment(day if end > start else day + timedelta(days=1), end, place)
        if begins <= now < ends:
            return ends
    return None


def clock(text: str) -> time:
    """Return a time of day such as 22:00; ValueError."""
    hour, colon, minute = text.partition(":")
    digits = hour.isascii() and hour.isdigit() and minute.isascii() and minute.isdigit()
    if not colon or not digits or len(hour) > 2 or len(minute) != 2:
        raise _no_time(text)
    try:
        return time(int(hour), int(minute))
    except ValueError:
        raise _no_time(text) from None


def _no_time(text: str) -> ValueError:
    return ValueError(said("{text!r} is no time of day. Write one such as 22:00", text=text[:20]))


def _moment(day: date, at: time, place: ZoneInfo) -> datetime:
    return datetime.combine(day, at, place).astimezone(UTC)
