"""How many runs may start in a minute that slides with the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.starts import MINUTE, minute_of

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
SECONDS = st.lists(st.integers(-130, 130), max_size=8)


def test_a_start_counts_for_sixty_seconds_and_not_a_moment_longer() -> None:
    """S0-101."""
    starts = [NOON, NOON + timedelta(seconds=5)]

    before = minute_of(starts, 2, NOON + timedelta(seconds=59, microseconds=999_999))
    at = minute_of(starts, 2, NOON + MINUTE)

    assert (before.free, before.opens_at) == (0, NOON + MINUTE)
    assert (at.free, at.opens_at) == (1, None)
    # Lowered to one: the younger of both must be over, too.
    assert minute_of(starts, 1, NOON + MINUTE).opens_at == starts[1] + MINUTE
    assert minute_of([], 2, NOON).free == 2


@settings(max_examples=40, deadline=None)
@given(seconds=SECONDS, per_minute=st.integers(1, 5))
def test_when_it_opens_one_is_free_and_not_before_whatever_the_clock_did(
    seconds: list[int], per_minute: int
) -> None:
    """S0-101: a clock that was set back leaves starts yet to come; they block for two minutes at most."""
    starts = [NOON + timedelta(seconds=second) for second in seconds]

    now = minute_of(starts, per_minute, NOON)

    if now.opens_at is None:
        assert now.free > 0
        assert now.opens_in(NOON) is None
        return
    assert now.free == 0
    assert NOON < now.opens_at <= NOON + 2 * MINUTE
    counted = [at for at in starts if NOON - MINUTE < at <= NOON + MINUTE]
    assert minute_of(counted, per_minute, now.opens_at).free >= 1
    just_before = now.opens_at - timedelta(microseconds=1)
    assert minute_of(counted, per_minute, max(just_before, NOON)).free == 0
