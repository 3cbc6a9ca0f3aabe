"""Which dates an expression names: ends of months, workdays, nth weekdays, and how fields combine."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from jobs.domain.cron import parse_cron
from jobs.domain.cron_days import EPOCH_ORDINAL
from jobs.domain.states import DayMatch


def dates(expression: str, year: int, month: int, day_match: DayMatch = DayMatch.ANY) -> list[int]:
    """Return the days of one month that ``day month weekday`` names."""
    days = parse_cron(f"0 0 {expression}", day_match).days.of_month(year, month)
    return [date.fromordinal(day + EPOCH_ORDINAL).day for day in days]


@pytest.mark.parametrize(
    ("expression", "year", "month", "expected"),
    [
        ("L * *", 2026, 1, [31]),
        ("L * *", 2026, 2, [28]),
        ("L * *", 2028, 2, [29]),
        ("L * *", 2100, 2, [28]),
        ("L-3 * *", 2026, 2, [25]),
        ("L-30 * *", 2026, 1, [1]),
        ("L-30 * *", 2026, 4, []),
        ("L-30 * 1", 2026, 4, [6, 13, 20, 27]),
        ("1,L * *", 2026, 4, [1, 30]),
        # 31 January 2026 is a Saturday, 31 May a Sunday, 30 April a Thursday.
        ("LW * *", 2026, 1, [30]),
        ("LW * *", 2026, 5, [29]),
        ("LW * *", 2026, 4, [30]),
        # 15 August 2026 is a Saturday, 15 November a Sunday.
        ("15W * *", 2026, 8, [14]),
        ("15W * *", 2026, 11, [16]),
        ("15W * *", 2026, 7, [15]),
        # The month is never left: 1 August 2026 is a Saturday, 31 May a Sunday.
        ("1W * *", 2026, 8, [3]),
        ("31W * *", 2026, 5, [29]),
        # Quartz: no 31st, no run.
        ("31W * *", 2026, 4, []),
        ("30W * *", 2026, 2, []),
        ("31 * *", 2026, 4, []),
        ("29 2 *", 2028, 2, [29]),
        ("29 2 *", 2027, 2, []),
        ("29 2 *", 2028, 3, []),
        ("* * 5L", 2026, 7, [31]),
        ("* * friL", 2026, 2, [27]),
        ("* * 0L", 2026, 5, [31]),
        ("* * 7L", 2026, 5, [31]),
        ("* * mon#1", 2026, 6, [1]),
        ("* * mon#2", 2026, 7, [13]),
        ("* * 5#5", 2026, 7, [31]),
        ("* * 5#5", 2026, 6, []),
        ("* * 7#1", 2026, 3, [1]),
        ("* * mon#1,mon#3", 2026, 7, [6, 20]),
        # croniter refuses this mixture of a plain weekday and an nth one.
        ("* * mon#1,fri", 2026, 7, [3, 6, 10, 17, 24, 31]),
        ("*/10 * *", 2026, 2, [1, 11, 21]),
    ],
)
def test_a_month_has_the_named_days(
    expression: str, year: int, month: int, expected: list[int]
) -> None:
    assert dates(expression, year, month) == expected


@pytest.mark.parametrize(
    ("expression", "match_any", "match_all"),
    [
        # March 2026: Fridays are 6, 13, 20 and 27.
        ("13 * 5", [6, 13, 20, 27], [13]),
        ("1-7 * 5", [1, 2, 3, 4, 5, 6, 7, 13, 20, 27], [6]),
        # A field that starts with * restricts together with the other one, in both modes.
        ("* * 5", [6, 13, 20, 27], [6, 13, 20, 27]),
        ("13 * *", [13], [13]),
        ("*/13 * 5", [27], [27]),
        ("6 * */5", [6], [6]),
        ("? * 5", [6, 13, 20, 27], [6, 13, 20, 27]),
        # A whole field that does not start with * is restricted in crontab's eyes.
        ("1-31 * 5", list(range(1, 32)), [6, 13, 20, 27]),
        ("L * 5L", [27, 31], []),
        ("27 * 5L", [27], [27]),
    ],
)
def test_two_restricted_day_fields_combine_as_chosen(
    expression: str, match_any: list[int], match_all: list[int]
) -> None:
    assert dates(expression, 2026, 3) == match_any
    if match_all:
        assert dates(expression, 2026, 3, DayMatch.ALL) == match_all


def test_the_last_day_is_the_last_friday_only_now_and_then() -> None:
    """July 2026 ends with a Friday, March does not."""
    assert dates("L * 5L", 2026, 7, DayMatch.ALL) == [31]
    assert dates("L * 5L", 2026, 3, DayMatch.ALL) == []


@pytest.mark.parametrize(
    "expression",
    ["* * *", "L * *", "29 2 *", "1-5 */2 1", "* * 5#5", "LW,10W 2,8 *", "31 1-3 6L", "*/9 * 3"],
)
def test_search_list_and_count_agree_with_a_walk_day_by_day(expression: str) -> None:
    days = parse_cron(f"0 0 {expression}").days
    start = (date(2023, 11, 17) - date(1970, 1, 1)).days
    end = start + 5 * 366
    walked = [day for day in range(start, end) if days.named(day)]

    assert list(days.within(start, end)) == walked
    assert days.count(start, end) == len(walked)
    for day in range(start, start + 800):
        ahead = [other for other in walked if other >= day]
        behind = [other for other in walked if other <= day]
        if ahead:
            assert days.first_from(day) == ahead[0]
        if behind:
            assert days.last_until(day) == behind[-1]


def test_every_period_of_a_quarter_has_as_many_days_as_a_walk_finds() -> None:
    """Around short months above all: 28, 30 and 31 days."""
    days = parse_cron("0 0 1,L,15 * 1").days
    first = (date(2026, 1, 25) - date(1970, 1, 1)).days
    last = first + 110

    for start in range(first, last):
        walked = 0
        for end in range(start, last):
            assert days.count(start, end) == walked, (start, end)
            walked += days.named(end)


def test_a_rare_date_is_found_over_the_century_that_leaves_it_out() -> None:
    """2100 is no leap year: from 2096 the next 29 February is eight years away."""
    days = parse_cron("0 0 29 2 *").days
    start = (date(2096, 3, 1) - date(1970, 1, 1)).days

    found = days.first_from(start)

    assert found is not None
    assert date(1970, 1, 1) + timedelta(days=found) == date(2104, 2, 29)
