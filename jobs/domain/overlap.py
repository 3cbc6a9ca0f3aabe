"""What becomes of a due time while an execution of the same job is live."""

from __future__ import annotations

from enum import StrEnum

from jobs.domain.states import Overlap


class OverlapAction(StrEnum):
    """What to do with the new execution."""

    DISPATCH = "dispatch"  # it may start now
    OMIT = "omit"  # it is left out, with reason overlap
    QUEUE = "queue"  # it is made, and held until the live one ends
    CANCEL_AND_QUEUE = "cancel_and_queue"  # every live one is cancelled, then it starts


def decide_overlap(
    policy: Overlap, *, live: int, waiting: int = 0, max_parallel: int = 1, max_waiting: int = 1
) -> OverlapAction:
    """Return what to do, by the policy and how many executions of the job are live.

    ``live`` counts all that are queued, claimed, running or retrying; ``waiting`` those of them that
    are held behind another one. Holds for scheduled, manual and backfill starts alike.
    """
    if live == 0:
        return OverlapAction.DISPATCH
    if policy == Overlap.ALLOW:
        return OverlapAction.DISPATCH if live < max_parallel else OverlapAction.OMIT
    if policy == Overlap.QUEUE:
        return OverlapAction.QUEUE if waiting < max_waiting else OverlapAction.OMIT
    if policy == Overlap.CANCEL_RUNNING:
        return OverlapAction.CANCEL_AND_QUEUE
    return OverlapAction.OMIT
