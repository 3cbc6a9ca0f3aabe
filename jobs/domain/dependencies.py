"""Dependencies: which endings start another job, and how jobs that wait for each other are refused."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from jobs.domain.said import said
from jobs.domain.states import FAILURES, DependencyOutcome, ExecutionState

_MEETS: dict[DependencyOutcome, tuple[ExecutionState, ...]] = {
    DependencyOutcome.SUCCESS: (ExecutionState.SUCCEEDED,),
    DependencyOutcome.FAILURE: FAILURES,
    DependencyOutcome.DONE: (
        ExecutionState.SUCCEEDED,
        *FAILURES,
        ExecutionState.CANCELLED,
    ),
}
WORDS = {
    DependencyOutcome.SUCCESS: said("succeeded"),
    DependencyOutcome.FAILURE: said("failed"),
    DependencyOutcome.DONE: said("ended"),
}
# What can meet anything at all: an execution that was taken back before it began is no ending.
ENDINGS = _MEETS[DependencyOutcome.DONE]


def meets(outcome: DependencyOutcome, state: ExecutionState) -> bool:
    """Say whether an execution that ended as ``state`` is what a job waits for."""
    return state in _MEETS[outcome]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a job waits for: an outcome of another job, and the execution that brought it already."""

    upstream: int
    outcome: DependencyOutcome
    met_by: int | None = None


def after_ending(
    waits: Sequence[Wait], *, upstream: int, execution: int, state: ExecutionState
) -> tuple[list[Wait], tuple[int, ...]]:
    """Return the waits after an ending, and the executions that start the job; none while one lacks.

    The first ending that meets a wait stays with it until the last wait is met; then all are used up
    together. One that meets nothing starts nothing.
    """
    met = False
    after: list[Wait] = []
    for wait in waits:
        mine = wait.upstream == upstream and meets(wait.outcome, state)
        met = met or mine
        fresh = mine and wait.met_by is None
        after.append(replace(wait, met_by=execution) if fresh else wait)
    brought = tuple(wait.met_by for wait in after if wait.met_by is not None)
    if not met or len(brought) < len(after):
        return after, ()
    return [replace(wait, met_by=None) for wait in after], brought


def circle(
    upstreams_of: Mapping[int, Collection[int]], job: int, wanted: Iterable[int]
) -> list[int]:
    """Return the circle that waiting for ``wanted`` would close, in the order in which jobs start.

    Begins and ends with ``job``; empty when there is none. ``upstreams_of`` is what jobs wait for now.
    """
    came_from: dict[int, int] = {}
    open_ones = [(one, job) for one in wanted]
    while open_ones:
        place, below = open_ones.pop()
        if place in came_from:
            continue
        came_from[place] = below
        if place == job:
            path = [job]
            while len(path) == 1 or path[-1] != job:
                path.append(came_from[path[-1]])
            return path
        open_ones += [(one, place) for one in upstreams_of.get(place, ())]
    return []
