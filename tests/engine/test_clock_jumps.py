"""The host's clock jumps: what it passes over is missed, what it repeats is not run again."""

from __future__ import annotations

import tracemalloc
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.domain.schedule import count_due
from jobs.engine.dispatcher import Dispatcher
from jobs.models import Execution, Job
from jobs.services import events
from jobs.services.firing import rules_of
from tests.factories import cron, every, make_job

pytestmark = pytest.mark.django_db
JUMPS = [timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)]
FREE: dict[str, Any] = {"overlap": "allow", "max_parallel": 1000}


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: datetime) -> None:
        """Start at ``now``."""
        self.now = now

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


def tick_through(clock: Clock, seconds: int) -> None:
    """Let a dispatcher look each ten seconds, as its longest sleep allows."""
    dispatcher = Dispatcher(clock=clock)
    for _ in range(seconds // 10):
        clock.now += timedelta(seconds=10)
        while dispatcher.step():
            pass


def verdicts(job: Job) -> tuple[list[datetime], int]:
    """Return the dispatched due times and how many were left out."""
    dues = list(job.executions.order_by("due_at").values_list("due_at", flat=True))
    return dues, sum(job.omissions.values_list("count", flat=True))


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize(("misfire", "made_up"), [("skip", 0), ("fire_once", 1), ("fire_all", 5)])
def test_what_a_jump_ahead_passes_over_is_missed(
    jump: timedelta, misfire: str, made_up: int
) -> None:
    schedules = [every(60)]
    job = make_job(schedules=schedules, misfire=misfire, misfire_limit=5, **FREE)
    clock = Clock(job.created_at)
    tick_through(clock, 300)

    clock.now += jump
    tick_through(clock, 300)

    job.refresh_from_db()
    dues, omitted = verdicts(job)
    due = count_due(rules_of(job.schedules.all()), job.created_at, clock.now).total
    assert due == len(dues) + omitted
    assert len(dues) == len(set(dues))
    missed = jump // timedelta(minutes=1) - 1
    assert job.executions.filter(trigger="misfire").count() <= made_up
    assert omitted <= missed
    assert len(dues) >= 10


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("schedule", [every(60), cron("* * * * *", "Europe/Paris")])
def test_what_a_jump_back_repeats_is_not_run_again(
    jump: timedelta, schedule: dict[str, object]
) -> None:
    job = make_job(schedules=[schedule], **FREE)
    clock = Clock(job.created_at)
    tick_through(clock, 300)
    before, _ = verdicts(job)

    clock.now -= jump
    tick_through(clock, 60)
    during, _ = verdicts(job)
    clock.now = job.created_at + timedelta(seconds=300)
    tick_through(clock, 300)

    assert before == during
    after, omitted = verdicts(job)
    assert len(after) == len(set(after)) == 10
    assert omitted == 0


def test_ninety_nine_days_asleep_cost_seconds_and_little_memory() -> None:
    jobs = [make_job(schedules=[cron("* * * * *")], misfire="skip") for _ in range(20)]
    clock = Clock(jobs[0].created_at + timedelta(days=99))
    dispatcher = Dispatcher(clock=clock)

    tracemalloc.start()
    while dispatcher.step():
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    # 142,560 due times each: an omission, and what the grace of a minute lets through.
    for job in jobs:
        dues, omitted = verdicts(job)
        assert len(dues) + omitted >= 99 * 1440 - 1
        assert job.omissions.count() == 1
    assert peak < 20_000_000


def test_a_boot_is_an_event_once_and_the_first_start_is_none() -> None:
    job = make_job(schedules=[{"kind": "event", "event": "@reboot"}])
    dispatcher = Dispatcher()

    assert [events.report_boot("host", boot) for boot in ("a", "a", "b", "b")] == [
        False,
        False,
        True,
        False,
    ]
    while dispatcher.step():
        pass

    assert Execution.objects.get().job == job
