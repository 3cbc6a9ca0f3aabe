"""A shifted expression names the same wall times, some minutes later."""

from __future__ import annotations

import pytest

from jobs.domain.cron import DAY_SECONDS, parse_cron
from jobs.domain.errors import InvalidError
from jobs.domain.shifting import shifted
from jobs.domain.states import SecondsPosition

START = 20_000 * DAY_SECONDS
END = START + 70 * DAY_SECONDS


@pytest.mark.parametrize("minutes", [-10_000, -1441, -61, -60, -20, 0, 5, 15, 60, 90, 1440, 2880])
@pytest.mark.parametrize(
    "text",
    [
        "30 2 * * *",
        "0,30 * * * *",
        "*/15 * * * *",
        "5 0-23/2 * * *",
        "0 9-17 * * mon-fri",
        "50 23 * * fri-sun",
        "55 23 1 * *",
        "0 6 * * 1#2",
        "10 4 15 3 *",
        "0 */6 * * *",
        "@daily",
        "@hourly",
        "* 5 * * *",
        "20 1 * * * 30",
    ],
)
def test_every_time_moves_or_the_shift_is_refused(text: str, minutes: int) -> None:
    try:
        moved = shifted(text, minutes)
    except InvalidError:
        moved = ""
    if not moved:
        # What lies in one hour of every day can move by anything.
        assert text not in ("30 2 * * *", "@daily", "@hourly", "20 1 * * * 30", "0,30 * * * *")
        return

    before = parse_cron(text).between(START, END)
    after = parse_cron(moved).between(START + minutes * 60, END + minutes * 60)
    assert after == [one + minutes * 60 for one in before]


@pytest.mark.parametrize(
    ("text", "minutes", "expected"),
    [
        ("30 2 * * *", 15, "45 2 * * *"),
        ("50 23 * * mon-fri", 20, "10 0 * * 2-6"),
        ("10 0 * * *", -20, "50 23 * * *"),
        ("*/30 * * * *", 7, "7,37 * * * *"),
        ("@daily", 90, "30 1 * * *"),
        ("0 9-17 * * 1-5", 60, "0 10-18 * * 1-5"),
        ("0 0 * * sun", -1, "59 23 * * 6"),
    ],
)
def test_what_comes_out(text: str, minutes: int, expected: str) -> None:
    assert shifted(text, minutes) == expected


@pytest.mark.parametrize(
    ("text", "minutes", "why"),
    [
        ("0,50 9 * * *", 15, "cross an hour"),
        ("0 12,23 * * *", 60, "cross midnight"),
        ("50 23 1 * *", 20, "names dates"),
        ("50 23 * * 1#2", 20, "counts the weekdays"),
        ("0 9 * * *", 99_999, "too many"),
    ],
)
def test_what_one_expression_cannot_say_is_refused(text: str, minutes: int, why: str) -> None:
    with pytest.raises(InvalidError, match=why):
        shifted(text, minutes)


def test_seconds_stay_where_they_stand() -> None:
    assert shifted("30 0 9 * * *", 5, seconds_position=SecondsPosition.FIRST) == "30 5 9 * * *"
    assert shifted("0 9 * * * 30", 5) == "5 9 * * * 30"
