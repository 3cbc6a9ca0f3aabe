"""Whether and when a failed attempt is followed by another."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.errors import InvalidError
from jobs.domain.retry import RetryPolicy
from jobs.domain.states import RetryKind

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
