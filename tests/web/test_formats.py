"""Durations, moments and numbers in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from jobs.web import formats

NOW = datetime(2026, 11, 23, 13, 32, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "—"),
        (0, "0.0 s"),
        (0.04, "0.04 s"),
        (0.8, "0.8 s"),
        (59.94, "59.9 s"),
        (59.96, "1 m 00 s"),
        (228, "3 m 48 s"),
        (2468, "41 m 08 s"),
        (3599.6, "1 h"),
        (6180, "1 h 43 min"),
        (50_000, "13 h 53 min"),
        (183_600, "2 d 3 h"),
    ],
)
def test_a_measured_time(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "0.5 s"),
        (60, "60 s"),
        (90, "90 s"),
        (150, "150 s"),
        (1800, "30 min"),
        (5400, "1 h 30 min"),
        (86400, "1 d"),
    ],
)
def test_a_configured_time(seconds: float, text: str) -> None:
    assert formats.setting(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (8, "in 8 s"),
        (-8, "8 s ago"),
        (180, "in 3 min"),
        (6180, "in 1 h 43 min"),
        (7200, "in 2 h"),
        (-72_000, "20 h ago"),
        (-270_000, "3 d ago"),
    ],
)
def test_a_distance_from_now(seconds: int, text: str) -> None:
    assert formats.relative(NOW + timedelta(seconds=seconds), NOW) == text


def test_a_clock_names_only_what_differs_from_today() -> None:
    jakarta = ZoneInfo("Asia/Jakarta")

    assert formats.clock(NOW, NOW, jakarta) == "20:32:00"
    assert formats.clock(NOW + timedelta(hours=5), NOW, jakarta) == "Tue 24 Nov 01:32"
    assert formats.clock(NOW + timedelta(days=60), NOW, jakarta) == "Fri 22 Jan 2027 20:32"


def test_the_exact_moment_names_offset_and_zone() -> None:
    exact = formats.exact(NOW, ZoneInfo("Europe/Paris"))

    assert exact == "2026-11-23T14:32:00.000+01:00 Europe/Paris"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "—"),
        (1, "100\u202f%"),
        (0, "0\u202f%"),
        (0.979, "97.9\u202f%"),
        (0.99999, "99.9\u202f%"),
    ],
)
def test_a_share(share: float | None, text: str) -> None:
    assert formats.percent(share) == text


def test_numbers_are_grouped() -> None:
    assert formats.count(1438) == "1\u202f438"
    assert formats.figure(1234.5) == "1234.5"


def test_a_reader_who_writes_a_comma_groups_by_points() -> None:
    with translation.override("id"):
        assert (formats.count(999), formats.count(1438)) == ("999", "1.438")
        assert formats.count(1234567) == "1.234.567"
        assert (formats.figure(12000), formats.figure(1234.5)) == ("12.000", "1234,5")


@pytest.mark.parametrize(
    ("value", "text"),
    [(512, "512 B"), (4200, "4.2 kB"), (999_960, "1.0 MB"), (2_500_000_000, "2.5 GB")],
)
def test_sizes(value: int, text: str) -> None:
    assert formats.size(value) == text
