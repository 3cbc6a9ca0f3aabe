"""The DST contract: what becomes of a wall-clock time in a gap or in a fold."""

from __future__ import annotations

from itertools import pairwise

import pytest

from jobs.domain.instants import to_instant
from tests.domain.times import cron, local, steps, utc

# Paris: 02:00 -> 03:00 on 29 March 2026, 03:00 -> 02:00 on 25 October 2026.
SPRING = ("2026-03-28T12:00", "2026-03-29T12:00")
AUTUMN = ("2026-10-24T12:00", "2026-10-25T12:00")


def test_a_fixed_time_in_the_gap_fires_once_at_the_first_instant_after_it() -> None:
    rule = cron("30 2 * * *", "Europe/Paris")

    assert local(rule, *SPRING) == ["2026-03-29 03:00:00+02:00"]


def test_several_fixed_times_in_the_gap_make_one_due_time() -> None:
    rule = cron("0,15,30 2 * * *", "Europe/Paris")

    assert local(rule, *SPRING) == ["2026-03-29 03:00:00+02:00"]


def test_a_time_made_up_for_falls_together_with_one_that_is_due_there_anyway() -> None:
    rule = cron("0 2,3 * * *", "Europe/Paris")

    assert local(rule, *SPRING) == ["2026-03-29 03:00:00+02:00"]


def test_a_fixed_time_in_the_gap_can_be_skipped() -> None:
    rule = cron("30 2 * * *", "Europe/Paris", gap="skip")

    assert local(rule, "2026-03-28T00:00", "2026-03-31T00:00") == [
        "2026-03-28 02:30:00+01:00",
        "2026-03-30 02:30:00+02:00",
    ]


@pytest.mark.parametrize(
    ("fold", "offsets"),
    [
        ("", ["+02:00"]),
        ("first", ["+02:00"]),
        ("second", ["+01:00"]),
        ("both", ["+02:00", "+01:00"]),
    ],
)
def test_a_repeated_time_fires_in_the_chosen_pass(fold: str, offsets: list[str]) -> None:
    rule = cron("30 2 * * *", "Europe/Paris", fold=fold)

    assert local(rule, *AUTUMN) == [f"2026-10-25 02:30:00{offset}" for offset in offsets]


@pytest.mark.parametrize(
    ("expression", "spring", "autumn"),
    [
        ("0 * * * *", 23, 25),
        ("*/15 * * * *", 92, 100),
        ("* * * * *", 1380, 1500),
        ("@hourly", 23, 25),
        # A step in the hour follows the clock: 02:00 is not there in spring, and twice in autumn.
        ("0 */2 * * *", 11, 13),
        # A list of hours is a list of fixed times, as in Debian's cron.
        ("0 0,2,4 * * *", 3, 3),
    ],
)
def test_a_day_of_23_and_of_25_hours(expression: str, spring: int, autumn: int) -> None:
    rule = cron(expression, "Europe/Paris")

    assert len(local(rule, "2026-03-28T22:59:59", "2026-03-29T21:59:59")) == spring
    assert len(local(rule, "2026-10-24T21:59:59", "2026-10-25T22:59:59")) == autumn


def test_a_job_that_follows_the_clock_has_nothing_in_the_gap() -> None:
    rule = cron("*/30 2 * * *", "Europe/Paris")

    assert local(rule, *SPRING) == []


def test_a_job_that_follows_the_clock_ignores_the_policies() -> None:
    rule = cron("0 * * * *", "Europe/Paris", gap="first_valid", fold="first")

    assert len(local(rule, "2026-10-24T21:59:59", "2026-10-25T22:59:59")) == 25


@pytest.mark.parametrize(
    ("zone", "expression", "after", "until", "expected"),
    [
        # Thirty minutes: Lord Howe 02:00 -> 02:30, and back from 02:00 to 01:30.
        (
            "Australia/Lord_Howe",
            "15 2 * * *",
            "2026-10-03T00:00",
            "2026-10-03T23:00",
            ["2026-10-04 02:30:00+11:00"],
        ),
        (
            "Australia/Lord_Howe",
            "45 1 * * *",
            "2026-04-04T00:00",
            "2026-04-04T23:00",
            ["2026-04-05 01:45:00+11:00"],
        ),
        (
            "Australia/Lord_Howe",
            "45 * * * *",
            "2026-04-04T14:40",
            "2026-04-04T15:50",
            [
                "2026-04-05 01:45:00+11:00",
                "2026-04-05 01:45:00+10:30",
            ],
        ),
        # Two hours: Troll, Antarctica 01:00 -> 03:00 and back.
        (
            "Antarctica/Troll",
            "30 1,2 * * *",
            "2026-03-28T12:00",
            "2026-03-29T12:00",
            ["2026-03-29 03:00:00+02:00"],
        ),
        (
            "Antarctica/Troll",
            "30 1,2 * * *",
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            ["2026-10-25 01:30:00+02:00", "2026-10-25 02:30:00+02:00"],
        ),
        # Midnight: Cairo 00:00 -> 01:00; and 24:00 -> 23:00 in autumn.
        (
            "Africa/Cairo",
            "@daily",
            "2026-04-23T12:00",
            "2026-04-24T12:00",
            ["2026-04-24 01:00:00+03:00"],
        ),
        (
            "Africa/Cairo",
            "30 23 * * *",
            "2026-10-29T12:00",
            "2026-10-30T12:00",
            ["2026-10-29 23:30:00+03:00"],
        ),
        # Across midnight: Nuuk 23:00 -> 00:00, so that the last hour of that date is not there.
        (
            "America/Nuuk",
            "30 23 * * *",
            "2026-03-28T12:00",
            "2026-03-30T12:00",
            ["2026-03-29 00:00:00-01:00", "2026-03-29 23:30:00-01:00"],
        ),
        # Ireland's winter is its DST (negative): 01:00 -> 02:00 in March all the same.
        (
            "Europe/Dublin",
            "30 1 * * *",
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            ["2026-10-25 01:30:00+01:00"],
        ),
    ],
)
def test_gaps_and_folds_of_other_sizes(
    zone: str, expression: str, after: str, until: str, expected: list[str]
) -> None:
    assert local(cron(expression, zone), after, until) == expected


def test_a_date_that_a_zone_left_out_has_no_due_time() -> None:
    """Samoa went from 29 to 31 December 2011."""
    rule = cron("0 12 * * *", "Pacific/Apia")

    assert [text[:10] for text in local(rule, "2011-12-28T12:00", "2012-01-01T12:00")] == [
        "2011-12-28",
        "2011-12-29",
        "2011-12-31",
        "2012-01-01",
    ]


def test_a_start_inside_the_second_pass_never_looks_back() -> None:
    rule = cron("30 2 * * *", "Europe/Paris")
    inside_second_pass = utc("2026-10-25T01:10")  # 02:10 for the second time

    assert rule.next_after(inside_second_pass) == utc("2026-10-26T01:30")


def test_a_job_that_follows_the_clock_goes_on_in_the_second_pass() -> None:
    rule = cron("*/30 2 * * *", "Europe/Paris")

    assert steps([rule], utc("2026-10-25T00:30"), 3) == [
        utc("2026-10-25T01:00"),
        utc("2026-10-25T01:30"),
        utc("2026-10-26T01:00"),
    ]


def test_a_job_of_that_night_only_has_its_second_pass_too() -> None:
    """The next date is a year away; the jump there must not leave the second pass out."""
    rule = cron("*/30 2 25 10 *", "Europe/Paris")

    due = steps([rule], utc("2026-01-01T00:00"), 5)

    assert due[:4] == [utc(f"2026-10-25T0{text}") for text in ("0:00", "0:30", "1:00", "1:30")]
    assert due[4].year == 2027
    times = rule.due_times()
    for earlier, later in pairwise(due):
        assert times.last_until(to_instant(later) - 1) == to_instant(earlier)


@pytest.mark.parametrize(
    ("fold", "passes"), [("first", ["0:30"]), ("second", ["1:30"]), ("both", ["0:30", "1:30"])]
)
def test_a_fixed_time_of_that_night_only_meets_its_chosen_pass(
    fold: str, passes: list[str]
) -> None:
    rule = cron("30 2 25 10 *", "Europe/Paris", fold=fold)
    expected = [utc(f"2026-10-25T0{text}") for text in passes]

    due = steps([rule], utc("2026-01-01T00:00"), len(passes))

    assert due == expected
    newest = rule.due_times().last_until(to_instant(utc("2027-01-01T00:00")))
    assert newest == to_instant(expected[-1])


def test_the_gap_of_a_yearly_job_is_found_looking_back() -> None:
    rule = cron("30 2 29 3 *", "Europe/Paris")

    found = rule.due_times().last_until(to_instant(utc("2027-01-01T00:00")))

    assert found == to_instant(utc("2026-03-29T01:00"))


def test_seconds_in_a_gap_make_one_due_time() -> None:
    rule = cron("30 2 * * * */10", "Europe/Paris")

    assert local(rule, *SPRING) == ["2026-03-29 03:00:00+02:00"]


def test_a_yearly_job_meets_its_gap_after_a_long_jump() -> None:
    """29 March is the night of the change in 2026 only; the walk jumps there over years."""
    rule = cron("30 2 29 3 *", "Europe/Paris")

    assert local(rule, "2025-04-01T00:00", "2027-04-01T00:00") == [
        "2026-03-29 03:00:00+02:00",
        "2027-03-29 02:30:00+02:00",
    ]


def test_last_before_a_moment_mirrors_next() -> None:
    rule = cron("30 2 * * *", "Europe/Paris")
    times = rule.due_times()
    forward = steps([rule], utc("2026-03-20T00:00"), 250)

    for earlier, later in pairwise(forward):
        assert times.last_until(to_instant(later) - 1) == to_instant(earlier)
