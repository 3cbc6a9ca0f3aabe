"""What becomes of a due time while an execution of the same job is live."""

from __future__ import annotations

import pytest

from jobs.domain.overlap import OverlapAction, decide_overlap
from jobs.domain.states import Overlap


@pytest.mark.parametrize("policy", Overlap)
def test_nothing_live_means_go(policy: Overlap) -> None:
    assert decide_overlap(policy, live=0) == OverlapAction.DISPATCH


@pytest.mark.parametrize(
    ("policy", "live", "waiting", "max_parallel", "action"),
    [
        (Overlap.SKIP, 1, 0, 1, OverlapAction.OMIT),
        (Overlap.SKIP, 1, 0, 5, OverlapAction.OMIT),
        (Overlap.QUEUE, 1, 0, 1, OverlapAction.QUEUE),
        (Overlap.QUEUE, 2, 1, 1, OverlapAction.OMIT),
        # The policy was changed while two ran: nobody waits yet.
        (Overlap.QUEUE, 2, 0, 1, OverlapAction.QUEUE),
        (Overlap.ALLOW, 1, 0, 1, OverlapAction.OMIT),
        (Overlap.ALLOW, 1, 0, 2, OverlapAction.DISPATCH),
        (Overlap.ALLOW, 2, 0, 2, OverlapAction.OMIT),
        (Overlap.CANCEL_RUNNING, 1, 0, 1, OverlapAction.CANCEL_AND_QUEUE),
        (Overlap.CANCEL_RUNNING, 2, 1, 1, OverlapAction.CANCEL_AND_QUEUE),
    ],
)
def test_a_live_execution_meets_the_policy(
    policy: Overlap, live: int, waiting: int, max_parallel: int, action: OverlapAction
) -> None:
    assert decide_overlap(policy, live=live, waiting=waiting, max_parallel=max_parallel) == action


def test_the_queue_may_be_longer() -> None:
    decided = decide_overlap(Overlap.QUEUE, live=3, waiting=2, max_waiting=3)

    assert decided == OverlapAction.QUEUE
