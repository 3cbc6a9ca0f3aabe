"""Newer zone rules move what is planned, and never reach into the past."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from jobs.models import Execution, Job
from jobs.services import dispatch, zone_data
from tests.factories import cron, every, make_job

pytestmark = pytest.mark.django_db


def planned_by_old_rules(job: Job, moment: datetime) -> None:
    """Store the next fire time that other zone rules led to."""
    Job.objects.filter(pk=job.pk).update(next_fire_at=moment)


def test_the_first_start_only_remembers_the_rules() -> None:
    job = make_job(schedules=[cron("0 9 * * *", "Europe/Paris")])
    wrong = job.created_at + timedelta(days=400)
    planned_by_old_rules(job, wrong)

    assert zone_data.take_over("2026a", job.created_at) == 0
    assert zone_data.take_over("2026a", job.created_at) == 0

    assert Job.objects.get(pk=job.pk).next_fire_at == wrong


def test_newer_rules_plan_wall_clock_jobs_again_once() -> None:
    jobs = [make_job(schedules=[cron("0 9 * * *", "Europe/Paris")]) for _ in range(3)]
    untouched = make_job(schedules=[every(600)])
    zone_data.take_over("2026a", jobs[0].created_at)
    for job in jobs[:2]:
        planned_by_old_rules(job, job.created_at + timedelta(days=400))

    assert zone_data.take_over("2026b", jobs[0].created_at) == 2
    assert zone_data.take_over("2026b", jobs[0].created_at) == 0

    for job in [*jobs, untouched]:
        assert Job.objects.get(pk=job.pk).next_fire_at == job.next_fire_at


def test_an_instant_that_newer_rules_put_into_the_past_is_past() -> None:
    job = make_job(schedules=[cron("0 9 * * *", "Europe/Paris")])
    assert job.next_fire_at is not None
    zone_data.take_over("2026a", job.created_at)
    # By the old rules it was due an hour later than by the newer ones; that hour has begun.
    planned_by_old_rules(job, job.next_fire_at + timedelta(hours=1))
    now = job.next_fire_at + timedelta(minutes=30)

    zone_data.take_over("2026b", now)
    dispatch.dispatch_due(now)

    assert not Execution.objects.exists()
    moved = Job.objects.get(pk=job.pk).next_fire_at
    assert moved is not None
    assert moved > now + timedelta(hours=20)
