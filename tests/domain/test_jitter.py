"""Starts are moved apart: bounded, reproducible, and never early."""

from __future__ import annotations

from datetime import timedelta, timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.jitter import delay
from tests.domain.times import utc

DUE = utc("2026-03-01T12:00")
TWO_MINUTES = timedelta(minutes=2)


@settings(max_examples=50)
@given(st.text(), st.integers(0, 10**9), st.integers(0, 86_400))
def test_a_delay_is_bounded_and_the_same_again(seed: str, offset: int, longest: int) -> None:
    due_at = DUE + timedelta(seconds=offset)
    jitter = timedelta(seconds=longest)

    first = delay(seed, due_at, jitter=jitter)

    assert timedelta() <= first <= jitter
    assert delay(seed, due_at, jitter=jitter) == first


def test_the_offset_in_which_a_due_time_is_written_does_not_matter() -> None:
    here = DUE.astimezone(timezone(timedelta(hours=7)))

    assert delay("job", here, jitter=TWO_MINUTES) == delay("job", DUE, jitter=TWO_MINUTES)


def test_no_jitter_is_no_delay() -> None:
    assert delay("job", DUE) == timedelta()


def test_jitter_is_drawn_anew_for_each_due_time() -> None:
    """S2: five minutes and two minutes of jitter make five to seven minutes, not always the same."""
    dues = [DUE + n * timedelta(minutes=5) for n in range(200)]

    delays = [delay("telemetry", due, jitter=TWO_MINUTES) for due in dues]

    assert len(set(delays)) == 200
    assert min(delays) < timedelta(seconds=10)
    assert max(delays) > timedelta(seconds=110)


def test_spread_is_the_same_for_each_due_time_of_a_job() -> None:
    dues = [DUE + n * timedelta(minutes=5) for n in range(20)]

    assert len({delay("job", due, spread=TWO_MINUTES) for due in dues}) == 1


def test_jobs_with_the_same_schedule_are_spread_evenly() -> None:
    delays = sorted(delay(f"job {n}", DUE, spread=timedelta(hours=1)) for n in range(400))

    quarters = [sum(delay < (n + 1) * timedelta(minutes=15) for delay in delays) for n in range(4)]
    assert all(abs(count - 100 * (n + 1)) < 40 for n, count in enumerate(quarters))


def test_the_delay_does_not_depend_on_the_version_of_python() -> None:
    """A fixed value: a change of it would move every start of every installation."""
    assert delay("job", DUE, jitter=TWO_MINUTES) == timedelta(seconds=42, microseconds=486_790)
