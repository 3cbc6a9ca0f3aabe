"""Every cron expression of the five seed documents fires as its table says."""

from __future__ import annotations

import inspect
import sys
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from jobs.domain.planned import planned
from jobs.domain.schedule import Schedule, due_between, next_due, start_at, zone
from jobs.domain.states import Anchor, ScheduleKind
from tests.domain.times import cron, steps, utc

# A Wednesday at noon, in the middle of a month.
START = utc("2026-04-15T12:00")


def fires(rule: Schedule, count: int, start: datetime = START) -> list[str]:
    """Return the next due times as the schedule's own clock shows them, with the weekday."""
    shown = zone(rule.timezone)
    return [f"{due.astimezone(shown):%a %Y-%m-%d %H:%M}" for due in steps([rule], start, count)]


EVERY_4H = ["Wed 2026-04-15 16:00", "Wed 2026-04-15 20:00", "Thu 2026-04-16 00:00"]
SUNDAYS_AT_6 = ["Sun 2026-04-19 06:00", "Sun 2026-04-26 06:00"]
MONDAYS_AT_8 = ["Mon 2026-04-20 08:00", "Mon 2026-04-27 08:00"]
LAST_DAYS = ["Thu 2026-04-30 23:00", "Sun 2026-05-31 23:00", "Tue 2026-06-30 23:00"]


@pytest.mark.parametrize(
    ("row", "expression", "expected"),
    [
        # The place in REQUIREMENTS, or the line of the seed's text where there is no row of its own.
        ("S1-73 table", "0 * * * *", ["Wed 2026-04-15 13:00", "Wed 2026-04-15 14:00"]),
        ("S1-76 table", "*/15 * * * *", ["Wed 2026-04-15 12:15", "Wed 2026-04-15 12:30"]),
        ("S1-73 table", "0 2 * * *", ["Thu 2026-04-16 02:00", "Fri 2026-04-17 02:00"]),
        (
            "S1-73 table",
            "0 9 * * 1-5",
            ["Thu 2026-04-16 09:00", "Fri 2026-04-17 09:00", "Mon 2026-04-20 09:00"],
        ),
        ("S1-73 table", "0 0 1 * *", ["Fri 2026-05-01 00:00", "Mon 2026-06-01 00:00"]),
        ("S1-73 table", "0 6 * * 0", SUNDAYS_AT_6),
        ("S1-73 weekday 7", "0 6 * * 7", SUNDAYS_AT_6),
        ("S1 line 50", "0 1 * * *", ["Thu 2026-04-16 01:00"]),
        ("S1 line 324", "0 3 * * *", ["Thu 2026-04-16 03:00"]),
        ("S1 line 182", "0 3 * * 0", ["Sun 2026-04-19 03:00"]),
        ("S1-46 deploy", "0 9 * * 1-5", ["Thu 2026-04-16 09:00"]),
        ("S1-47 destroy", "0 18 * * 1-5", ["Wed 2026-04-15 18:00", "Thu 2026-04-16 18:00"]),
        ("S1 line 101", "0 10 * * 1-5", ["Thu 2026-04-16 10:00"]),
        ("S1 line 110", "0 */4 * * *", EVERY_4H),
        ("S1 line 383", "0 */2 * * *", ["Wed 2026-04-15 14:00"]),
        ("S1 line 352", "*/5 * * * *", ["Wed 2026-04-15 12:05"]),
        (
            "S1-75 list",
            "0 9 * * 1,3,5",
            ["Fri 2026-04-17 09:00", "Mon 2026-04-20 09:00", "Wed 2026-04-22 09:00"],
        ),
        # Weekdays plus Sunday: Saturday is skipped.
        (
            "S1-77",
            "0 9 * * 1-5,0",
            ["Thu 2026-04-16 09:00", "Fri 2026-04-17 09:00", "Sun 2026-04-19 09:00"],
        ),
        ("S2-42", "0 2 * * *", ["Thu 2026-04-16 02:00", "Fri 2026-04-17 02:00"]),
        ("S3 line 80", "0 9 * * *", ["Thu 2026-04-16 09:00"]),
        ("S3 line 153", "30 0 * * *", ["Thu 2026-04-16 00:30"]),
        ("S3 line 154", "0 9 * * *", ["Thu 2026-04-16 09:00"]),
        ("S3-21", "0 8 * * 1", MONDAYS_AT_8),
        ("S3 line 156", "0 * * * *", ["Wed 2026-04-15 13:00", "Wed 2026-04-15 14:00"]),
        ("S3 line 157", "*/15 * * * *", ["Wed 2026-04-15 12:15", "Wed 2026-04-15 12:30"]),
        ("S3-24", "0 23 L * *", LAST_DAYS),
        ("S3 line 159", "0 18 * * 1-5", ["Wed 2026-04-15 18:00", "Thu 2026-04-16 18:00"]),
        ("S4 line 32", "* * * * *", ["Wed 2026-04-15 12:01", "Wed 2026-04-15 12:02"]),
        ("S4 line 39", "0 * * * *", ["Wed 2026-04-15 13:00"]),
        ("S4 line 46", "59 23 * * *", ["Wed 2026-04-15 23:59"]),
        ("S4 line 53", "0 2 * * 0", ["Sun 2026-04-19 02:00"]),
        ("S4 line 60", "*/5 * * * *", ["Wed 2026-04-15 12:05", "Wed 2026-04-15 12:10"]),
        # Beyond the seeds' tables, as DESIGN 4 promises: what any crontab has.
        ("DESIGN 4", "@hourly", ["Wed 2026-04-15 13:00"]),
        ("DESIGN 4", "@daily", ["Thu 2026-04-16 00:00"]),
        ("DESIGN 4", "@midnight", ["Thu 2026-04-16 00:00"]),
        ("DESIGN 4", "@weekly", ["Sun 2026-04-19 00:00"]),
        ("DESIGN 4", "@monthly", ["Fri 2026-05-01 00:00"]),
        ("DESIGN 4", "@yearly", ["Fri 2027-01-01 00:00"]),
        ("DESIGN 4", "@annually", ["Fri 2027-01-01 00:00"]),
    ],
)
def test_an_expression_fires_as_its_table_says(
    row: str, expression: str, expected: list[str]
) -> None:
    """S1-73, S1-74, S1-75, S1-76, S1-77, S1-78, S1-83, S3-18, S3-19, S3-20, S3-21, S3-22, S3-23, S3-25, S4-84."""
    assert fires(cron(expression), len(expected)) == expected, row


@pytest.mark.parametrize(
    ("row", "seconds", "anchor", "gap"),
    [
        ("S0-16 the shortest", 10, "completion", 15),
        ("S0 line 443", 3600, "completion", 3605),
        ("S0-52 update", 7200, "completion", 7205),
        ("S0 line 736", 21_600, "completion", 21_605),
        ("S0 line 774", 1800, "completion", 1805),
        ("S0 line 794", 60, "completion", 65),
        ("S0 line 817", 86_400, "completion", 86_405),
        ("S2-18 every 5 minutes", 300, "start", 300),
        ("S2 every hour", 3600, "start", 3600),
        ("S2-02 sub-minute", 1, "start", 1),
        ("S3-26", 3600, "start", 3600),
        ("S3-26", 86_400, "start", 86_400),
    ],
)
def test_an_interval_of_the_seeds_is_kept(row: str, seconds: int, anchor: str, gap: int) -> None:
    """S3-26: Counted from the end of runs of five seconds (S0-80), or from start to start."""
    rule = Schedule(
        kind=ScheduleKind.INTERVAL, seconds=seconds, anchor=Anchor(anchor), anchor_at=START
    )

    plan = planned([rule], now=START, limit=20, last_finished_at=START, usual=timedelta(seconds=5))

    assert plan[0].at == START + timedelta(seconds=seconds), row
    gaps = {later.at - earlier.at for earlier, later in pairwise(plan)}
    assert gaps == {timedelta(seconds=gap)}, row


def test_the_jitter_of_the_second_seed_stays_in_its_bounds() -> None:
    """S2-03: every five minutes plus up to two; the due times keep their grid."""
    rule = Schedule(
        kind=ScheduleKind.INTERVAL,
        seconds=300,
        anchor=Anchor.START,
        anchor_at=START,
        jitter_seconds=120,
    )
    due = steps([rule], START, 200)

    delays = [start_at([rule], at, seed="telemetry") - at for at in due]

    assert {later - earlier for earlier, later in pairwise(due)} == {timedelta(minutes=5)}
    assert all(timedelta() <= delay <= timedelta(minutes=2) for delay in delays)
    assert len(set(delays)) > 190


@pytest.mark.parametrize(
    "event",
    ["@reboot", "@deployment", "@deployment-failed", "@destroy", "@destroy-failed", "@manually"],
)
def test_an_event_names_no_time(event: str) -> None:
    assert next_due([Schedule(kind=ScheduleKind.EVENT, event=event)], START) is None


def test_every_expression_in_the_seeds_is_in_the_tables() -> None:
    """The product's own copy of the list: what the seeds write between quotes or backticks."""
    tables = inspect.getsource(sys.modules[__name__])

    missing = [text for text in IN_THE_SEEDS if tables.count(f'"{text}"') < 2]

    assert missing == []


# All distinct cron expressions of the five seeds, in the order in which they appear.
IN_THE_SEEDS = (
    "0 2 * * *",
    "*/15 * * * *",
    "0 1 * * *",
    "0 9 * * 1-5",
    "0 18 * * 1-5",
    "0 10 * * 1-5",
    "0 */4 * * *",
    "0 */6 * * *",
    "0 0 * * *",
    "0 3 * * 0",
    "0 8 * * 1-5",
    "0 20 * * 1-5",
    "0 14 * * 0",
    "0 * * * *",
    "0 0 1 * *",
    "0 6 * * 0",
    "0 3 * * *",
    "*/5 * * * *",
    "0 */2 * * *",
    "0 9 * * *",
    "30 0 * * *",
    "0 8 * * 1",
    "0 23 L * *",
    "* * * * *",
    "59 23 * * *",
    "0 2 * * 0",
)


def test_minutes_one_to_five_and_zero() -> None:
    """S1's mixed list, read as minutes."""
    assert fires(cron("1-5,0 * * * *"), 7) == [
        *(f"Wed 2026-04-15 12:0{minute}" for minute in range(1, 6)),
        "Wed 2026-04-15 13:00",
        "Wed 2026-04-15 13:01",
    ]


def test_the_last_day_is_31_january_and_28_february() -> None:
    """S3-24: S3's end of the month, in its own zone."""
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
    """S4-06: S4: a job in Europe/Paris, 23:59 every day, once a day."""
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
    """S1-80: S1: mornings and evenings of workdays, and Sunday afternoon."""
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
    """S1-81: S1: every six hours, and at midnight."""
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
    """S1-85."""
    assert next_due([cron("0 9 * * *", "UTC")], START) == utc("2026-04-16T09:00")
    assert next_due([cron("0 9 * * *", "Asia/Seoul")], START) == utc("2026-04-16T00:00")
