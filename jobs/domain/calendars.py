"""Calendars: windows of time in which due times are held back, or outside of which they are."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from jobs.domain.calendar_json import parse_windows, windows_json
from jobs.domain.calendar_windows import Window
from jobs.domain.calendar_words import calendar_words, outside_words, window_words
from jobs.domain.said import said_by
from jobs.domain.states import CalendarMode
from jobs.domain.zones import timeline, zone

__all__ = ["Calendar", "Window", "parse_windows", "windows_json"]

Held = tuple[int, int, str]  # instants [start, end) and the reason in words
_Span = tuple[int, int, int]  # instants [start, end) and the number of the window


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Windows in one time zone, and what they do; where two overlap, the first one gives the reason."""

    name: str
    mode: CalendarMode
    timezone: str
    windows: tuple[Window, ...]

    def __post_init__(self) -> None:
        """Raise ZoneError when the time zone does not exist."""
        zone(self.timezone)

    def held(self, after: int, until: int) -> Iterator[Held]:
        """Yield the stretches in which due times of ``(after, until]`` are held back, and why.

        In order and disjoint; stretches that touch and have the same reason are one. The first and
        the last may reach beyond the range. Takes memory by the number of windows, not by the range.
        """
        if until <= after:
            return
        if self.mode == CalendarMode.BLOCK:
            for start, end, reason in _joined(_layered(self._spans(after, until)), self._label):
                # Of two that overlap, the part of one may lie outside.
                if start <= until and end > after + 1:
                    yield start, end, reason
        else:
            reason = said_by(partial(outside_words, self.windows, self.timezone))
            for start, end in self._gaps(after, until):
                yield start, end, reason

    def holds_at(self, instant: int) -> str | None:
        """Return why a due time at ``instant`` is held back; None when it is not."""
        return next((reason for _, _, reason in self.held(instant - 1, instant)), None)

    def describe(self, language: str = "en") -> str:
        """Return the calendar in words."""
        return calendar_words(self.mode, self.windows, self.timezone, language)

    def _label(self, number: int) -> str:
        """Return what a window is called."""
        return said_by(partial(window_words, self.windows[number], self.timezone))

    def _spans(self, after: int, until: int) -> Iterator[_Span]:
        """Return what each window covers, by start."""
        zone_line = timeline(self.timezone)

        def of(number: int, window: Window) -> Iterator[_Span]:
            for start, end in window.spans(zone_line, after, until):
                yield start, end, number

        return heapq.merge(*(of(number, window) for number, window in enumerate(self.windows)))

    def _gaps(self, after: int, until: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of ``(after, until]`` that no window covers, as ``[start, end)``."""
        start = after + 1
        for opens, closes, _ in self._spans(after, until):
            if opens > start:
                yield start, opens
            start = max(start, closes)
        if start <= until:
            yield start, until + 1


def _layered(spans: Iterator[_Span]) -> Iterator[_Span]:
    """Cut spans that overlap so that each instant belongs to the window with the lowest number."""
    ends: dict[int, int] = {}  # windows that may still last, with their end
    numbers: list[int] = []  # the same, as a heap
    place = 0
    for start, end, number in spans:
        yield from _topmost(numbers, ends, place, start)
        place = start
        if number not in ends:
            heapq.heappush(numbers, number)
        ends[number] = max(end, ends.get(number, end))
    yield from _topmost(numbers, ends, place, max(ends.values(), default=place))


def _topmost(numbers: list[int], ends: dict[int, int], place: int, until: int) -> Iterator[_Span]:
    """Yield the pieces of ``[place, until)``; windows that end on the way leave the heap."""
    while numbers and place < until:
        number = numbers[0]
        end = min(ends[number], until)
        if end > place:
            yield place, end, number
            place = end
        if ends[number] <= place:
            heapq.heappop(numbers)
            del ends[number]


def _joined(pieces: Iterator[_Span], label: Callable[[int], str]) -> Iterator[Held]:
    """Give each piece its label, and make one of pieces that touch and have the same."""
    labels: dict[int, str] = {}
    last: Held | None = None
    for start, end, number in pieces:
        text = labels.get(number)
        if text is None:
            text = labels[number] = label(number)
        if last is not None and last[1] == start and last[2] == text:
            last = (last[0], end, text)
            continue
        if last is not None:
            yield last
        last = (start, end, text)
    if last is not None:
        yield last
