"""Every cron expression of the five seed documents fires as its table says."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest

from jobs.domain.schedule import Schedule, due_between, next_due, zone
from tests.domain.times import cron, steps, utc

# A Wednesday at noon, in the middle of a month.
START = utc("2026-04-15T12:00")


def fires(rule: Schedule, count: int, start: datetime = START) -> list[str]:
    """Return the next due times as the schedule's own clock shows them, with the weekday."""
    shown = zone(rule.timezone)
    return [f"{due.astimezone(shown):%a %Y-%m-%d %H:%M}" for due in steps([rule], start, count)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # S1: the example table and the sample configurations.
        ("0 * * * *", ["Wed 2026-04-15 13:00", "Wed 2026-04-15 14:00"]),
        ("*/15 * * * *", ["Wed 2026-04-15 12:15", "Wed 2026-04-15 12:30"]),
        ("0 2 * * *", ["Thu 2026-04-16 02:00", "Fri 2026-04-17 02:00"]),
        (
            "0 9 * * 1-5",
            ["Thu 2026-04-16 09:00", "Fri 2026-04-17 09:00", "Mon 2026-04-20 09:00"],
        ),
        ("0 0 1 * *", ["Fri 2026-05-01 00:00", "Mon 2026-06-01 00:00"]),
        ("0 6 * * 0", ["Sun 2026-04-19 06:00", "Sun 2026-04-26 06:00"]),
        ("0 6 * * 7", ["Sun 2026-04-19 06:00", "Sun 2026-04-26 06:00"]),
        ("0 1 * * *", ["Thu 2026-04-16 01:00"]),
        ("0 3 * * *", ["Thu 2026-04-16 03:00"]),
        ("0 3 * * 0", ["Sun 2026-04-19 03:00"]),
        ("0 18 * * 1-5", ["Wed 2026-04-15 18:00", "Thu 2026-04-16 18:00"]),
        ("0 10 * * 1-5", ["Thu 2026-04-16 10:00"]),
        ("0 */4 * * *", ["Wed 2026-04-15 16:00", "Wed 2026-04-15 20:00", "Thu 2026-04-16 00:00"]),
        ("0 */2 * * *", ["Wed 2026-04-15 14:00"]),
        ("*/5 * * * *", ["Wed 2026-04-15 12:05"]),
        (
            "0 9 * * 1,3,5",
            ["Fri 2026-04-17 09:00", "Mon 2026-04-20 09:00", "Wed 2026-04-22 09:00"],
        ),
        # Weekdays plus Sunday: Saturday is skipped.
        (
            "0 9 * * 1-5,0",
            ["Thu 2026-04-16 09:00", "Fri 2026-04-17 09:00", "Sun 2026-04-19 09:00"],
        ),
        # S3: the cron reference.
        ("30 0 * * *", ["Thu 2026-04-16 00:30"]),
        ("0 9 * * *", ["Thu 2026-04-16 09:00"]),
        ("0 8 * * 1", ["Mon 2026-04-20 08:00", "Mon 2026-04-27 08:00"]),
        ("0 23 L * *", ["Thu 2026-04-30 23:00", "Sun 2026-05-31 23:00", "Tue 2026-06-30 23:00"]),
        # S4: the five jobs.
        ("* * * * *", ["Wed 2026-04-15 12:01", "Wed 2026-04-15 12:02"]),
        ("59 23 * * *", ["Wed 2026-04-15 23:59"]),
        ("0 2 * * 0", ["Sun 2026-04-19 02:00"]),
    ],
)
def test_an_expression_fires_as_its_table_says(expression: str, expected: list[str]) -> None:
    assert fires(cron(expression), len(expected)) == expected


def test_minutes_one_to_five_and_zero() -> None:
    """S1's mixed list, read as minutes."""
    assert fires(cron("1-5,0 * * * *"), 7) == [
        *(f"Wed 2026-04-15 12:0{minute}" for minute in range(1, 6)),
        "Wed 2026-04-15 13:00",
        "Wed 2026-04-15 13:01",
    ]


def test_the_last_day_is_31_january_and_28_february() -> None:
    """S3's end of the month, in its own zone."""
    rule = cron("0 23 L * *", "Asia/Jakarta")

    assert fires(rule, 3, utc("2026-01-15T00:00")) == [
        "Sat 2026-01-31 23:00",
        "Sat 2026-02-28 23:00",
        "Tue 2026-03-31 23:00",
    ]


def test_jakarta_has_no_dst() -> None:
    """S3: 00:30 WIB is 17:30 UTC all year."""
    due = steps([cron("30 0 * * *", "Asia/Jakarta")], utc("2026-01-01T00:00"), 365)

    assert {f"{moment:%H:%M}" for moment in due} == {"17:30"}


def test_paris_keeps_its_wall_clock_over_both_changes() -> None:
    """S4: a job in Europe/Paris, 23:59 every day, once a day."""
    due = list(
        due_between(
            [cron("59 23 * * *", "Europe/Paris")], utc("2025-12-31T23:00"), utc("2026-12-31T23:00")
        )
    )
    shown = [moment.astimezone(zone("Europe/Paris")) for moment in due]

    assert {f"{moment:%H:%M}" for moment in shown} == {"23:59"}
    assert len({moment.date() for moment in shown}) == len(shown) == 365
    assert {f"{moment:%z}" for moment in shown} == {"+0100", "+0200"}


def test_a_list_of_schedules_fires_whenever_one_matches() -> None:
    """S1: mornings and evenings of workdays, and Sunday afternoon."""
    rules = [cron("0 8 * * 1-5"), cron("0 20 * * 1-5"), cron("0 14 * * 0")]

    week = steps(rules, utc("2026-04-16T12:00"), 6)

    assert [f"{due:%a %H}" for due in week] == [
        "Thu 20",
        "Fri 08",
        "Fri 20",
        "Sun 14",
        "Mon 08",
        "Mon 20",
    ]


def test_two_schedules_that_name_the_same_minute_make_one_due_time() -> None:
    """S1: every six hours, and at midnight."""
    rules = [cron("0 */6 * * *"), cron("0 0 * * *")]

    due = list(due_between(rules, utc("2026-04-15T00:00"), utc("2026-04-17T00:00")))

    assert [f"{moment:%d %H}" for moment in due] == [
        "15 06",
        "15 12",
        "15 18",
        "16 00",
        "16 06",
        "16 12",
        "16 18",
        "17 00",
    ]
    assert all(earlier < later for earlier, later in pairwise(due))


def test_the_next_run_is_the_earliest_of_all_schedules() -> None:
    rules = [cron("0 20 * * *"), cron("0 14 * * *")]

    assert next_due(rules, START) == utc("2026-04-15T14:00")


def test_another_zone_moves_the_next_run() -> None:
    assert next_due([cron("0 9 * * *", "UTC")], START) == utc("2026-04-16T09:00")
    assert next_due([cron("0 9 * * *", "Asia/Seoul")], START) == utc("2026-04-16T00:00")
