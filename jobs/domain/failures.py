"""The rule of failures in a row: count, auto-disable, recover."""

from __future__ import annotations

from jobs.domain.states import FAILURES, ExecutionState


def count_in_a_row(before: int, state: ExecutionState) -> int:
    """Return the failures in a row after an execution ended in ``state``.

    A success starts anew. What was cancelled or skipped is neither: it leaves the count as it is.
    """
    if state in FAILURES:
        return before + 1
    return 0 if state == ExecutionState.SUCCEEDED else before


def should_auto_disable(failures_in_a_row: int, auto_disable_after: int | None) -> bool:
    """Say whether the job has to be stopped; None means never.

    At least, not exactly: the limit may have been lowered below the present count. That it happens
    once only is up to the caller, who moves an active job.
    """
    return auto_disable_after is not None and failures_in_a_row >= max(auto_disable_after, 1)


def failures_left(failures_in_a_row: int, auto_disable_after: int | None) -> int | None:
    """Return how many more failures in a row stop the job; None when none ever do."""
    if auto_disable_after is None:
        return None
    return max(max(auto_disable_after, 1) - failures_in_a_row, 0)
