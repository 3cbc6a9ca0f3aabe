"""Histograms of seconds in a fixed number of buckets, and what can be read out of them.

The bounds grow by about 1.6 from one to the next (five to each power of ten), so that a quantile is
at most that factor away from the true one, and mostly within a tenth, whatever its size.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_STEPS = (1.0, 1.6, 2.5, 4.0, 6.3)


def _bounds(first: int) -> tuple[float, ...]:
    """Return 35 bounds from ten to the power of ``first``; rounded, as decimal text shows them."""
    powers = range(first, first + 7)
    return tuple(round(step * 10.0**power, 6) for power in powers for step in _STEPS)


DURATION_BOUNDS = _bounds(-2)  # 10 ms to 17.5 hours
LATENESS_BOUNDS = _bounds(-3)  # 1 ms to 1.75 hours
BUCKETS = len(DURATION_BOUNDS) + 1  # the last one takes what is above the last bound


def bucket_of(seconds: float, bounds: Sequence[float] = DURATION_BOUNDS) -> int:
    """Return the number of the bucket that takes ``seconds``: the first whose bound is not below."""
    return bisect_left(bounds, seconds)


def empty() -> list[int]:
    """Return the counts of nothing."""
    return [0] * BUCKETS


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many values fell into each bucket, and the greatest of them."""

    counts: Sequence[int] = field(default_factory=empty)
    longest: float = 0.0
    bounds: Sequence[float] = DURATION_BOUNDS

    @classmethod
    def of(cls, values: Iterable[float], bounds: Sequence[float] = DURATION_BOUNDS) -> Histogram:
        """Return the histogram of ``values``."""
        counts, longest = empty(), 0.0
        for value in values:
            counts[bucket_of(value, bounds)] += 1
            longest = max(longest, value)
        return cls(counts=counts, longest=longest, bounds=bounds)

    @property
    def total(self) -> int:
        """Return how many values there are."""
        return sum(self.counts)

    def quantile(self, share: float) -> float | None:
        """Return the value that ``share`` (0 to 1) of all do not exceed; None of nothing.

        Inside a bucket the values count as spread evenly over the logarithm.
        """
        wanted = share * self.total
        if not self.total:
            return None
        before = 0
        for number, count in enumerate(self.counts):
            if count and before + count >= wanted:
                return self._within(number, max(wanted - before, 0.0) / count)
            before += count
        return self.longest

    def _within(self, number: int, part: float) -> float:
        upper = min([*self.bounds[number : number + 1], self.longest])
        lower = min(self.bounds[number - 1], upper) if number else 0.0
        if not lower:
            return upper * part
        return float(lower * (upper / lower) ** part)

    def cumulative(self) -> list[int]:
        """Return for each bucket how many values it and all before it took."""
        sums, total = [], 0
        for count in self.counts:
            total += count
            sums.append(total)
        return sums
