"""The rule of failures in a row."""

from __future__ import annotations

import pytest

from jobs.domain.failures import count_in_a_row, failures_left, should_auto_disable
from jobs.domain.states import ExecutionState


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (ExecutionState.FAILED, 4),
        (ExecutionState.TIMED_OUT, 4),
        (ExecutionState.LOST, 4),
        (ExecutionState.SUCCEEDED, 0),
        (ExecutionState.CANCELLED, 3),
        (ExecutionState.SKIPPED, 3),
    ],
)
def test_three_in_a_row_and_then(state: ExecutionState, after: int) -> None:
    assert count_in_a_row(3, state) == after


@pytest.mark.parametrize(
    ("count", "limit", "stopped"),
    [(4, 5, False), (5, 5, True), (6, 5, True), (100, None, False), (1, 1, True), (0, 0, False)],
)
def test_the_limit_stops_the_job(count: int, limit: int | None, stopped: bool) -> None:
    assert should_auto_disable(count, limit) is stopped


@pytest.mark.parametrize(
    ("count", "limit", "left"), [(3, 5, 2), (5, 5, 0), (9, 5, 0), (3, None, None)]
)
def test_the_failures_that_are_left(count: int, limit: int | None, left: int | None) -> None:
    assert failures_left(count, limit) == left
