"""What people say instead of a cron expression."""

from __future__ import annotations

import pytest

from jobs.domain.cron_spoken import Doubt, cron_of, doubt_about, looks_spoken, spoken
from jobs.domain.describe import describe
from jobs.domain.schedule import Schedule
from jobs.domain.states import ScheduleKind


@pytest.mark.parametrize(
    ("said", "meant", "shown"),
    [
        ("weekdays at 9", "0 9 * * 1-5", "Weekdays at 09:00"),
        ("  Every  Weekday at 9:30 am ", "30 9 * * 1-5", "Weekdays at 09:30"),
        ("daily at noon", "0 12 * * *", "Daily at 12:00"),
        ("at 12 am", "0 0 * * *", "Daily at 00:00"),
        ("mondays and thursdays at 9 and 17", "0 9,17 * * 1,4", None),
        ("every weekend at 23.05", "5 23 * * 0,6", None),
        ("hari kerja pukul 9", "0 9 * * 1-5", None),
        ("every 15 minutes", "*/15 * * * *", "Every 15 min"),
        ("every minute", "* * * * *", "Every minute"),
        ("every 6 hours", "0 */6 * * *", None),
        ("every 60 minutes", "0 * * * *", "Every hour"),
        ("hourly", "0 * * * *", "Every hour"),
        ("mon-fri 09:00", "0 9 * * 1-5", "Weekdays at 09:00"),
        ("Sat - Sun 9am", "0 9 * * 6-0", "Weekends at 09:00"),
        ("at 9 on weekdays", "0 9 * * 1-5", "Weekdays at 09:00"),
        (
            "first monday of the month at 8",
            "0 8 * * 1#1",
            "On the 1st Monday of the month at 08:00",
        ),
        ("last Friday at 18:30", "30 18 * * 5L", "On the last Friday of the month at 18:30"),
        ("last day of the month 23:30", "30 23 L * *", "On the last day of the month at 23:30"),
        ("on the 15th at 6 and 18", "0 6,18 15 * *", None),
        ("every second monday of the month at 9", "0 9 * * 1#2", None),
        ("second monday at 9", "0 9 * * 1#2", None),
    ],
)
def test_words_become_the_expression_they_mean(said: str, meant: str, shown: str | None) -> None:
    rule = Schedule(kind=ScheduleKind.CRON, expression=cron_of(said), timezone="Europe/Paris")

    assert rule.expression == meant
    assert rule.clock.rule is not None
    assert shown in (None, describe(rule))


@pytest.mark.parametrize(
    "text",
    [
        "", "0 9 * * 1-5", "@daily", "weekdys at 9", "weekdays at 25", "daily at 9:75",
        "daily at 0 pm", "daily at 9 and 17:30", "every 7 minutes", "every 0 hours", "at ", "at",
        "every 25 hours", "weekdays", "tomorrow at 9", "monday at 9 or so", "last weekday at 9", "fifth monday at 9",
        "40th at 9", "mon-day at 9", "31st at 25", "every day monday at 9",
        # Each other one, or one a month?
        "every second monday at 9", "at 9 every 3rd friday", "each fourth tuesday 9:00",
    ],
)  # fmt: skip
def test_anything_else_stays_as_it_was_typed(text: str) -> None:
    assert cron_of(text) == text


PHRASES = {
    "daily at 9 in the evening": "0 21 * * *",
    "every monday 9:00": "0 9 * * 1",
    "weekdays 9am": "0 9 * * 1-5",
    "Every Day At 21:00.": "0 21 * * *",
    "9am": "0 9 * * *",
    "09:00 mon-fri": "0 9 * * 1-5",
    "mon-fri at 17": "0 17 * * 1-5",
    "monday through friday at 9:30": "30 9 * * 1-5",
    "business days at 9 o'clock": "0 9 * * 1-5",
    "mon wed fri at 9": "0 9 * * 1,3,5",
    "every monday, wednesday, and friday at 6 p.m.": "0 18 * * 1,3,5",
    "tue/thu at 9h30": "30 9 * * 2,4",
    "weekly on monday at 9": "0 9 * * 1",
    "weekday mornings at 8": "0 8 * * 1-5",
    "friday night at 11": "0 23 * * 5",
    "daily at 12 at night": "0 0 * * *",
    "nightly at 2": "0 2 * * *",
    "half past 9 on weekdays": "30 9 * * 1-5",
    "weekdays at quarter to 9": "45 8 * * 1-5",
    "daily at 0930": "30 9 * * *",
    "daily except sunday at 9": "0 9 * * 1,2,3,4,5,6",
    "every day except weekends at 9": "0 9 * * 1,2,3,4,5",
    "first day of month at noon": "0 12 1 * *",
    "end of the month at 23:00": "0 23 L * *",
    "last weekday of the month at 17": "0 17 LW * *",
    "first working day of the month at 9": "0 9 1W * *",
    "1st and 15th at 9": "0 9 1,15 * *",
    "monthly on the 1st at 6": "0 6 1 * *",
    "quarterly on the 1st at 6": "0 6 1 */3 *",
    "december 24 at 18:00": "0 18 24 12 *",
    "yearly on 1st of january at 6pm": "0 18 1 1 *",
    "hourly at :15": "15 * * * *",
    "quarter past every hour": "15 * * * *",
    "every other hour": "0 */2 * * *",
    "every two hours at half past": "30 */2 * * *",
    "every half hour": "*/30 * * * *",
    "every 5min": "*/5 * * * *",
    "every 15 minutes mon-fri from 9 to 17": "*/15 9-16 * * 1-5",
    "hourly between 8am and 6pm": "0 8-18 * * *",
    "daily": "0 0 * * *",
    "twice a day": "0 0,12 * * *",
    "setiap senin pukul 9 malam": "0 21 * * 1",
    "hari senin pukul 9": "0 9 * * 1",
    "setiap hari senin dan kamis pukul 09.00": "0 9 * * 1,4",
    "hari senin sampai jumat pukul 17": "0 17 * * 1-5",
    "setiap hari pukul 9": "0 9 * * *",
}


def test_the_phrases_of_operators_are_expressions() -> None:
    assert {said: cron_of(said) for said in PHRASES} == PHRASES
    for meant in PHRASES.values():
        rule = Schedule(kind=ScheduleKind.CRON, expression=meant, timezone="UTC")
        assert cron_of(meant) == rule.expression == meant


def test_what_is_not_understood_is_told_apart_where_it_can_be() -> None:
    intervals = [
        "every 90 minutes",
        "every 2 days at 9",
        "every other day at 9",
        "every 30 seconds",
    ]
    assert {doubt_about(one) for one in intervals} == {Doubt.INTERVAL}
    assert {doubt_about(one) for one in ("every second monday at 9", "each other friday at 9")} == {
        Doubt.WHICH
    }
    assert [cron_of(one) for one in intervals] == intervals
    assert doubt_about("weekdys at 9") is None
    assert cron_of("every minute " * 100) == "every minute " * 100


def test_words_may_name_the_place_whose_clock_counts() -> None:
    assert spoken("weekdays at 9 in Paris") == ("0 9 * * 1-5", "Paris")
    assert spoken("every 15 minutes  in new york ") == ("*/15 * * * *", "new york")
    assert spoken("hari kerja pukul 9 di Jakarta") == ("0 9 * * 1-5", "Jakarta")
    assert spoken("daily at 9 in the evening in Tokyo") == ("0 21 * * *", "Tokyo")
    assert spoken("weekdays at 9 Europe/Paris") == ("0 9 * * 1-5", "Europe/Paris")
    assert spoken("0 9 * * 1-5") == ("0 9 * * 1-5", "")
    assert spoken("weekdys at 9 in Paris") == ("weekdys at 9 in Paris", "")
    assert [looks_spoken(one) for one in ("weekdys at 9", "0 9 * jan mon-fri", "@weekly")] == [
        True,
        False,
        False,
    ]
