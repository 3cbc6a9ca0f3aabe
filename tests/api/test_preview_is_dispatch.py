"""What the preview said is what is dispatched, and what the API names: around every clock change."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine

from jobs.domain.schedule import due_between, next_due
from jobs.models import Job
from jobs.services import dispatch
from jobs.services.firing import rules_of
from tests.api.callers import Caller
from tests.domain.times import utc
from tests.factories import cron, make_job

# The nights of a change: an hour, half an hour, across midnight, two hours, and none at all.
WEEKS = [
    ("Europe/Paris", "2026-03-27T00:00"),
    ("Europe/Paris", "2026-10-23T00:00"),
    ("America/New_York", "2026-11-01T00:00"),
    ("Australia/Lord_Howe", "2026-04-04T00:00"),
    ("Australia/Lord_Howe", "2026-10-03T00:00"),
    ("America/Nuuk", "2026-03-28T00:00"),
    ("Africa/Cairo", "2026-04-23T00:00"),
    ("Antarctica/Troll", "2026-03-28T12:00"),
    ("Asia/Jakarta", "2026-03-28T00:00"),
]
EXPRESSIONS = ("30 2 * * *", "45 1,23 * * *", "0 */3 * * *", "15 0 * * *")
CHOICES: tuple[dict[str, str], ...] = ({}, {"gap": "skip", "fold": "both"}, {"fold": "second"})


@pytest.mark.parametrize(("zone", "start"), WEEKS)
@pytest.mark.parametrize("choices", CHOICES)
def test_preview_api_and_dispatcher_name_the_same_instants(
    zone: str, start: str, choices: dict[str, str], as_viewer: Caller
) -> None:
    schedules = [cron(text, zone, **choices) for text in EXPRESSIONS]
    begin = utc(start)
    with time_machine.travel(begin, tick=False):
        said = previewed(as_viewer, schedules, begin)
        job = make_job(schedules=schedules, overlap="allow", max_parallel=1000)
        named = moments(as_viewer.get(f"/jobs/{job.pk}/next?count=50").json["items"])

    dispatched = dispatch_until(job, said[-1])

    rules = rules_of(job.schedules.all())
    assert said == named == dispatched
    assert said == list(due_between(rules, begin, said[-1]))
    assert said == step_by_step(job, begin, len(said))
    assert all(begin < earlier < later for earlier, later in pairwise(said))


def previewed(caller: Caller, schedules: list[dict[str, Any]], begin: datetime) -> list[datetime]:
    """Return what the preview says before anything is saved."""
    body = {"schedules": schedules, "count": 50, "from": begin.isoformat()}
    return moments(caller.post("/preview", body).json["items"])


def moments(items: list[str]) -> list[datetime]:
    return [datetime.fromisoformat(item) for item in items]


def dispatch_until(job: Job, last: datetime) -> list[datetime]:
    """Dispatch as a punctual dispatcher does; return the due times of what was queued."""
    while True:
        job.refresh_from_db()
        if job.next_fire_at is None or job.next_fire_at > last:
            break
        dispatch.dispatch_due(job.next_fire_at + timedelta(milliseconds=5))
    return list(job.executions.order_by("due_at").values_list("due_at", flat=True))


def step_by_step(job: Job, begin: datetime, count: int) -> list[datetime]:
    rules = rules_of(job.schedules.all())
    found: list[datetime] = []
    for _ in range(count):
        due = next_due(rules, found[-1] if found else begin)
        assert due is not None
        found.append(due)
    return found
