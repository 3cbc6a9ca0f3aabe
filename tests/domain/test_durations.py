"""Durations as a person writes and reads them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.durations import format_duration, humanize, parse_duration, setting_words
from jobs.domain.errors import DurationError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("1d", 86_400),
        ("1w", 604_800),
        ("90", 90),
        ("0", 0),
        ("1.5", 1.5),
        ("1.5h", 5400),
        ("1d 12h", 129_600),
        ("5 min", 300),
        ("10 sec", 10),
        ("5 minutes", 300),
        ("1 hour 30 minutes", 5400),
        ("2 days", 172_800),
        (" 30m ", 1800),
        ("1h0m5s", 3605),
        ("PT30M", 1800),
        ("PT1H30M", 5400),
        ("P1DT12H", 129_600),
        ("P2W", 1_209_600),
        ("PT0.5S", 0.5),
        (30, 30),
        (0.25, 0.25),
    ],
)
def test_a_duration_is_read(text: str | float, seconds: float) -> None:
    """S2-46: 5m, 2m, 30s, 1h, 24h."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1M", "M could be minutes or months. Use m for minutes."),
        ("-5m", "-5m is negative."),
        (-1, "-1 is negative."),
        ("", "A duration is missing."),
        ("5x", "the unit x does not exist. Use w, d, h, m, s, ms."),
        ("5H", "the unit H does not exist."),
        ("h", "h is not a duration. Use seconds, or a form like 30s"),
        ("30m1h", "name each unit once, the largest first"),
        ("1h1h", "name each unit once"),
        ("1h30", "1h30 is not a duration."),
        ("1:30", "1:30 is not a duration."),
        ("1e3", "the unit e does not exist."),
        ("٣s", "is not a duration."),
        ("P", "ISO durations have weeks, days, hours"),
        ("PT", "ISO durations have"),
        ("P1DT", "ISO durations have"),
        ("P1M", "ISO durations have"),
        ("P1Y", "ISO durations have"),
        ("999999d", "999999d is too long. Use at most 36500d."),
        (float("nan"), "nan s is not a length of time."),
        (float("inf"), "inf s is not a length of time."),
        (True, "True is not a duration."),
        ("1" * 5000, "..."),
    ],
)
def test_a_wrong_duration_says_what_is_allowed(text: str | float, message: str) -> None:
    with pytest.raises(DurationError) as caught:
        parse_duration(text)

    assert message in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (timedelta(), "0s"),
        (timedelta(minutes=30), "30m"),
        (timedelta(seconds=5400), "1h30m"),
        (timedelta(milliseconds=500), "500ms"),
        (timedelta(days=1), "1d"),
        (timedelta(seconds=90), "1m30s"),
        (timedelta(seconds=1.5), "1s500ms"),
        (timedelta(microseconds=1_000_250), "1.00025s"),
    ],
)
def test_a_duration_has_one_canonical_text(duration: timedelta, text: str) -> None:
    assert format_duration(duration) == text


@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=36_500)))
def test_the_canonical_text_reads_back_as_the_same_duration(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


def test_a_negative_duration_has_no_text() -> None:
    with pytest.raises(DurationError, match="negative"):
        format_duration(timedelta(seconds=-1))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.04, "40 ms"),
        (0.8, "0.8 s"),
        (15.24, "15.2 s"),
        (59.94, "59.9 s"),
        (59.96, "1 m 00 s"),
        (228, "3 m 48 s"),
        (2282, "38 m 02 s"),
        (3599.7, "1 h 0 min"),
        (6180, "1 h 43 min"),
        (86_399, "23 h 59 min"),
        (187_200, "2 d 4 h"),
        (-228, "-3 m 48 s"),
    ],
)
def test_a_measured_duration_is_shown_with_the_two_parts_that_matter(
    seconds: float, text: str
) -> None:
    assert humanize(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.5, "0.5 s"), (60, "60 s"), (90, "90 s"), (600, "10 min"), (3600, "1 h"), (3601, "3601 s"),
     (5400, "1 h 30 min"), (180_000, "2 d 2 h")],
)  # fmt: skip
def test_a_configured_duration_reads_as_it_was_set(seconds: float, words: str) -> None:
    assert setting_words(seconds) == words
