"""Several sets of due times as one: each instant once, in order, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs.domain.instants import SECOND, DueTimes

# How far a walk looks at a time: at most a day, which is 86,400 numbers for the densest schedule.
_FIRST_STRIDE, _LONGEST_STRIDE = 3600 * SECOND, 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Merged:
    """The union of sets of due times; a set of due times itself."""

    sets: Sequence[DueTimes]

    def next_after(self, instant: int) -> int | None:
        """Return the first one after ``instant``."""
        found = [times.next_after(instant) for times in self.sets]
        return min((one for one in found if one is not None), default=None)

    def last_until(self, instant: int) -> int | None:
        """Return the last one at or before ``instant``."""
        found = [times.last_until(instant) for times in self.sets]
        return max((one for one in found if one is not None), default=None)

    def count(self, after: int, until: int) -> int:
        """Return how many lie in the range: by arithmetic for one set, else day by day."""
        filled = [times for times in self.sets if times.count(after, until)]
        if len(filled) == 1:
            return filled[0].count(after, until)
        return sum(map(len, Merged(filled).chunks(after, until)))

    def between(self, after: int, until: int) -> list[int]:
        """Return those of the range, in order."""
        lists = [found for times in self.sets if (found := times.between(after, until))]
        return lists[0] if len(lists) == 1 else sorted(set().union(*lists))

    def chunks(self, after: int, until: int) -> Iterator[list[int]]:
        """Yield those of the range in strides, jumping over empty stretches."""
        stride = _FIRST_STRIDE
        while after < until and (ahead := self.next_after(after)) is not None and ahead <= until:
            end = min(ahead + stride, until)
            yield self.between(after, end)
            after = end
            stride = min(stride * 2, _LONGEST_STRIDE)

    def latest(self, after: int, until: int, limit: int) -> list[int]:
        """Return the newest ``limit`` of the range, in order."""
        found: list[int] = []
        while len(found) < limit:
            newest = self.last_until(until)
            if newest is None or newest <= after:
                break
            found.append(newest)
            until = newest - 1
        return found[::-1]
