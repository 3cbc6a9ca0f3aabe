"""A schedule that may make so many executions makes no more, and the ledger knows why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.domain.permissions import SYSTEM
from jobs.models import Job
from jobs.services import dispatch
from jobs.services import jobs as job_services
from jobs.services.versions import rules_of_version
from tests.factories import cron, every, make_job

pytestmark = pytest.mark.django_db
FREE: dict[str, Any] = {"overlap": "allow", "max_parallel": 1000}


def run_until(job: Job, moment: timedelta) -> list[int]:
    """Dispatch at each due time; return the minutes that were dispatched."""
    while True:
        job.refresh_from_db()
        if job.next_fire_at is None or job.next_fire_at > job.created_at + moment:
            break
        dispatch.dispatch_due(job.next_fire_at)
    dues = job.executions.order_by("due_at").values_list("due_at", flat=True)
    return [(due - job.created_at) // timedelta(minutes=1) for due in dues]


def test_it_ends_with_its_last_execution() -> None:
    job = make_job(schedules=[{**every(60), "max_executions": 3}], **FREE)

    assert run_until(job, timedelta(hours=1)) == [1, 2, 3]

    job.refresh_from_db()
    assert job.next_fire_at is None
    assert job.omissions.count() == 0


def test_the_other_schedules_go_on() -> None:
    job = make_job(schedules=[{**every(60), "max_executions": 3}, every(120)], **FREE)

    assert run_until(job, timedelta(minutes=8)) == [1, 2, 3, 4, 6, 8]


def test_a_sleep_counts_what_it_makes_up_for() -> None:
    schedule = {**every(60), "max_executions": 3}
    job = make_job(schedules=[schedule], misfire="fire_all", misfire_limit=10, **FREE)

    dispatch.dispatch_due(job.created_at + timedelta(minutes=30))

    assert job.executions.count() == 3
    row = job.schedules.get()
    assert (row.fired_count, row.exhausted_at) == (3, job.executions.latest("due_at").due_at)


def test_what_a_pause_left_out_does_not_count() -> None:
    job = make_job(schedules=[{**every(60), "max_executions": 2}], **FREE)
    run_until(job, timedelta(minutes=1))
    # Overlap, freeze, pause: what is left out made no execution.
    Job.objects.filter(pk=job.pk).update(overlap="skip")
    run_until(job, timedelta(minutes=5))
    Job.objects.filter(pk=job.pk).update(overlap="allow")

    assert run_until(job, timedelta(minutes=9)) == [1, 6]


def test_its_version_remembers_when_it_ended() -> None:
    job = make_job(schedules=[{**every(60), "max_executions": 2}], **FREE)
    run_until(job, timedelta(hours=1))

    rule = rules_of_version(job.versions.get())[0]

    assert rule.ends_at == job.executions.latest("due_at").due_at + timedelta(microseconds=1)
    assert rule.anchor_at == job.schedules.get().anchor_at


def test_an_edit_keeps_the_count_and_a_higher_limit_lets_it_go_on() -> None:
    job = make_job(schedules=[{**every(60), "max_executions": 2}], **FREE)
    run_until(job, timedelta(hours=1))

    job_services.update(job.pk, {"schedules": [{**every(60), "max_executions": 5}]}, actor=SYSTEM)
    job.refresh_from_db()
    assert job.next_fire_at is not None
    assert job.schedules.get().fired_count == 2
    assert len(run_until(job, timedelta(hours=2))) == 5

    job_services.update(job.pk, {"schedules": [cron("* * * * *")]}, actor=SYSTEM)
    assert job.schedules.get().fired_count == 0


def test_two_schedules_that_differ_in_their_period_keep_their_own_counts() -> None:
    later = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0).isoformat()
    first = {**cron("* * * * *"), "max_executions": 1, "ends_at": later}
    second = {**cron("* * * * *"), "max_executions": 1, "starts_at": later}
    job = make_job(schedules=[first, second], **FREE)
    run_until(job, timedelta(minutes=5))
    assert [row.fired_count for row in job.schedules.order_by("position")] == [1, 0]

    change = {"schedules": [second, first, every(86_400)]}
    job_services.update(job.pk, change, actor=SYSTEM)

    assert [row.fired_count for row in job.schedules.order_by("position")] == [0, 1, 0]
    job.refresh_from_db()
    assert job.next_fire_at is not None
    assert job.next_fire_at > job.created_at + timedelta(hours=1)


def test_a_used_up_schedule_may_get_a_later_start_and_stays_used_up() -> None:
    job = make_job(schedules=[{**every(60), "max_executions": 1}], **FREE)
    run_until(job, timedelta(minutes=5))
    later = (datetime.now(UTC) + timedelta(days=30)).isoformat()

    change = {"schedules": [{**every(60), "max_executions": 1, "starts_at": later}]}
    job_services.update(job.pk, change, actor=SYSTEM)

    job.refresh_from_db()
    assert job.next_fire_at is None
    assert rules_of_version(job.versions.latest("version"))[0].starts_at is None
