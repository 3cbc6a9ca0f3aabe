"""The occurrences of one iCalendar event (RFC 5545): rules and dates, less its exceptions.

Counts on the wall clock of the event's own zone, so that 09:00 stays 09:00 when the clocks change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cached_property
from typing import Any, cast
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rruleset, rrulestr
from icalendar import Event, vRecur

from jobs.domain.said import said
from jobs.domain.zones import zone, zone_names

Ends = tuple[datetime, datetime]  # on the wall clock for whole days, otherwise UTC


@dataclass(frozen=True)
class Series:
    """An event with everything that says when it is; ``floating`` is the zone of times without one."""

    event: Event
    floating: ZoneInfo
    moved: frozenset[datetime]  # occurrences that an event of their own replaces

    @cached_property
    def all_day(self) -> bool:
        """Say whether the event takes whole days."""
        return not isinstance(self._start, datetime)

    @cached_property
    def clock(self) -> tzinfo:
        """Return the zone in which the event counts."""
        start = self._start
        return (start.tzinfo if isinstance(start, datetime) else None) or self.floating

    @cached_property
    def start(self) -> datetime:
        """Return when it begins first, on its own clock."""
        return self.local(self._start)

    def local(self, value: date) -> datetime:
        """Return a date or moment on the event's own clock, without a zone."""
        if not isinstance(value, datetime):
            return datetime.combine(value, time())
        return value.astimezone(self.clock).replace(tzinfo=None) if value.tzinfo else value

    def ends(self, local: datetime) -> Ends:
        """Return start and end of the occurrence that begins at ``local``."""
        if self.all_day:
            days = self.local(self._end) - self.start
            return local, local + max(days, timedelta(days=1))
        begins = self._utc(local)
        if "DURATION" in self.event:
            # Days of a DURATION are days of the clock, hours are hours (RFC 5545, 3.3.6).
            length: timedelta = prop(self.event, "DURATION").dt
            whole_days = timedelta(days=length.days)
            return begins, self._utc(local + whole_days) + (length - whole_days)
        # An end gives each occurrence the same exact length (RFC 5545, 3.8.5.3).
        return begins, begins + (self._utc(self.local(self._end)) - self._utc(self.start))

    @property
    def recurs(self) -> bool:
        """Say whether it may occur more than once."""
        return "RRULE" in self.event or "RDATE" in self.event

    @property
    def rules(self) -> list[vRecur]:
        """Return the recurrence rules."""
        return _several(prop(self.event, "RRULE"))

    @cached_property
    def exceptions(self) -> frozenset[date]:
        """Return what is left out: moments on the event's clock, or whole dates."""
        found: set[date] = set(self.moved)
        for value in self._listed("EXDATE"):
            whole_day = not isinstance(value, datetime) and not self.all_day
            found.add(value if whole_day else self.local(value))
        return frozenset(found)

    def dates(self) -> Iterator[Ends]:
        """Yield the occurrences that rules and single dates name, in order; it may never end."""
        dates = rruleset()
        # The start counts as the first occurrence, whether or not the rule names it.
        dates.rdate(self.start)
        for rule in self.rules:
            dates.rrule(cast("rrule", rrulestr(self._rule_text(rule), dtstart=self.start)))
        for value in self._listed("RDATE"):
            if not isinstance(value, tuple):
                dates.rdate(self.local(value))
        for local in dates:
            if local not in self.exceptions and local.date() not in self.exceptions:
                yield self.ends(local)

    def periods(self) -> Iterator[Ends]:
        """Yield the occurrences that are given with an end of their own (RDATE;VALUE=PERIOD)."""
        for value in self._listed("RDATE"):
            if isinstance(value, tuple):
                begins, ends = value
                first = self._utc(self.local(begins))
                yield (
                    first,
                    first + ends if isinstance(ends, timedelta) else self._utc(self.local(ends)),
                )

    @cached_property
    def _start(self) -> date:
        """Return DTSTART, which every event has to have."""
        value = prop(self.event, "DTSTART")
        if value is None:
            raise ValueError(said("it has no start (DTSTART)"))
        return cast("date", with_zone(value.dt, value.params.get("TZID")))

    @cached_property
    def _end(self) -> date:
        """Return DTEND, or what the lack of it means."""
        value = prop(self.event, "DTEND")
        if value is None:
            return self.event.end
        end = cast("date", with_zone(value.dt, value.params.get("TZID")))
        if isinstance(end, datetime) == self.all_day:
            raise ValueError(said("one of start and end is a date, the other a time"))
        if self.local(end) < self.start:
            raise ValueError(
                said(
                    "its end {end} is before its start {start}",
                    end=str(end),
                    start=str(self._start),
                )
            )
        return end

    def _listed(self, name: str) -> Iterator[Any]:
        """Yield the values of EXDATE or RDATE: dates, moments or pairs for a period."""
        for group in _several(prop(self.event, name)):
            for value in group.dts:
                yield with_zone(value.dt, group.params.get("TZID"))

    def _utc(self, local: datetime) -> datetime:
        """Return a time of the event's clock in UTC: one shown twice in its first pass."""
        return local.replace(tzinfo=self.clock).astimezone(UTC)

    def _rule_text(self, rule: vRecur) -> str:
        """Return a rule for dateutil, which counts without zones here."""
        until = rule.get("UNTIL")
        if until:
            last = until[0]
            # A date includes its whole day.
            end = (
                self.local(last) if isinstance(last, datetime) else datetime.combine(last, time.max)
            )
            rule = vRecur({**rule, "UNTIL": [end.replace(microsecond=0)]})
        return cast("bytes", rule.to_ical()).decode()  # type: ignore[no-untyped-call] # icalendar's


def prop(event: Event, name: str) -> Any:
    """Return a property, whose type depends on its name and on the file; None when it is missing."""
    return event.get(name)


def with_zone(value: Any, tzid: str | None) -> Any:
    """Return the value in the zone that its TZID names, if icalendar did not know that name.

    Raises ValueError for a zone that neither the file nor the IANA database has.
    """
    if not tzid or not isinstance(value, datetime) or value.tzinfo is not None:
        return value
    # Some programs put their own name in front: /example.org/20260101_1/Europe/Berlin.
    parts = tzid.split("/")
    names = ("/".join(parts[place:]) for place in range(len(parts)))
    known = next((name for name in names if name in zone_names()), None)
    if known is None:
        raise ValueError(
            said(
                "it is in the time zone {zone}, which neither the file nor the IANA database has",
                zone=" ".join(tzid[:60].split()),
            )
        )
    return value.replace(tzinfo=zone(known))


def _several(value: Any) -> list[Any]:
    """Return a property as a list: icalendar gives one value bare."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
