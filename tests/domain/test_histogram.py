"""Histograms: every value has its bucket, quantiles stay near the true ones, sums add up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.histogram import BUCKETS, DURATION_BOUNDS, LATENESS_BOUNDS, Histogram, bucket_of


def test_the_bounds_are_those_that_the_columns_were_made_for() -> None:
    assert BUCKETS == 36
    assert DURATION_BOUNDS[:6] == (0.01, 0.016, 0.025, 0.04, 0.063, 0.1)
    assert DURATION_BOUNDS[-1] == 63_000
    assert LATENESS_BOUNDS[0] == 0.001
    assert [bucket_of(seconds) for seconds in (0, 0.01, 0.0101, 63_000, 10**9)] == [0, 0, 1, 34, 35]


@given(st.lists(st.floats(0.011, 60_000), min_size=1, max_size=60), st.floats(0.01, 1))
def test_a_quantile_is_at_most_one_bucket_from_the_true_one(
    values: list[float], share: float
) -> None:
    found = Histogram.of(values).quantile(share)
    true = sorted(values)[math.ceil(share * len(values) - 1e-9) - 1]

    assert found is not None
    assert true / 1.61 <= found <= true * 1.61
    assert found <= max(values)


def test_quantiles_of_nothing_of_one_and_beyond_the_last_bound() -> None:
    assert Histogram().quantile(0.5) is None
    assert Histogram.of([3.0]).quantile(0.99) == pytest.approx(3.0, rel=0.02)
    assert Histogram.of([90_000.0]).quantile(1) == 90_000
    assert Histogram.of([0.0, 0.0]).quantile(0.5) == 0
    assert Histogram.of([1, 2, 2, 3]).cumulative()[-1] == 4
