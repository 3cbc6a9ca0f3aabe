"""What a run of a job usually takes, robustly: one wild run moves neither the middle nor the spread.

    spread = max(1.4826 * median absolute deviation, 5 % of the median, half a second)
    slow   = beyond the median by 5 spreads, by three quarters of it, and by 30 s
    fast   = below the median by 4 spreads (as a ratio), and less than a quarter of it

1.4826 makes the deviation comparable with a standard deviation of a normal distribution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

SPREADS = 5.0
FAST_SPREADS = 4.0
SLOW_FACTOR = 1.75
# Shorter than this over the usual is nobody's trouble.
SLOW_SECONDS = 30.0
FAST_SHARE = 0.25
# A job that takes less than this may well have nothing to do for once.
FAST_FROM_SECONDS = 10.0
LEAST_ALIKE = 8  # of the same weekday and hour
LEAST_OF_HOUR = 12  # of the same hour on any day
LEAST = 20  # of any time: with fewer nothing is said
# Fewer alike runs than that say nothing by themselves, but so many are heard before an alert.
LEAST_HEARD = 3
# What is usual changes in time: only so many of the newest count.
NEWEST_ALIKE = 16
NEWEST_OF_HOUR = 24
NEWEST = 100
_MAD_TO_DEVIATION = 1.4826


@dataclass(frozen=True, slots=True)
class Past:
    """A run that succeeded; its hour is that of its clock's zone, in which patterns of days are."""

    started_at: datetime
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The usual duration of runs that start at such a time."""

    median: float
    spread: float
    count: int
    among: str  # which runs were looked at, in words
    # Of the few runs that are more alike: what is usual among them is neither slow nor fast.
    heard: tuple[Baseline, ...] = ()

    @property
    def slow_after(self) -> float:
        """Return the seconds after which a run is unusually long."""
        own = max(
            self.median + SPREADS * self.spread,
            self.median * SLOW_FACTOR,
            self.median + SLOW_SECONDS,
        )
        return max(own, *(one.slow_after for one in self.heard)) if self.heard else own

    @property
    def fast_below(self) -> float:
        """Return the seconds below which a run is suspiciously fast; 0 where none is."""
        if self.median < FAST_FROM_SECONDS:
            return 0.0
        # As a ratio: durations end at 0, and a wide spread would leave nothing below.
        ratio = math.exp(-FAST_SPREADS * self.spread / self.median)
        own = self.median * min(ratio, FAST_SHARE)
        return min(own, *(one.fast_below for one in self.heard)) if self.heard else own


def baseline(past: Sequence[Past], at: datetime) -> Baseline | None:
    """Return what is usual for a run that starts ``at``; None below the minimum sample.

    ``past`` has the newest first. Runs of the same weekday and hour count if there are enough, else
    those of the hour, else all. The few that are more alike are heard too: a heavy run each Sunday
    is known after three of them.
    """
    if len(past) < LEAST:
        return None
    at = at.astimezone(past[0].started_at.tzinfo)
    of_hour = [one for one in past if one.started_at.hour == at.hour]
    alike = [one for one in of_hour if one.started_at.weekday() == at.weekday()]
    groups = (
        (alike[:NEWEST_ALIKE], LEAST_ALIKE, "runs of this weekday and hour"),
        (of_hour[:NEWEST_OF_HOUR], LEAST_OF_HOUR, "runs of this hour"),
    )
    heard: list[Baseline] = []
    for group, least, among in groups:
        if len(group) >= least:
            return _of(group, among, heard)
        if len(group) >= LEAST_HEARD:
            heard.append(_of(group, among))
    return _of(past[:NEWEST], "recent runs", heard)


def _of(past: Sequence[Past], among: str, heard: Sequence[Baseline] = ()) -> Baseline:
    seconds = [one.seconds for one in past]
    middle = median(seconds)
    deviation = median(abs(one - middle) for one in seconds)
    spread = max(_MAD_TO_DEVIATION * deviation, 0.05 * middle, 0.5)
    return Baseline(median=middle, spread=spread, count=len(past), among=among, heard=tuple(heard))


def may_be_fast(recent: Sequence[float], seconds: float) -> bool:
    """Say cheaply whether a success may be suspiciously fast, from the latest few durations.

    It only decides whether anybody looks closer.
    """
    if len(recent) < LEAST_ALIKE:
        return False
    middle = median(recent)
    return middle >= FAST_FROM_SECONDS and seconds < middle * FAST_SHARE
