"""What is advised against a job that registers cloud resources."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.domain.tumblebug import Concern, concerns


@pytest.mark.parametrize(
    ("connection", "name", "seconds", "beside", "found"),
    [
        ("", "default", 10, 0, [Concern.OVERLOAD]),
        ("", "default", 60, 0, [Concern.OVERLOAD]),
        ("", "default", 299, 0, [Concern.OVERLOAD]),
        ("", "default", 300, 0, [Concern.SHORT_FOR_ALL]),
        ("", "default", 1799, 0, [Concern.SHORT_FOR_ALL]),
        ("", "default", 1800, 0, []),
        ("aws", "default", 599, 0, [Concern.SHORT_FOR_ONE]),
        ("aws", "default", 600, 0, []),
        ("aws", "aws-kr-PROD", 1799, 0, [Concern.SHORT_FOR_PRODUCTION]),
        ("aws", "production", 1800, 0, []),
        ("aws", "default", None, 99, []),
        ("aws", "default", None, 100, [Concern.CROWDED_NAMESPACE]),
        ("", "default", 10, 100, [Concern.OVERLOAD, Concern.CROWDED_NAMESPACE]),
    ],
)
def test_the_guide_s_least_intervals_and_most_jobs_are_the_limits(
    connection: str, name: str, seconds: int | None, beside: int, found: list[Concern]
) -> None:
    """S0-140, S0-141, S0-143: warnings begin exactly below the advised figures."""
    interval = None if seconds is None else timedelta(seconds=seconds)

    assert (
        concerns(connection=connection, names=("x", name), interval=interval, jobs_beside=beside)
        == found
    )
