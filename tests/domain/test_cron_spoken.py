"""What people say instead of a cron expression."""

from __future__ import annotations

import pytest

from jobs.domain.cron_spoken import cron_of, looks_spoken, spoken
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
        "every 25 hours", "daily", "monday at 9 or so", "last weekday at 9", "fifth monday at 9",
        "40th at 9", "mon-day at 9", "31st at 25",
        # Each other one, or one a month?
        "every second monday at 9", "at 9 every 3rd friday", "each fourth tuesday 9:00",
    ],
)  # fmt: skip
def test_anything_else_stays_as_it_was_typed(text: str) -> None:
    assert cron_of(text) == text


def test_words_may_name_the_place_whose_clock_counts() -> None:
    assert spoken("weekdays at 9 in Paris") == ("0 9 * * 1-5", "Paris")
    assert spoken("every 15 minutes  in new york ") == ("*/15 * * * *", "new york")
    assert spoken("hari kerja pukul 9 di Jakarta") == ("0 9 * * 1-5", "Jakarta")
    assert spoken("0 9 * * 1-5") == ("0 9 * * 1-5", "")
    assert spoken("weekdys at 9 in Paris") == ("weekdys at 9 in Paris", "")
    assert [looks_spoken(one) for one in ("weekdys at 9", "0 9 * jan mon-fri", "@weekly")] == [
        True,
        False,
        False,
    ]
