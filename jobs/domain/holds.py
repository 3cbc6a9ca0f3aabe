"""Holds: stretches of time in which due times are left out, by a freeze or a calendar.

Ends are instants (see `jobs.domain.instants`); a hold covers ``start`` and everything before ``end``.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from jobs.domain.instants import LAST_INSTANT, DueTimes
from jobs.domain.states import OmissionReason

# Of two that overlap, the first of this order names the reason.
_RANK = {OmissionReason.FROZEN: 0, OmissionReason.CALENDAR: 1}


class Hold(NamedTuple):
    """One stretch, with the reason and the words that the ledger shows."""

    start: int
    end: int
    reason: OmissionReason
    detail: str


def flatten(holds: Iterable[Hold]) -> list[Hold]:
    """Return the same stretches in order and without overlap: each instant has one reason.

    A freeze goes before a calendar, what began earlier before what began later.
    """
    waiting = sorted(holds)
    active: list[tuple[int, int, Hold]] = []
    flat: list[Hold] = []
    edges = sorted({edge for hold in waiting for edge in (hold.start, hold.end)})
    place = 0
    for start, end in pairwise(edges):
        while place < len(waiting) and waiting[place].start <= start:
            hold = waiting[place]
            heapq.heappush(active, (_RANK.get(hold.reason, 2), hold.start, hold))
            place += 1
        while active and active[0][2].end <= start:
            heapq.heappop(active)
        if active:
            _append(flat, active[0][2]._replace(start=start, end=end))
    return flat


def _append(flat: list[Hold], hold: Hold) -> None:
    """Add a stretch; one that goes on where the last ended for the same reason makes it longer."""
    if flat and flat[-1].end == hold.start and flat[-1][2:] == hold[2:]:
        flat[-1] = flat[-1]._replace(end=hold.end)
    elif hold.start < hold.end:
        flat.append(hold)


def holding(holds: Sequence[Hold], instant: int) -> Hold | None:
    """Return what holds back ``instant``, of stretches that `flatten` returned."""
    return next((hold for hold in holds if hold.start <= instant < hold.end), None)


@dataclass(frozen=True, slots=True)
class Outside:
    """The due times of another set that no hold covers; ``holds`` as `flatten` returns them."""

    inner: DueTimes
    holds: Sequence[Hold]
    # Where each hold ends: a year of nights is searched, not walked through.
    _ends: Sequence[int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Look up the ends once."""
        object.__setattr__(self, "_ends", tuple(hold.end for hold in self.holds))

    def next_after(self, instant: int) -> int | None:
        """Return the first one after ``instant``."""
        for after, until in self._gaps(instant, LAST_INSTANT):
            found = self.inner.next_after(after)
            if found is None or found <= until:
                return found
        return None

    def last_until(self, instant: int) -> int | None:
        """Return the last one at or before ``instant``."""
        place = bisect_right(self._ends, instant)
        if place < len(self.holds) and self.holds[place].start <= instant:
            instant = self.holds[place].start - 1
        while True:
            found = self.inner.last_until(instant)
            after = self.holds[place - 1].end - 1 if place else None
            if found is None or after is None or found > after:
                return found
            place -= 1
            instant = self.holds[place].start - 1

    def count(self, after: int, until: int) -> int:
        """Return how many lie in the range."""
        return sum(self.inner.count(*gap) for gap in self._gaps(after, until))

    def between(self, after: int, until: int) -> list[int]:
        """Return those of the range, in order."""
        return [found for gap in self._gaps(after, until) for found in self.inner.between(*gap)]

    def _gaps(self, after: int, until: int) -> Iterator[tuple[int, int]]:
        """Yield the ranges ``(after, until]`` that no hold covers, in order."""
        for place in range(bisect_right(self._ends, after), len(self.holds)):
            hold = self.holds[place]
            if hold.start > until:
                break
            if hold.start - 1 > after:
                yield after, hold.start - 1
            after = max(after, hold.end - 1)
        if after < until:
            yield after, until
