"""Predicted load: how many slots each queue will want, from due times and how long runs take.

Jobs that are due at the same instants are one `Demand`, so that ten thousand jobs on one expression
cost as much as one. A demand is *followed* (each due time becomes a start and an end) while the
budget lasts, those with few due times for many jobs first. The rest is only *counted*: its due times
per bucket by arithmetic, as an even load over the bucket. No schedule is ever walked second by second
over a week.

Instants and lengths are whole microseconds (`jobs.domain.instants`); ranges are ``(after, until]``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from math import ceil
from operator import mul, sub

from jobs.domain.instants import DueTimes, Grid
from jobs.domain.merged import Merged

# Starts and ends that are followed at most: they take some tenths of a second.
BUDGET = 300_000
# Due times of one demand that are followed at most: each minute of a week.
LONGEST_LIST = 11_000
_CLASSES = 6  # lengths that stand for those of all jobs of a demand


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Jobs of one queue that are due at the same instants.

    ``lengths`` has one entry for each job: how long a run of it takes. ``parallel`` is how many runs
    of one job may go on at once, ``offset`` how long after its due time each of them starts.
    """

    queue: str
    sets: Sequence[DueTimes]
    lengths: Sequence[int]
    parallel: int = 1
    offset: int = 0

    @property
    def jobs(self) -> int:
        """Return how many jobs there are."""
        return len(self.lengths)

    def count(self, after: int, until: int) -> int:
        """Return how many starts each job has; an instant of two sets counts twice."""
        return sum(times.count(after - self.offset, until - self.offset) for times in self.sets)

    def starts(self, after: int, until: int) -> list[int]:
        """Return the starts of each job, in order."""
        found = Merged(self.sets).between(after - self.offset, until - self.offset)
        return [instant + self.offset for instant in found] if self.offset else found

    @cached_property
    def classes(self) -> list[tuple[int, int]]:
        """Return (length, number of jobs): a few lengths that stand for all, shortest first."""
        ordered = sorted(self.lengths)
        size = ceil(len(ordered) / _CLASSES)
        parts = [ordered[place : place + size] for place in range(0, len(ordered), size)]
        return [(max(sum(part) // len(part), 1), len(part)) for part in parts]

    @cached_property
    def even(self) -> bool:
        """Say whether its due times lie evenly over any stretch after their beginning."""
        return all(isinstance(times, Grid) for times in self.sets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A stretch of the axis: how many starts, and how many slots are wanted at most and on average."""

    start: int
    end: int
    starts: int
    peak: int
    mean: float


@dataclass(slots=True, kw_only=True)
class QueueLoad:
    """What one queue will want; ``starts`` are the followed ones, as (instant, demand), in order."""

    queue: str
    buckets: list[Bucket] = field(default_factory=list)
    starts: list[tuple[int, int]] = field(default_factory=list)
    # The level of followed runs from each of these instants on.
    edges: list[int] = field(default_factory=list)
    levels: list[int] = field(default_factory=list)
    background: list[float] = field(default_factory=list)  # the even load of each bucket

    def even_load(self, instant: int) -> float:
        """Return the load of what is only counted, at ``instant``."""
        place = bisect_right(self.buckets, instant, key=lambda bucket: bucket.start) - 1
        return self.background[max(place, 0)] if self.background else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The load of all queues, and which demands (by their place) are only counted."""

    queues: list[QueueLoad]
    counted: list[int]


def predict(
    demands: Sequence[Demand],
    *,
    now: int,
    after: int,
    until: int,
    width: int,
    budget: int = BUDGET,
) -> Load:
    """Return the load of ``(after, until]`` in buckets of ``width``.

    A run that begins before ``after`` and reaches into the range counts too, from ``now`` on.
    """
    first = after // width * width
    edges = [*range(first, until, width), until]
    followed, counted = _split(demands, after, until, budget)
    queues: list[QueueLoad] = []
    for queue in sorted({demand.queue for demand in demands}):
        mine = [place for place in followed if demands[place].queue == queue]
        even = [demands[place] for place in counted if demands[place].queue == queue]
        load = QueueLoad(queue=queue)
        _follow(load, demands, mine, now=now, after=after, until=until)
        _fill(load, edges, demands, _counted(even, edges, after))
        queues.append(load)
    return Load(queues=queues, counted=counted)


def _split(
    demands: Sequence[Demand], after: int, until: int, budget: int
) -> tuple[list[int], list[int]]:
    """Return the places of the demands to follow and of those to count."""
    sizes = [demand.count(after, until) for demand in demands]
    order = sorted(range(len(demands)), key=lambda place: sizes[place] / demands[place].jobs)
    followed: list[int] = []
    counted: list[int] = []
    for place in order:
        if not sizes[place]:
            # Nothing in the range; a run from before it may reach in, which costs next to nothing.
            followed.append(place)
            continue
        cost = sizes[place] * (1 + len(demands[place].classes))
        if cost <= budget and sizes[place] <= LONGEST_LIST:
            budget -= cost
            followed.append(place)
        else:
            counted.append(place)
    return followed, counted


def kept(starts: Sequence[int], length: int, parallel: int) -> Sequence[int]:
    """Return the starts that happen when at most ``parallel`` runs may go on at once."""
    found: list[int] = []
    for start in starts:
        if len(found) < parallel or found[-parallel] + length <= start:
            found.append(start)
    return found


def _follow(
    load: QueueLoad,
    demands: Sequence[Demand],
    places: Iterable[int],
    *,
    now: int,
    after: int,
    until: int,
) -> None:
    """Note each start and how the number of runs changes with starts and ends."""
    change: defaultdict[int, int] = defaultdict(int)
    for place in places:
        demand = demands[place]
        longest = demand.classes[-1][0]
        starts = demand.starts(max(now, min(after, after - longest)), until)
        load.starts += [(start, place) for start in starts]
        gap = min(map(sub, starts[1:], starts), default=longest)
        for length, jobs in demand.classes:
            happen = starts if length <= gap else kept(starts, length, demand.parallel)
            for start in happen:
                change[start + length] -= jobs
            if happen is not starts:
                for start in happen:
                    change[start] += jobs
        # Those whose runs never meet the next start begin together.
        together = sum(jobs for length, jobs in demand.classes if length <= gap)
        for start in starts if together else ():
            change[start] += together
    load.starts.sort()
    load.edges = sorted(change)
    load.levels = list(accumulate(change[edge] for edge in load.edges))


def _counted(
    demands: Iterable[Demand], edges: Sequence[int], after: int
) -> list[tuple[int, float]]:
    """Return starts and mean load of each bucket, of demands that are not followed."""
    stretches = [(max(start, after), end) for start, end in pairwise(edges)]
    starts = [0.0] * len(stretches)
    loads = [0.0] * len(stretches)
    span = edges[-1] - after
    last = len(stretches) - 1
    for demand in demands:
        # Where all due times are even, one look serves all buckets.
        each = demand.count(after, edges[-1]) / span if demand.even else None
        for place, (start, end) in enumerate(stretches):
            length = end - start
            # A bucket has its start and not its end, as with what is followed.
            if each is None:
                number = float(demand.count(max(start - 1, after), end - (place < last)))
            else:
                number = each * length
            if number:
                starts[place] += number * demand.jobs
                loads[place] += sum(
                    jobs * min(number * takes / length, demand.parallel)
                    for takes, jobs in demand.classes
                )
    return [(round(number), load) for number, load in zip(starts, loads, strict=True)]


def _fill(
    load: QueueLoad,
    edges: Sequence[int],
    demands: Sequence[Demand],
    counted: Sequence[tuple[int, float]],
) -> None:
    """Make the buckets: peak and mean of what is followed, with the even load on top."""
    jobs = [demand.jobs for demand in demands]
    for (start, end), (even_starts, even) in zip(pairwise(edges), counted, strict=True):
        peak, area = _level(load, start, end)
        low = bisect_left(load.starts, (start, -1))
        high = bisect_left(load.starts, (end, -1))
        number = sum([jobs[place] for _, place in load.starts[low:high]])
        load.buckets.append(
            Bucket(
                start=start,
                end=end,
                starts=number + even_starts,
                peak=ceil(peak + even - 1e-9),
                mean=area / (end - start) + even,
            )
        )
        load.background.append(even)


def _level(load: QueueLoad, start: int, end: int) -> tuple[int, int]:
    """Return the highest level of a stretch, and runs times microseconds."""
    before = bisect_right(load.edges, start) - 1
    level = load.levels[before] if before >= 0 else 0
    until = bisect_left(load.edges, end)
    inside = load.edges[before + 1 : until]
    levels = [level, *load.levels[before + 1 : until]]
    lengths = map(sub, [*inside, end], [start, *inside])
    return max(levels), sum(map(mul, levels, lengths))
