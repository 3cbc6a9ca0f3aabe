"""iCalendar files (RFC 5545) as the windows of a calendar; also a program, see `main`."""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import cast

from icalendar import Calendar, Event

from jobs.domain.calendar_json import LONGEST_LABEL, MOST_WINDOWS, windows_json
from jobs.domain.calendar_windows import Dates, Period, Window, Yearly
from jobs.domain.errors import InvalidError, JobdeckError
from jobs.domain.said import Said, packed, said
from jobs.domain.zones import zone
from jobs.importers.recurrence import Ends, Series, prop, with_zone

_YEAR = timedelta(days=366)
_TOO_OFTEN = {
    "SECONDLY": said("it repeats every second for ever; use DAILY or longer"),
    "MINUTELY": said("it repeats every minute for ever; use DAILY or longer"),
    "HOURLY": said("it repeats every hour for ever; use DAILY or longer"),
}
# Rules that say nothing beyond the month and day of the event's own start.
_SAME_DAY = {"FREQ", "INTERVAL", "BYMONTH", "BYMONTHDAY", "WKST"}


class _OutOfTimeError(BaseException):
    """The CPU time is used up. No Exception, so that no library takes it for one of its own."""


class Reader:
    """One file on its way to windows; ``working_on`` is the event to name when something is wrong."""

    def __init__(self, *, timezone: str, now: datetime, years: int) -> None:
        """Take the zone of floating times, and the years ahead to expand rules for."""
        self._floating = zone(timezone)
        self._now = now.astimezone(UTC)
        self._earliest = self._now - _YEAR
        self._latest = self._now + years * _YEAR
        self.working_on = ""

    def windows(self, text: str) -> list[Window]:
        """Return the windows in order of time, days of every year first."""
        events = self._events(text)
        moved = self._moved(events)
        found: list[Window] = []
        for event in _that_count(events):
            self.working_on = _title(event)
            replaced = frozenset() if "RECURRENCE-ID" in event else moved[str(event.get("UID"))]
            for window in self._of(Series(event, self._floating, frozenset(replaced))):
                found.append(window)
                if len(found) > MOST_WINDOWS:
                    raise InvalidError(
                        said(
                            "With {event} the file makes more than {most:,} windows. Import a file "
                            "with fewer events, or fewer years of it.",
                            event=self.working_on,
                            most=MOST_WINDOWS,
                        )
                    )
        if not found:
            raise InvalidError(
                said(
                    "None of the {count} events takes time: they are cancelled, without length "
                    "or ended before {earliest}.",
                    count=len(events),
                    earliest=f"{self._earliest:%Y-%m-%d}",
                )
            )
        return sorted(set(found), key=self._order)

    def _events(self, text: str) -> list[Event]:
        """Return the events of all calendars in the file."""
        calendars = Calendar.from_ical(text, multiple=True)
        events = [cast("Event", event) for one in calendars for event in one.walk("VEVENT")]
        if not events:
            raise InvalidError(
                said("The file has no events (VEVENT), so there is nothing to import.")
            )
        return events

    def _moved(self, events: Sequence[Event]) -> dict[str, set[datetime]]:
        """Return by UID which occurrences of a series have an event of their own."""
        found: dict[str, set[datetime]] = defaultdict(set)
        series = {str(one.get("UID")): one for one in events if "RECURRENCE-ID" not in one}
        for event in events:
            if "RECURRENCE-ID" not in event:
                continue
            self.working_on = _title(event)
            place = prop(event, "RECURRENCE-ID")
            if place.params.get("RANGE"):
                raise ValueError(
                    said("RANGE=THISANDFUTURE is not supported; split the series instead")
                )
            uid = str(event.get("UID"))
            origin = Series(series.get(uid, event), self._floating, frozenset())
            found[uid].add(origin.local(with_zone(place.dt, place.params.get("TZID"))))
        return found

    def _of(self, series: Series) -> Iterator[Window]:
        """Yield the windows of one event."""
        if "EXRULE" in series.event:
            raise ValueError(
                said("EXRULE is not supported, as iCalendar dropped it in 2009; use EXDATE")
            )
        label = _label(series.event)
        if not series.recurs or "RECURRENCE-ID" in series.event:
            ends = series.ends(series.start)
            if self._moment(ends[1]) > self._earliest:
                yield from _window(series, ends, label)
            return
        for rule in series.rules:
            _check_pace(rule)
        if self._is_yearly(series):
            yield Yearly(month=series.start.month, day=series.start.day, label=label)
            return
        for ends in self._within(series):
            yield from _window(series, ends, label)

    def _within(self, series: Series) -> Iterator[Ends]:
        """Yield the occurrences that are neither over for a year nor too far ahead."""
        for ends in series.periods():
            if self._earliest < self._moment(ends[1]) and self._moment(ends[0]) < self._latest:
                yield ends
        for ends in series.dates():
            if self._moment(ends[0]) >= self._latest:
                return
            if self._moment(ends[1]) > self._earliest:
                yield ends

    def _is_yearly(self, series: Series) -> bool:
        """Say whether an event is the same as one day of every year, from now on and for good."""
        begins, ends = series.ends(series.start)
        # A series that starts in two years must not hold anything back next year.
        begun = self._moment(begins) <= self._now + timedelta(days=365)
        plain = not (series.exceptions or "RDATE" in series.event) and len(series.rules) == 1
        one_day = series.all_day and ends - begins == timedelta(days=1)
        return begun and plain and one_day and _is_anniversary(series.rules[0], begins)

    def _moment(self, ends: datetime) -> datetime:
        """Return one end of an occurrence in UTC."""
        return ends if ends.tzinfo else ends.replace(tzinfo=self._floating).astimezone(UTC)

    def _order(self, window: Window) -> tuple[bool, datetime, str]:
        """Return the place of a window in the list."""
        match window:
            case Dates(first=first):
                start = datetime(first.year, first.month, first.day, tzinfo=UTC)
            case Period(start=start):
                pass
            case Yearly(month=month, day=day):
                start = datetime(2024, month, day, tzinfo=UTC)
            case _:
                start = self._now
        return not isinstance(window, Yearly), start, window.label


def _that_count(events: Sequence[Event]) -> list[Event]:
    """Return the events that take time: not cancelled, and not marked as free.

    Calendars of public holidays mark every day as free (Google's do). Where nothing else is in the
    file, those days are what it is about.
    """
    held = [one for one in events if str(one.get("STATUS", "")).upper() != "CANCELLED"]
    busy = [one for one in held if str(one.get("TRANSP", "")).upper() != "TRANSPARENT"]
    return busy or held


def _check_pace(rule: Mapping[str, list[object]]) -> None:
    """Raise for a rule that repeats within a day for ever: it says the same as no rule at all."""
    frequency = str(rule["FREQ"][0]).upper()
    if rule.get("INTERVAL", [1])[0] == 0:
        raise ValueError(said("INTERVAL=0 never goes on; use 1 or more"))
    if frequency in _TOO_OFTEN and not {"COUNT", "UNTIL"} & set(rule):
        raise ValueError(_TOO_OFTEN[frequency])


def _is_anniversary(rule: Mapping[str, list[object]], start: date) -> bool:
    """Say whether a rule names just the date of its start, every year."""
    if str(rule["FREQ"][0]).upper() != "YEARLY" or not set(rule) <= _SAME_DAY:
        return False
    months = [int(str(month)) for month in rule.get("BYMONTH", [start.month])]
    days = rule.get("BYMONTHDAY", [start.day])
    # A day without a month is that day of every month.
    whole = "BYMONTHDAY" not in rule or "BYMONTH" in rule
    return (
        whole
        and rule.get("INTERVAL", [1]) == [1]
        and (months, days) == ([start.month], [start.day])
    )


def _window(series: Series, ends: Ends, label: str) -> Iterator[Window]:
    """Yield an occurrence as a window; one without length is none."""
    begins, stops = ends
    if begins.tzinfo is None:
        first, last = begins.date(), (stops - timedelta(days=1)).date()
        yield Dates(first=first, last=last if last > first else None, label=label)
    elif stops > begins:
        yield Period(start=begins, end=stops, label=label)


def _label(event: Event) -> str:
    """Return the summary as one line."""
    text = "".join(one if one.isprintable() or one == "\u200d" else " " for one in _summary(event))
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_LABEL else f"{line[: LONGEST_LABEL - 1]}…"


def _summary(event: Event) -> str:
    """Return the summary as it is in the file."""
    found = event.get("SUMMARY", "")
    return str(found[0] if isinstance(found, list) else found)


def _title(event: Event) -> str:
    """Return what to call an event in a message."""
    uid = event.get("UID")
    nameless = said("without a name") if uid is None else str(uid)[:60]
    return said("the event {name}", name=_label(event)[:60] or nameless)


def _stop(_number: int, _frame: object) -> None:
    """Leave whatever loop takes so long."""
    raise _OutOfTimeError


def _limit_time(seconds: int) -> None:
    """Interrupt this process after its CPU time, and end it should that not be enough."""
    signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (2 * seconds, 2 * seconds))


def _reason(error: Exception) -> str:
    """Return what is wrong: our own words, or one line of a library's."""
    text = str(error)
    if isinstance(text, Said):
        return text
    return " ".join(text.split())[:160].rstrip(".") or type(error).__name__


def answer(text: str, reader: Reader) -> dict[str, object]:
    """Return the windows as they are stored, or what is wrong with the file."""
    try:
        return {"windows": windows_json(reader.windows(text))}
    except JobdeckError as error:
        sentence = error.message
    except _OutOfTimeError:
        sentence = _too_slow(reader.working_on)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        # Whatever the libraries make of a broken file.
        sentence = _broken(reader.working_on, _reason(error))
    return {"error": packed(sentence)}


def _too_slow(event: str) -> str:
    if not event:
        return said("Reading the file takes too long. Use one with fewer events.")
    return said(
        "Working out when {event} occurs takes too long. Use a simpler rule, or list its dates.",
        event=event,
    )


def _broken(event: str, reason: str) -> str:
    if not event:
        return said("The file is not iCalendar: {reason}.", reason=reason)
    return said("There is something wrong with {event}: {reason}.", event=event, reason=reason)


def main() -> None:
    """Read a file from standard input and write the answer as JSON.

    Arguments: time zone, present moment, years, seconds of CPU time. This is a process of its own, because only a process
    can be stopped whatever a library is doing.
    """
    timezone, now, years, seconds = sys.argv[1:]
    _limit_time(int(seconds))
    reader = Reader(timezone=timezone, now=datetime.fromisoformat(now), years=int(years))
    json.dump(answer(sys.stdin.buffer.read().decode(), reader), sys.stdout)


if __name__ == "__main__":
    main()
