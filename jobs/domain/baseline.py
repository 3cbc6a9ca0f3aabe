"""What a run of a job usually takes, robustly: one wild run moves neither the middle nor the spread.

    spread = max(1.4826 * median absolute deviation, 5 % of the median, half a second)
    slow   = beyond the median by 5 spreads, by half of it, and by 30 s
    fast   = below the median by 4 spreads, and less than a quarter of it

1.4826 makes the deviation comparable with a standard deviation of a normal distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

SPREADS = 5.0
FAST_SPREADS = 4.0  # durations end at 0: five of a usual spread leave nothing below
SLOW_FACTOR = 1.5
# Shorter than this over the usual is nobody's trouble.
SLOW_SECONDS = 30.0
FAST_SHARE = 0.25
# A job that takes less than this may well have nothing to do for once.
FAST_FROM_SECONDS = 10.0
LEAST_ALIKE = 8  # of the same weekday and hour
LEAST_OF_HOUR = 12  # of the same hour on any day
LEAST = 20  # of any time: with fewer nothing is said
_MAD_TO_DEVIATION = 1.4826


@dataclass(frozen=True, slots=True)
class Past:
    """A run that succeeded."""

    started_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The usual duration of runs that start at such a time."""

    median: float
    spread: float
    count: int
    among: str  # which runs were looked at, in words

    @property
    def slow_after(self) -> float:
        """Return the seconds after which a run is unusually long."""
        return max(
            self.median + SPREADS * self.spread,
            self.median * SLOW_FACTOR,
            self.median + SLOW_SECONDS,
        )

    @property
    def fast_below(self) -> float:
        """Return the seconds below which a run is suspiciously fast; 0 where none is."""
        if self.median < FAST_FROM_SECONDS:
            return 0.0
        return max(min(self.median - FAST_SPREADS * self.spread, self.median * FAST_SHARE), 0.0)


def baseline(past: Sequence[Past], at: datetime) -> Baseline | None:
    """Return what is usual for a run that starts ``at``; None below the minimum sample.

    Runs of the same weekday and hour count if there are enough, else those of the hour, else all.
    """
    if len(past) < LEAST:
        return None
    of_hour = [one for one in past if one.started_at.hour == at.hour]
    alike = [one for one in of_hour if one.started_at.weekday() == at.weekday()]
    if len(alike) >= LEAST_ALIKE:
        return _of(alike, "runs of this weekday and hour")
    if len(of_hour) >= LEAST_OF_HOUR:
        return _of(of_hour, "runs of this hour")
    return _of(past, "recent runs")


def _of(past: Sequence[Past], among: str) -> Baseline:
    seconds = [one.seconds for one in past]
    middle = median(seconds)
    deviation = median(abs(one - middle) for one in seconds)
    spread = max(_MAD_TO_DEVIATION * deviation, 0.05 * middle, 0.5)
    return Baseline(median=middle, spread=spread, count=len(past), among=among)


def may_be_fast(recent: Sequence[float], seconds: float) -> bool:
    """Say cheaply whether a success may be suspiciously fast, from the latest few durations.

    It only decides whether anybody looks closer.
    """
    if len(recent) < LEAST_ALIKE:
        return False
    middle = median(recent)
    return middle >= FAST_FROM_SECONDS and seconds < middle * FAST_SHARE
