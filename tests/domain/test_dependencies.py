"""Dependencies: which endings count, when all that a job waits for has come, and no circles."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.dependencies import Wait, after_ending, circle, meets
from jobs.domain.states import LIVE, DependencyOutcome, ExecutionState

SUCCESS, FAILURE, DONE = DependencyOutcome
BAD = {ExecutionState.FAILED, ExecutionState.TIMED_OUT, ExecutionState.LOST}


@pytest.mark.parametrize("state", ExecutionState)
def test_each_outcome_takes_the_endings_that_its_name_says(state: ExecutionState) -> None:
    good = state == ExecutionState.SUCCEEDED

    assert meets(SUCCESS, state) is good
    assert meets(FAILURE, state) is (state in BAD)
    assert meets(DONE, state) is (good or state in BAD or state == ExecutionState.CANCELLED)
    if state in LIVE or state == ExecutionState.SKIPPED:
        assert not any(meets(outcome, state) for outcome in DependencyOutcome)


def waits_for(*outcomes: DependencyOutcome) -> list[Wait]:
    return [Wait(upstream=n, outcome=outcome) for n, outcome in enumerate(outcomes)]


@given(
    st.lists(st.sampled_from(DependencyOutcome), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(ExecutionState)), max_size=60),
)
def test_a_job_starts_exactly_when_the_last_of_all_has_come(
    outcomes: list[DependencyOutcome], endings: list[tuple[int, ExecutionState]]
) -> None:
    """Against a plain account: one slot for each wait, emptied together when the last is filled."""
    waits = waits_for(*outcomes)
    slots: list[list[int]] = [[] for _ in outcomes]

    for execution, (upstream, state) in enumerate(endings):
        waits, brought = after_ending(waits, upstream=upstream, execution=execution, state=state)
        if upstream < len(outcomes) and meets(outcomes[upstream], state):
            slots[upstream].append(execution)
        if all(slots):
            assert brought == tuple(slot[0] for slot in slots)
            assert execution in brought, "the last one starts it"
            slots = [[] for _ in outcomes]
        else:
            assert brought == ()
        assert [wait.met_by for wait in waits] == [slot[0] if slot else None for slot in slots]


def test_what_is_left_when_the_missing_one_was_taken_out_starts_at_its_next_ending() -> None:
    met = [Wait(upstream=1, outcome=SUCCESS, met_by=7)]

    _, wrong = after_ending(met, upstream=1, execution=8, state=ExecutionState.FAILED)
    left, brought = after_ending(met, upstream=1, execution=9, state=ExecutionState.SUCCEEDED)

    assert wrong == ()
    assert brought == (7,)
    assert left[0].met_by is None


@pytest.mark.parametrize(
    ("upstreams_of", "wanted", "path"),
    [
        ({}, [2], []),
        ({}, [1], [1, 1]),
        ({2: [1]}, [2], [1, 2, 1]),
        ({2: [3], 3: [1]}, [4, 2], [1, 3, 2, 1]),
        ({2: [3], 3: [4], 4: [5]}, [2, 3], []),
    ],
)
def test_a_circle_is_found_in_the_order_in_which_jobs_start(
    upstreams_of: dict[int, list[int]], wanted: list[int], path: list[int]
) -> None:
    assert circle(upstreams_of, 1, wanted) == path


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=40))
def test_edges_that_are_let_in_one_by_one_never_close_a_circle(
    edges: list[tuple[int, int]],
) -> None:
    graph: dict[int, list[int]] = {}
    for below, above in edges:
        path = circle(graph, below, [above])
        if path:
            steps = list(pairwise(path))
            assert all(up in {*graph.get(down, []), above} for up, down in steps)
        else:
            graph.setdefault(below, []).append(above)

    done: set[int] = set()
    for _ in range(8):
        done |= {one for one in range(8) if set(graph.get(one, [])) <= done}
    assert done == set(range(8)), "everything can start in some order"
