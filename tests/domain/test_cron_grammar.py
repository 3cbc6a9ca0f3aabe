"""Which cron expressions are accepted, and what the refusal of the others says."""

from __future__ import annotations

import time
from itertools import product

import pytest

from jobs.domain.cron import parse_cron
from jobs.domain.cron_grammar import MAX_LENGTH, NICKNAMES
from jobs.domain.errors import CronError
from jobs.domain.states import DayMatch, SecondsPosition


def refusal(expression: str, seconds_position: str = "last") -> str:
    """Return the message that refuses an expression."""
    with pytest.raises(CronError) as caught:
        parse_cron(expression, DayMatch.ANY, SecondsPosition(seconds_position))
    return str(caught.value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("61 * * * *", "Minute 61 does not exist. Use 0 to 59."),
        ("* 24 * * *", "Hour 24 does not exist. Use 0 to 23."),
        ("* * 0 * *", "Day of month 0 does not exist. Use 1 to 31."),
        ("* * 32 * *", "Day of month 32 does not exist. Use 1 to 31."),
        ("* * * 13 *", "Month 13 does not exist. Use 1 to 12, or jan to dec."),
        ("* * * foo *", "Month foo does not exist. Use 1 to 12, or jan to dec."),
        ("* * * * 8", "Weekday 8 does not exist. Use 0 to 7, or sun to sat."),
        ("* * * * monday", "Weekday monday does not exist. Use 0 to 7, or sun to sat."),
        ("* * * * * 60", "Second 60 does not exist. Use 0 to 59."),
        ("0 22-2 * * *", "Hour range 22-2 runs backwards. Write 22-23,0-2."),
        ("* * * * fri-mon", "Weekday range fri-mon runs backwards. Write 5-6,0-1."),
        ("5/15 * * * *", "Minute 5/15 has a step without a range. Write 5-59/15."),
        ("*/0 * * * *", "Step 0 does not fit the minute field. Use 1 to 59."),
        ("*/90 * * * *", "Step 90 does not fit the minute field. Use 1 to 59."),
        ("* */24 * * *", "Step 24 does not fit the hour field. Use 1 to 23."),
        ("1-1_0 * * * *", "Minute 1-1_0 cannot be read. Use 0 to 59."),
        ("1#2 * * * *", "Minute 1#2 cannot be read."),
        ("-5 * * * *", "Minute -5 cannot be read."),
        ("+5 * * * *", "Minute +5 cannot be read."),
        ("1.5 * * * *", "Minute 1.5 cannot be read."),
        ("1,,2 * * * *", "The minute field has an empty entry. Write a list like 1,2,3."),
        (", * * * *", "The minute field has an empty entry."),
        ("* * 5X * *", "Day of month 5x cannot be read. Use 1 to 31."),
        ("H * * * *", "Minute H (a hashed or random value) is not supported."),
        ("R R * * *", "Minute R (a hashed or random value) is not supported."),
        ("H(0-29) * * * *", "hashed and random values are not supported."),
        ("? * * * *", "? stands alone, in day of month or weekday only."),
        ("* * ?/2 * *", "? stands alone"),
        ("* * L-31 * *", "Day of month L-31 does not exist. Use L-1 to L-30."),
        ("* * 32W * *", "Day of month 32 does not exist."),
        ("* * W * *", "Day of month W cannot be read. Use L (last day), L-3"),
        ("* * LW-1 * *", "Day of month LW-1 cannot be read."),
        ("* * * * L", "Weekday L cannot be read. Use 5L or friL"),
        ("* * * * L5", "Weekday L5 cannot be read. Use 5L or friL"),
        ("* * * * 5#6", "Weekday 5#6: there is no week 6 of a month. Use #1 to #5."),
        ("* * * * 1-3#2", "Weekday 1-3#2 cannot be read."),
        ("* * * * 8#1", "Weekday 8 does not exist."),
        ("* * * * foo#1", "Weekday foo does not exist."),
        ("", "The cron expression is empty. Use five fields: minute, hour,"),
        ("   ", "The cron expression is empty."),
        ("*", "The expression '*' has 1 field. Use 5 (minute, hour, day of month, month, weekday)"),
        ("* * * *", "The expression '* * * *' has 4 fields."),
        ("0 0 1 1 * 0 2026", "Years cannot be given: use a start and an end."),
        ("@often", "The nickname @often does not exist. Use @yearly, @annually,"),
        ("@reboot", "@reboot is an event, not a time. Use a schedule of the kind event."),
        ("@destroy-failed", "is an event, not a time."),
        ("@daily *", "The nickname @daily * does not exist."),
        ("٣ * * * *", "The character ٣ has no place in a cron expression. Use plain ASCII."),
        ("0 0 30 2 *", "0 0 30 2 * never fires: no month 2 has a day of month 30."),
        ("0 0 31 4,6,9,11 *", "never fires: no month 4,6,9,11 has a day of month 31."),
        ("0 0 31W feb *", "never fires: no month feb has a day of month 31W."),
        ("0 0 L-29 2 *", "never fires"),
    ],
)
def test_a_wrong_expression_says_what_is_wrong_and_what_is_allowed(
    expression: str, message: str
) -> None:
    assert message in refusal(expression)


def test_a_date_and_weekday_that_never_meet_are_refused() -> None:
    with pytest.raises(CronError, match="weekday 1#5 together"):
        parse_cron("0 0 1-7 * 1#5", DayMatch.ALL)


def test_a_date_that_comes_every_28_years_is_accepted() -> None:
    assert parse_cron("0 0 29 2 mon", DayMatch.ALL).days.count(0, 400 * 366) > 0


def test_a_long_expression_is_refused_before_it_is_parsed() -> None:
    began = time.monotonic()

    message = refusal(",".join(["1"] * 400_000) + " * * * *")

    assert message == f"The expression has 800007 characters. Use at most {MAX_LENGTH}."
    assert time.monotonic() - began < 1


def test_an_expression_of_255_characters_is_read() -> None:
    expression = f"{'0,' * 123}5 * * * *"

    assert len(expression) == MAX_LENGTH
    assert parse_cron(expression).times.minutes == (0, 5)


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [
        ("*", tuple(range(60))),
        ("*/20", (0, 20, 40)),
        ("5", (5,)),
        ("05", (5,)),
        ("5-5", (5,)),
        ("1-5,0", (0, 1, 2, 3, 4, 5)),
        ("10-20/5", (10, 15, 20)),
        ("10-20/15", (10,)),
        ("5-59/15", (5, 20, 35, 50)),
        ("*/30,7", (0, 7, 30)),
        ("3,3,3", (3,)),
        ("0-59", tuple(range(60))),
        ("*,5", tuple(range(60))),
        ("5,*", tuple(range(60))),
        ("59-59/7", (59,)),
    ],
)
def test_a_field_stands_for_its_numbers(expression: str, minutes: tuple[int, ...]) -> None:
    assert parse_cron(f"{expression} * * * *").times.minutes == minutes


def test_every_range_and_step_of_each_field_stands_for_its_numbers() -> None:
    """croniter expands the fields; no range or step of any field may surprise."""
    fields = {"hours": ("0 {} * * *", 0, 23), "months": ("0 0 1 {} *", 1, 12)}
    for name, (template, low, high) in fields.items():
        for first, last, step in product(range(low, high + 1), range(low, high + 1), (1, 2, 5, 9)):
            if first > last:
                continue
            rule = parse_cron(template.format(f"{first}-{last}/{step}"))
            found = rule.times.hours if name == "hours" else tuple(sorted(rule.days.months))
            assert found == tuple(range(first, last + 1, step)), (name, first, last, step)


def test_every_weekday_range_counts_7_as_sunday() -> None:
    for first, last, step in product(range(8), range(8), range(1, 8)):
        if first > last:
            continue
        expected = {day % 7 for day in range(first, last + 1, step)}
        if expected == {0, 1, 2, 3, 4, 5, 6} and step > 1:
            continue
        found = parse_cron(f"0 0 * * {first}-{last}/{step}").days.weekdays
        assert found == expected, (first, last, step)


@pytest.mark.parametrize(
    ("weekday", "numbers"),
    [
        ("7", {0}),
        ("7-7", {0}),
        ("sun", {0}),
        ("SAT-SUN", {6, 0}),
        ("fri-sun", {5, 6, 0}),
        ("Mon-Fri", {1, 2, 3, 4, 5}),
        ("sun-tue", {0, 1, 2}),
        ("0-7", {0, 1, 2, 3, 4, 5, 6}),
        ("*/7", {0}),
        ("mon,wed,fri", {1, 3, 5}),
    ],
)
def test_weekdays_have_names_and_two_numbers_for_sunday(weekday: str, numbers: set[int]) -> None:
    assert parse_cron(f"0 0 * * {weekday}").days.weekdays == numbers


@pytest.mark.parametrize("nickname", [*NICKNAMES, " @Daily ", "@HOURLY"])
def test_a_nickname_is_short_for_five_fields(nickname: str) -> None:
    rule, long = parse_cron(nickname), parse_cron(NICKNAMES[nickname.strip().lower()])

    assert rule.times == long.times
    assert rule.days.of_month(2026, 3) == long.days.of_month(2026, 3)


def test_seconds_come_last_unless_they_are_said_to_come_first() -> None:
    last = parse_cron("30 2 * * * 15")
    first = parse_cron("15 30 2 * * *", DayMatch.ANY, SecondsPosition.FIRST)

    assert last.times == first.times
    assert (last.times.hours, last.times.minutes, last.times.seconds) == ((2,), (30,), (15,))


def test_tabs_and_blanks_separate_fields() -> None:
    assert parse_cron("\t0  2 *\t* *  ").times == parse_cron("0 2 * * *").times


def test_a_question_mark_is_a_star_in_a_day_field() -> None:
    """Quartz wants one of the day fields to be ``?``; the weekday alone decides then."""
    pasted = parse_cron("0 0 12 ? * MON-FRI", DayMatch.ANY, SecondsPosition.FIRST)

    assert pasted.days.of_month(2026, 3) == parse_cron("0 12 * * 1-5").days.of_month(2026, 3)
    assert pasted.times == parse_cron("0 12 * * *").times


@pytest.mark.parametrize(
    ("expression", "follows"),
    [
        ("* * * * *", True),
        ("*/5 2 * * *", True),
        ("0 */2 * * *", True),
        ("@hourly", True),
        ("*/5,7 2 * * *", True),
        ("0 2 * * *", False),
        ("0-59 0-23 * * *", False),
        ("@daily", False),
        ("7,*/5 2 * * *", False),
    ],
)
def test_a_star_in_minute_or_hour_follows_the_clock(expression: str, follows: bool) -> None:
    assert parse_cron(expression).follows_clock is follows
