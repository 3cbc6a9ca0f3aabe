"""Hot spots of a predicted load: where more slots are wanted than there are, and how long it lasts."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jobs.domain.instants import SECOND
from jobs.domain.load import Demand, QueueLoad

SHOWN = 5  # hot spots of one queue; the rest is counted
MANY_AT_ONCE = 10  # starts in one minute that are worth a word, even where they fit
_PLACED = (
    5_000  # runs that are handed to slots to learn the wait; keeps a spot at some milliseconds
)
_MINUTE = 60 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class HotSpot:
    """A stretch with more runs than slots (``over``), or the minute in which most begin.

    ``peak`` is how many slots are wanted at once, or how many runs begin in the minute. ``demands``
    are places in the list of demands. ``wait`` is how long the last run waits for its slot;
    ``drains`` is False when no end to the waiting is in sight.
    """

    start: int
    until: int
    peak: int
    slots: int | None
    over: bool
    demands: list[int]
    wait: int = 0
    drains: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HotSpots:
    """The worst ones, worst first, and how many there are besides."""

    spots: list[HotSpot]
    more: int = 0


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Where the level is above the slots: its peak, and slots missing times microseconds."""

    start: int
    end: int
    peak: int
    missing: float


def hot_spots(load: QueueLoad, demands: Sequence[Demand], slots: int | None) -> HotSpots:
    """Return where runs have to wait; where none has to or it is not known, the busiest minute."""
    stretches = [] if slots is None else list(_above(load, slots))
    if slots is None or not stretches:
        crowd = _crowd(load, demands, slots)
        return HotSpots(spots=[crowd] if crowd else [])
    found: list[HotSpot] = []
    left = sorted(stretches, key=lambda one: (-one.missing, one.start))
    while left and len(found) < SHOWN:
        spot = _spot(load, demands, left[0], slots)
        found.append(spot)
        # What begins while the last ones still wait is the same trouble.
        left = [one for one in left[1:] if not spot.start <= one.start < spot.until]
    return HotSpots(spots=found, more=len(left))


def _above(load: QueueLoad, slots: int) -> Iterator[_Stretch]:
    """Yield the stretches in which more is wanted than there is, in order of time."""
    start: int | None = None
    peak, missing = 0.0, 0.0
    ends = [*load.edges[1:], load.buckets[-1].end] if load.edges else []
    for edge, end, level in _pieces(load, ends):
        if level > slots:
            start = edge if start is None else start
            peak = max(peak, level)
            missing += (level - slots) * max(end - edge, 0)
        elif start is not None:
            yield _Stretch(start, edge, -int(-peak // 1), missing)
            start, peak, missing = None, 0.0, 0.0
    if start is not None:
        yield _Stretch(start, load.buckets[-1].end, -int(-peak // 1), missing)


def _pieces(load: QueueLoad, ends: Sequence[int]) -> Iterator[tuple[int, int, float]]:
    """Yield (from, to, level) with the even load on top; without followed runs, bucket by bucket."""
    first, last = load.buckets[0].start, load.buckets[-1].end
    if not load.edges:
        for bucket, even in zip(load.buckets, load.background, strict=True):
            yield bucket.start, bucket.end, even
        return
    for edge, end, level in zip(load.edges, ends, load.levels, strict=True):
        if end > first and edge < last:
            yield max(edge, first), min(end, last), level + load.even_load(edge)


def _spot(load: QueueLoad, demands: Sequence[Demand], stretch: _Stretch, slots: int) -> HotSpot:
    """Name a stretch: who takes part, and how long the last of them waits."""
    free = max(int(slots - load.even_load(stretch.start)), 1)
    longest = max((demand.classes[-1][0] for demand in demands), default=0)
    before = _between(load, stretch.start - longest, stretch.start)
    running = [
        (start + length, place)
        for start, place in before
        for length, jobs in demands[place].classes
        for _ in range(min(jobs, free + 1))
        if start + length > stretch.start
    ]
    ends = sorted(end for end, _ in running)[-free:]
    slots_free = [*ends, *[stretch.start] * (free - len(ends))]
    handed = _hand_out(load, demands, stretch, slots_free)
    until = max(stretch.end, handed.last_begin)
    inside = [place for _, place in _between(load, stretch.start, stretch.end)]
    return HotSpot(
        start=stretch.start,
        until=until,
        peak=stretch.peak,
        slots=slots,
        over=True,
        demands=list(dict.fromkeys([*inside, *(place for _, place in running)])),
        wait=handed.wait,
        drains=handed.drained,
    )


@dataclass(frozen=True, slots=True)
class _Handed:
    """What came of handing runs to slots: the longest wait, the last start, and whether it ended."""

    wait: int
    last_begin: int
    drained: bool


def _hand_out(
    load: QueueLoad, demands: Sequence[Demand], stretch: _Stretch, slots: list[int]
) -> _Handed:
    """Give each run the slot that is free first, until nobody waits; ``slots``: when each is free."""
    heapq.heapify(slots)
    wait = placed = 0
    last_begin = stretch.start
    for at, place in load.starts[bisect_left(load.starts, (stretch.start, -1)) :]:
        if at >= stretch.end and last_begin <= at and slots[0] <= at:
            return _Handed(wait, last_begin, drained=True)
        for length, jobs in demands[place].classes:
            for _ in range(jobs):
                begin = max(at, slots[0])
                heapq.heapreplace(slots, begin + length)
                wait, last_begin = max(wait, begin - at), max(last_begin, begin)
            placed += jobs
        if placed > _PLACED:
            return _Handed(wait, last_begin, drained=False)
    return _Handed(wait, last_begin, drained=last_begin <= load.buckets[-1].end)


def _between(load: QueueLoad, start: int, end: int) -> list[tuple[int, int]]:
    """Return the starts of ``[start, end)``."""
    low, high = bisect_left(load.starts, (start, -1)), bisect_left(load.starts, (end, -1))
    return load.starts[low:high]


def _crowd(load: QueueLoad, demands: Sequence[Demand], slots: int | None) -> HotSpot | None:
    """Return the minute in which most begin; None when these are few."""
    minutes: Counter[int] = Counter()
    first = load.buckets[0].start if load.buckets else 0
    for start, place in load.starts:
        if start >= first:
            minutes[start // _MINUTE] += demands[place].jobs
    # Of equal ones the first: that is what the reader meets next.
    minute, most = max(minutes.items(), key=lambda item: (item[1], -item[0]), default=(0, 0))
    if most < MANY_AT_ONCE:
        return None
    start = minute * _MINUTE
    inside = [place for _, place in _between(load, start, start + _MINUTE)]
    return HotSpot(
        start=start,
        until=start + _MINUTE,
        peak=most,
        slots=slots,
        over=False,
        demands=list(dict.fromkeys(inside)),
    )
