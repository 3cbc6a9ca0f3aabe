"""Quiet hours go by the clock of their zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jobs.domain.quiet import clock, quiet_until

NIGHT = {"from": "22:00", "to": "07:00", "timezone": "Europe/Berlin"}


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-11-22T20:59", None),
        ("2026-11-22T21:00", "2026-11-23T06:00"),
        ("2026-11-23T05:59", "2026-11-23T06:00"),
        ("2026-11-23T06:00", None),
        # The night in which the clock goes forward is an hour shorter.
        ("2026-03-28T22:00", "2026-03-29T05:00"),
    ],
)
def test_a_night_ends_by_its_own_clock(at: str, until: str | None) -> None:
    """Issue 7: quiet hours."""
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)

    found = quiet_until(NIGHT, now)

    assert (found and found.isoformat()[:16]) == until
    assert quiet_until({}, now) is None


def test_an_afternoon_is_quiet_and_nonsense_is_refused() -> None:
    """Issue 7: quiet hours within one day."""
    rest = {"from": "13:00", "to": "15:30", "timezone": "UTC"}

    assert quiet_until(rest, datetime(2026, 11, 22, 14, tzinfo=UTC)) == datetime(
        2026, 11, 22, 15, 30, tzinfo=UTC
    )
    assert quiet_until(rest, datetime(2026, 11, 22, 16, tzinfo=UTC)) is None
    for text in ("25:00", "7", "07:0", "ab:cd", ""):
        with pytest.raises(ValueError, match="no time of day"):
            clock(text)
