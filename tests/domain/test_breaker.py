"""The circuit breaker: its table of states, and what holds whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.breaker import BreakerPolicy, Circuit, admit, closed, ended, is_over, opened, room
from jobs.domain.errors import InvalidError
from jobs.domain.states import FAILURES, BreakerState, ExecutionState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
POLICY = BreakerPolicy(threshold=3)
CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
GOOD, BAD = ExecutionState.SUCCEEDED, ExecutionState.FAILED


def after(seconds: float) -> datetime:
    """Return a moment of the day."""
    return NOON + timedelta(seconds=seconds)


def end(circuit: Circuit, state: ExecutionState, seconds: float, *, execution: int = 1) -> Circuit:
    """Let an execution end."""
    return ended(circuit, POLICY, execution=execution, state=state, at=after(seconds))


def row_of(*endings: tuple[ExecutionState, float]) -> Circuit:
    """Return a breaker after endings, each a state and a second."""
    circuit = Circuit()
    for state, seconds in endings:
        circuit = end(circuit, state, seconds)
    return circuit


def standing(state: BreakerState) -> Circuit:
    """Return a breaker in a state, with two failures before."""
    circuit = Circuit(failures=(after(-2), after(-1)), after=5)
    if state == CLOSED:
        return circuit
    return replace(opened(circuit, POLICY, NOON), state=state)


TIMED_OUT, LOST = ExecutionState.TIMED_OUT, ExecutionState.LOST
CANCELLED, SKIPPED = ExecutionState.CANCELLED, ExecutionState.SKIPPED


@pytest.mark.parametrize(
    ("endings", "state"),
    [
        ([], CLOSED),
        ([(BAD, 0), (BAD, 1)], CLOSED),
        ([(BAD, 0), (BAD, 1), (BAD, 2)], OPEN),
        ([(BAD, 0), (TIMED_OUT, 1), (LOST, 2)], OPEN),
        ([(BAD, 0), (BAD, 1), (GOOD, 2), (BAD, 3), (BAD, 4)], CLOSED),  # a success starts anew
        ([(BAD, 0), (CANCELLED, 1), (BAD, 2), (SKIPPED, 3), (BAD, 4)], OPEN),
        ([(BAD, 0), (BAD, 30), (BAD, 60)], OPEN),  # the window's edge belongs to it
        ([(BAD, 0), (BAD, 30), (BAD, 60.001)], CLOSED),
        ([(BAD, 0), (BAD, 30), (BAD, 61), (BAD, 62)], OPEN),
        ([(BAD, 0), (BAD, 1), (BAD, -3600)], CLOSED),  # the clock went back
    ],
)
def test_failures_in_a_row_within_the_window_open_it(
    endings: list[tuple[ExecutionState, float]], state: BreakerState
) -> None:
    assert row_of(*endings).state == state


@pytest.mark.parametrize(
    ("before", "state", "execution", "then"),
    [
        (CLOSED, BAD, 6, OPEN),
        (CLOSED, BAD, 5, CLOSED),  # made before the last change
        (CLOSED, GOOD, 6, CLOSED),
        (OPEN, BAD, 6, OPEN),
        (OPEN, GOOD, 6, OPEN),  # only its time opens the way for a test
        (HALF_OPEN, GOOD, 6, CLOSED),
        (HALF_OPEN, BAD, 6, OPEN),
        (HALF_OPEN, TIMED_OUT, 6, OPEN),
        (HALF_OPEN, LOST, 6, OPEN),
        (HALF_OPEN, CANCELLED, 6, HALF_OPEN),
        (HALF_OPEN, SKIPPED, 6, HALF_OPEN),
        (HALF_OPEN, GOOD, 5, HALF_OPEN),  # made before it was half open: no test run
        (HALF_OPEN, BAD, 5, HALF_OPEN),
    ],
)
def test_each_state_and_each_ending(
    before: BreakerState, state: ExecutionState, execution: int, then: BreakerState
) -> None:
    assert end(standing(before), state, 0, execution=execution).state == then


def test_it_is_open_for_its_open_time_and_again_after_a_failed_test() -> None:
    first = end(standing(CLOSED), BAD, 0, execution=6)
    again = end(admit(first, after(300)), BAD, 310, execution=7)

    assert (first.opened_at, first.open_until) == (NOON, after(300))
    assert (again.opened_at, again.open_until) == (after(310), after(610))


@pytest.mark.parametrize(
    ("seconds", "over"), [(0, False), (299.999, False), (300, True), (9999, True)]
)
def test_it_tests_when_its_open_time_is_over(seconds: float, over: bool) -> None:
    """S4-42."""
    circuit = standing(OPEN)

    assert is_over(circuit, after(seconds)) is over
    assert admit(circuit, after(seconds)).state == (HALF_OPEN if over else OPEN)


@pytest.mark.parametrize(
    ("state", "probing", "left"),
    [(CLOSED, 0, None), (CLOSED, 9, None), (OPEN, 0, 0), (HALF_OPEN, 0, 2), (HALF_OPEN, 1, 1),
     (HALF_OPEN, 2, 0), (HALF_OPEN, 3, 0)],
)  # fmt: skip
def test_what_may_begin(state: BreakerState, probing: int, left: int | None) -> None:
    assert room(standing(state), BreakerPolicy(half_open_probes=2), probing=probing) == left


def test_closing_by_hand_starts_anew_and_keeps_what_was_held_back() -> None:
    circuit = closed(standing(OPEN), after(10))

    assert circuit.state == CLOSED
    assert circuit.failures == ()
    assert (circuit.opened_at, circuit.open_until) == (NOON, after(10))


def test_closing_after_the_open_time_does_not_make_it_longer() -> None:
    assert closed(standing(HALF_OPEN), after(900)).open_until == after(300)


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0},
        {"half_open_probes": 0},
        {"window": timedelta()},
        {"open_for": timedelta(seconds=-1)},
    ],
)
def test_settings_that_make_no_breaker_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidError, match="out of bounds"):
        BreakerPolicy(**wrong)  # type: ignore[arg-type]  # one of four


ENDINGS = st.lists(
    st.tuples(st.sampled_from(ExecutionState), st.floats(0, 100)).filter(
        lambda one: one[0] not in {ExecutionState.QUEUED, ExecutionState.RUNNING}
    ),
    max_size=40,
)


@given(endings=ENDINGS, threshold=st.integers(1, 6))
def test_it_opens_exactly_at_the_first_row_of_failures_within_the_window(
    endings: list[tuple[ExecutionState, float]], threshold: int
) -> None:
    policy = BreakerPolicy(threshold=threshold)
    circuit, expected = Circuit(), CLOSED
    in_a_row: list[datetime] = []
    at = NOON

    for state, pause in endings:
        at += timedelta(seconds=pause)
        circuit = ended(circuit, policy, execution=1, state=state, at=at)
        if state == GOOD:
            in_a_row = []
        elif state in FAILURES:
            in_a_row.append(at)
        recent = [one for one in in_a_row if at - one <= policy.window]
        if len(recent) >= threshold:
            expected = OPEN
        assert circuit.state == expected
        assert len(circuit.failures) <= threshold
        if expected == OPEN:
            break


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["good", "bad", "due", "close", "trip"]), st.floats(0, 400)),
        max_size=60,
    )
)
def test_whatever_happens_it_never_stays_open_for_ever(steps: list[tuple[str, float]]) -> None:
    circuit, at = Circuit(), NOON

    for execution, (what, pause) in enumerate(steps, start=1):
        at += timedelta(seconds=pause)
        before = circuit
        if what == "due":
            circuit = admit(circuit, at)
        elif what == "close":
            circuit = closed(circuit, at)
        elif what == "trip":
            circuit = opened(circuit, POLICY, at)
        else:
            state = GOOD if what == "good" else BAD
            circuit = ended(circuit, POLICY, execution=execution, state=state, at=at)
        if before.state == OPEN and circuit.state == CLOSED:
            assert what == "close", "only a person closes what has not been tested"
        if before.state == OPEN and circuit.state == HALF_OPEN:
            assert before.open_until is not None
            assert at >= before.open_until
        if circuit.state == OPEN:
            assert circuit.open_until is not None
            assert circuit.open_until <= at + POLICY.open_for

    later = admit(circuit, at + POLICY.open_for)
    assert room(later, POLICY, probing=0) != 0
    assert ended(later, POLICY, execution=10**9, state=GOOD, at=at).state == CLOSED
