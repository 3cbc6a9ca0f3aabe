"""A cron rule in a time zone: the DST contract.

A zone's time is a row of spans of constant offset, and inside a span the wall clock is linear. Where
two spans meet, the clocks jump forward (a *gap*: some wall times are never shown) or back (a *fold*:
some are shown twice).

1. A rule that follows the clock (minute or hour starts with ``*``) names what the clock shows: nothing
   in a gap, both passes of a fold.
2. Any other rule names fixed wall times. One in a gap fires once at the first instant after it
   (``gap=first_valid``) or not at all (``skip``); one in a fold fires in the ``first`` pass, the
   ``second``, or ``both``.
3. A date that a zone left out altogether (Samoa, 30 December 2011) has no due times.
4. Wall times that fall on the same instant are one due time.

Instants are whole epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from jobs.domain.cron import CronRule, parse_cron
from jobs.domain.states import DayMatch, Fold, Gap, SecondsPosition
from jobs.domain.zones import DAY, EARLIEST, LATEST, Span, Timeline, timeline

# Twice the widest shift: beyond this distance no change of offset can reach.
_CLEAR = 2 * DAY


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CronClock:
    """All due times of a cron rule in a zone, searched, listed and counted."""

    rule: CronRule
    timeline: Timeline
    gap: Gap
    fold: Fold

    def next_after(self, moment: int) -> int | None:
        """Return the first due time after ``moment``; None when there is none."""
        start = max(moment + 1, EARLIEST)
        while start < LATEST:
            span = self.timeline.at(start)
            if start == span.start and self._opens(span):
                return span.start
            low, high = self._walls(span)
            wall = self.rule.first_from(max(low, start + span.offset))
            if wall is not None and wall < high:
                return wall - span.offset
            # A wall time near the end of this span may be shown again in the next one.
            soon = self.rule.first_from(span.end + span.offset - _CLEAR)
            if soon is None:
                return None
            # No span before that time can hold it, nor a gap that it lies in.
            start = max(span.end, soon - span.offset - _CLEAR)
        return None

    def last_until(self, moment: int) -> int | None:
        """Return the last due time at or before ``moment``; None when there is none."""
        moment = min(moment, LATEST - 1)
        while moment >= EARLIEST:
            span = self.timeline.at(moment)
            low, high = self._walls(span)
            wall = self.rule.last_until(min(high - 1, moment + span.offset))
            if wall is not None and wall >= low:
                return wall - span.offset
            if self._opens(span):
                return span.start
            soon = self.rule.last_until(span.start + span.offset + _CLEAR)
            if soon is None:
                return None
            moment = min(span.start - 1, soon - span.offset + _CLEAR)
        return None

    def count(self, after: int, until: int) -> int:
        """Return how many due times lie in ``(after, until]``."""
        total = 0
        for span, start, end in self._parts(after, until):
            low, high = self._walls(span)
            total += self.rule.count(max(low, start + span.offset), min(high, end + span.offset))
            total += start == span.start and self._opens_alone(span)
        return total

    def between(self, after: int, until: int) -> list[int]:
        """Return the due times of ``(after, until]`` in order."""
        found: list[int] = []
        for span, start, end in self._parts(after, until):
            if start == span.start and self._opens_alone(span):
                found.append(start)
            low, high = self._walls(span)
            offset = span.offset
            walls = self.rule.between(max(low, start + offset), min(high, end + offset))
            found.extend([wall - offset for wall in walls])
        return found

    def _parts(self, after: int, until: int) -> list[tuple[Span, int, int]]:
        """Return the spans of ``(after, until]``, each with the part ``[start, end)`` to look at."""
        start, end = max(after + 1, EARLIEST), min(until + 1, LATEST)
        parts = []
        while start < end:
            span = self.timeline.at(start)
            parts.append((span, start, min(end, span.end)))
            start = span.end
        return parts

    def _walls(self, span: Span) -> tuple[int, int]:
        """Return the wall seconds ``[low, high)`` of a span whose times count in this span."""
        low, high = span.start + span.offset, span.end + span.offset
        if self.rule.follows_clock or self.fold == Fold.BOTH:
            return low, high
        if self.fold == Fold.FIRST:
            # What the span before showed already is left to it.
            return max(low, span.start + span.before), high
        return low, min(high, span.end + span.after)

    def _opens(self, span: Span) -> bool:
        """Say whether the span's first instant makes up for a fixed time in the gap before it."""
        if span.before >= span.offset or self.gap == Gap.SKIP or self.rule.follows_clock:
            return False
        low, high = span.start + span.before, span.start + span.offset
        wall = self.rule.first_from(low)
        while wall is not None and wall < high:
            midnight = wall // DAY * DAY
            if midnight < low or midnight + DAY > high:
                return True
            # This date does not exist in the zone at all.
            wall = self.rule.first_from(midnight + DAY)
        return False

    def _opens_alone(self, span: Span) -> bool:
        """Say whether the span opens by a made up time that no wall time of its own names."""
        shown = span.start + span.offset
        return self._opens(span) and not self.rule.count(shown, shown + 1)


@lru_cache(maxsize=4096)
def cron_clock(
    expression: str,
    zone: str,
    day_match: DayMatch = DayMatch.ANY,
    seconds_position: SecondsPosition = SecondsPosition.LAST,
    gap: Gap = Gap.FIRST_VALID,
    fold: Fold = Fold.FIRST,
) -> CronClock:
    """Return the due times of an expression in a zone; raise CronError or ZoneError."""
    return CronClock(
        rule=parse_cron(expression, day_match, seconds_position),
        timeline=timeline(zone),
        gap=gap,
        fold=fold,
    )
