"""What people say instead of a cron expression."""

from __future__ import annotations

import pytest

from jobs.domain.cron_spoken import cron_of
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
        "every 25 hours", "daily", "monday at 9 or so",
    ],
)  # fmt: skip
def test_anything_else_stays_as_it_was_typed(text: str) -> None:
    assert cron_of(text) == text
