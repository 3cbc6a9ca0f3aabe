"""Whether and when a failed attempt is followed by another."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.errors import InvalidError
from jobs.domain.retry import RetryPolicy, cause_of
from jobs.domain.states import FAILURES, ExecutionState, RetryCause, RetryKind

RNG = random.Random(7)


def waits(policy: RetryPolicy) -> list[float | None]:
    """Return the wait in seconds after each attempt, up to the one that ends it."""
    found = [policy.delay_after(attempt, RNG) for attempt in range(1, policy.max_attempts + 1)]
    return [None if wait is None else wait.total_seconds() for wait in found]


def test_one_attempt_means_no_retry() -> None:
    assert waits(RetryPolicy()) == [None]


def test_a_fixed_wait_stays_the_same() -> None:
    policy = RetryPolicy(max_attempts=4, base=timedelta(seconds=60))

    assert waits(policy) == [60, 60, 60, None]


def test_an_exponential_wait_doubles_up_to_the_cap() -> None:
    """S4-85, S2-59: delays double, capped."""
    policy = RetryPolicy(
        max_attempts=6,
        kind=RetryKind.EXPONENTIAL,
        base=timedelta(seconds=5),
        cap=timedelta(seconds=30),
    )

    assert waits(policy) == [5, 10, 20, 30, 30, None]


def test_a_hundred_attempts_do_not_overflow() -> None:
    policy = RetryPolicy(
        max_attempts=2000,
        kind=RetryKind.EXPONENTIAL,
        base=timedelta(seconds=1),
        cap=timedelta(days=36_500),
    )

    assert policy.delay_after(1999, RNG) == timedelta(days=36_500)


def test_an_exponential_wait_of_nothing_stays_nothing() -> None:
    policy = RetryPolicy(max_attempts=3, kind=RetryKind.EXPONENTIAL, base=timedelta())

    assert waits(policy) == [0, 0, None]


def test_the_wait_is_the_same_for_the_same_random_source() -> None:
    policy = RetryPolicy(max_attempts=3, jitter=timedelta(seconds=30))

    assert policy.delay_after(1, random.Random(3)) == policy.delay_after(1, random.Random(3))
    assert policy.delay_after(1, random.Random(3)) != policy.delay_after(1, random.Random(4))


@given(
    attempt=st.integers(1, 99),
    kind=st.sampled_from(RetryKind),
    base=st.timedeltas(timedelta(), timedelta(days=1)),
    cap=st.timedeltas(timedelta(), timedelta(days=1)),
    jitter=st.timedeltas(timedelta(), timedelta(hours=1)),
    seed=st.integers(),
)
def test_a_wait_is_bounded_and_never_shrinks(
    attempt: int,
    kind: RetryKind,
    base: timedelta,
    cap: timedelta,
    jitter: timedelta,
    seed: int,
) -> None:
    policy = RetryPolicy(max_attempts=200, kind=kind, base=base, cap=cap, jitter=jitter)
    plain = RetryPolicy(max_attempts=200, kind=kind, base=base, cap=cap)

    wait = policy.delay_after(attempt, random.Random(seed))
    now, later = plain.delay_after(attempt, RNG), plain.delay_after(attempt + 1, RNG)

    assert wait is not None
    assert now is not None
    assert later is not None
    assert min(base, cap) <= now <= later <= cap
    assert now <= wait <= now + jitter


@pytest.mark.parametrize("field", ["base", "cap", "jitter"])
def test_a_negative_wait_is_refused(field: str) -> None:
    with pytest.raises(InvalidError, match=f"{field} -1 s is negative"):
        RetryPolicy(**{field: timedelta(seconds=-1)})  # type: ignore[arg-type]  # one of three


def test_zero_attempts_are_refused() -> None:
    with pytest.raises(InvalidError, match="max_attempts 0 is out of bounds"):
        RetryPolicy(max_attempts=0)


FAILED, TIMED_OUT, LOST = ExecutionState.FAILED, ExecutionState.TIMED_OUT, ExecutionState.LOST
EXIT_CODE, SIGNAL, TIMEOUT, ERROR = RetryCause


@pytest.mark.parametrize(
    ("state", "exit_code", "signal", "cause"),
    [
        (FAILED, 3, None, EXIT_CODE),
        (FAILED, 137, None, EXIT_CODE),  # a shell's word for its child's signal
        (FAILED, None, 9, SIGNAL),
        (FAILED, None, None, ERROR),
        (FAILED, 127, None, EXIT_CODE),
        (TIMED_OUT, None, 15, TIMEOUT),
        (TIMED_OUT, 3, None, TIMEOUT),
    ],
)
def test_how_an_attempt_failed(
    state: ExecutionState, exit_code: int | None, signal: int | None, cause: RetryCause
) -> None:
    assert cause_of(state, exit_code=exit_code, signal=signal) == cause


@pytest.mark.parametrize(
    ("on", "codes", "tried_again"),
    [
        # Of: exit 3, exit 75, signal 9, a timeout that left exit 75, no start at all.
        (None, None, "yes yes yes yes yes"),
        (None, {75}, "no yes no no no"),
        ({EXIT_CODE}, None, "yes yes no no no"),
        ({EXIT_CODE}, {75}, "no yes no no no"),
        ({TIMEOUT}, None, "no no no yes no"),
        ({SIGNAL, ERROR}, None, "no no yes no yes"),
        ({EXIT_CODE, TIMEOUT}, {75}, "no yes no yes no"),
    ],
)
def test_which_failures_are_tried_again(
    on: set[RetryCause] | None, codes: set[int] | None, tried_again: str
) -> None:
    policy = RetryPolicy(
        on=None if on is None else frozenset(on),
        on_exit_codes=None if codes is None else frozenset(codes),
    )

    answers = [
        policy.covers(FAILED, exit_code=3),
        policy.covers(FAILED, exit_code=75),
        policy.covers(FAILED, signal=9),
        policy.covers(TIMED_OUT, exit_code=75),
        policy.covers(FAILED),
    ]

    assert ["yes" if one else "no" for one in answers] == tried_again.split()


@pytest.mark.parametrize("lost", [True, False])
def test_a_lost_attempt_is_a_choice_of_its_own(lost: bool) -> None:
    assert RetryPolicy(lost=lost).covers(LOST) is lost
    assert RetryPolicy(lost=lost, on=frozenset({TIMEOUT})).covers(LOST) is lost


@given(
    state=st.sampled_from([one for one in ExecutionState if one not in FAILURES]),
    on=st.none() | st.frozensets(st.sampled_from(RetryCause), min_size=1),
    exit_code=st.none() | st.integers(0, 255),
)
def test_what_did_not_fail_is_never_tried_again(
    state: ExecutionState, on: frozenset[RetryCause] | None, exit_code: int | None
) -> None:
    assert not RetryPolicy(on=on, lost=True).covers(state, exit_code=exit_code)


@given(
    on=st.none() | st.frozensets(st.sampled_from(RetryCause), min_size=1),
    codes=st.none() | st.frozensets(st.integers(1, 255), min_size=1),
    exit_code=st.none() | st.integers(1, 255),
    signal=st.none() | st.integers(1, 64),
    state=st.sampled_from([FAILED, TIMED_OUT]),
)
def test_exit_codes_only_narrow_what_the_causes_allow(
    on: frozenset[RetryCause] | None,
    codes: frozenset[int] | None,
    exit_code: int | None,
    signal: int | None,
    state: ExecutionState,
) -> None:
    if codes is not None and on is not None:
        on |= {EXIT_CODE}

    narrowed = RetryPolicy(on=on, on_exit_codes=codes).covers(
        state, exit_code=exit_code, signal=signal
    )

    if narrowed:
        assert RetryPolicy(on=on).covers(state, exit_code=exit_code, signal=signal)
        if codes and cause_of(state, exit_code=exit_code, signal=signal) == EXIT_CODE:
            assert exit_code in codes


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"on": frozenset()}, "on is empty"),
        ({"on_exit_codes": frozenset()}, "on_exit_codes is empty"),
        ({"on_exit_codes": frozenset({0})}, "Exit code 0 is not allowed"),
        ({"on_exit_codes": frozenset({3, 256})}, "Exit code 256 is not allowed"),
        ({"on": frozenset({TIMEOUT}), "on_exit_codes": frozenset({3})}, "needs exit_code"),
    ],
)
def test_conditions_that_nothing_meets_are_refused(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(InvalidError, match=words):
        RetryPolicy(**wrong)  # type: ignore[arg-type]  # one of two
