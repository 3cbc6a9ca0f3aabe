"""What helps a queue, with the figures that say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from jobs.domain.bottlenecks import Bottleneck, Kind
from jobs.domain.health import Sample
from jobs.domain.said import said

NOTHING_TO_DO = "Queue is healthy, no immediate action is needed"
MORE_STARTS = "Raise how many runs of the queue may start in a minute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One thing to do, and why; ``kind`` is the finding that it is for."""

    text: str
    evidence: str
    kind: Kind | None = None
    # How many workers the load needs, where that is the advice.
    workers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """Who could take work of a queue."""

    slots: int  # places of the clusters that serve it
    limit: int | None = None  # how many of it may run at a time
    # How many of it may start in a minute, where so many did: that is what holds it back.
    starts_per_minute: int | None = None
    paused: bool = False
    served: bool = True


_MORE: dict[Kind, tuple[str, ...]] = {
    Kind.QUEUE_BACKLOG: (
        "Optimize job processing logic",
        "Review resource allocation: CPU, memory and disk of the workers' hosts",
    ),
    Kind.HIGH_FAILURE_RATE: (
        "Check external API availability",
        "Review the error logs of the failed jobs",
        "Validate job data",
        "Adjust the retry strategy",
    ),
    Kind.SLOW_PROCESSING: (
        "Profile job execution",
        "Optimize database queries",
        "Add caching for what is computed again and again",
        "Review algorithm efficiency",
    ),
    Kind.HIGH_WAIT_TIME: ("Balance job priorities, or move urgent jobs to a queue of their own",),
}


def workers_needed(sample: Sample) -> int:
    """Return how many workers keep up: runs that end in a minute, times how long each takes.

    What waits is to be worked off within a further period of the same length.
    """
    if sample.period_seconds <= 0:
        return 0
    arriving = (sample.ended + sample.waiting) / sample.period_seconds
    return ceil(arriving * sample.processing_seconds)


def recommend(
    sample: Sample, found: Sequence[Bottleneck], capacity: Capacity
) -> list[Recommendation]:
    """Return what to do, the most urgent first; one sentence when nothing is."""
    advice = _stopped(sample, capacity)
    crowded = False
    for one in found:
        if one.kind in {Kind.QUEUE_BACKLOG, Kind.HIGH_WAIT_TIME} and not crowded:
            crowded = True
            advice.append(_concurrency(sample, one, capacity))
        advice += [
            Recommendation(text=text, evidence=one.description, kind=one.kind)
            for text in _MORE[one.kind]
        ]
    if advice:
        return advice
    score = said(
        "{waiting:.0f} waiting, {share:.1%} of {ended} failed",
        waiting=sample.waiting,
        share=sample.failure_rate,
        ended=sample.ended,
    )
    return [Recommendation(text=NOTHING_TO_DO, evidence=score)]


def _stopped(sample: Sample, capacity: Capacity) -> list[Recommendation]:
    """Return what lets a queue begin again whose work nobody may take, or takes."""
    if not sample.waiting:
        return []
    waits = {"n": sample.waiting, "queue": sample.queue}
    if capacity.paused:
        why = said("{n:.0f} runs wait in queue {queue}, and it is paused", **waits)
        return [Recommendation(text=f"Resume queue {sample.queue}", evidence=why)]
    if not capacity.served:
        text = f"Start a worker that serves queue {sample.queue}"
        why = said("{n:.0f} runs wait in queue {queue}, and no worker takes them", **waits)
        return [Recommendation(text=text, evidence=why)]
    return []


def _concurrency(sample: Sample, one: Bottleneck, capacity: Capacity) -> Recommendation:
    """Return the advice to start more, or to run more at a time where the load gives a number."""
    if capacity.starts_per_minute is not None:
        return Recommendation(
            text=MORE_STARTS,
            evidence=f"{one.description}; {capacity.starts_per_minute} start a minute, the limit",
            kind=one.kind,
        )
    needed = workers_needed(sample)
    has = capacity.slots if capacity.limit is None else min(capacity.slots, capacity.limit)
    if needed <= has:
        return Recommendation(
            text="Increase worker concurrency", evidence=one.description, kind=one.kind
        )
    limited = capacity.limit is not None and capacity.limit < needed
    where = "the queue's limit" if limited else "the number of workers"
    return Recommendation(
        text=f"Increase worker concurrency: raise {where} from {has} to {needed}",
        evidence=(
            f"{one.description}; {sample.per_minute:.1f} runs a minute of "
            f"{sample.processing_seconds:.1f} s each"
        ),
        kind=one.kind,
        workers=needed,
    )
