"""Jitter and spread put the start off; the due time stays on its grid."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.domain import schedule as rules
from jobs.domain.permissions import SYSTEM
from jobs.models import Execution, Job
from jobs.queries.due import next_moment
from jobs.services import claims, dispatch, releasing
from jobs.services import jobs as job_services
from jobs.services.firing import rules_of
from tests.factories import every, make_job, make_worker

pytestmark = pytest.mark.django_db


def put_off(seconds: float = 3600, **fields: Any) -> tuple[Job, Execution]:
    """Return a job whose first execution waits for its jitter."""
    job = make_job(schedules=[{**every(7200), "jitter_seconds": seconds}], **fields)
    assert job.next_fire_at is not None
    dispatch.dispatch_due(job.next_fire_at)
    return job, job.executions.get()


def claimed() -> list[int]:
    """Return what a free worker is given."""
    found = claims.claim(worker_id=make_worker().pk, queues=["default"], free=10)
    return [claim.execution_id for claim in found]


def test_an_execution_waits_for_its_jitter_and_keeps_its_due_time() -> None:
    job, execution = put_off()
    expected = rules.start_at(rules_of(job.schedules.all()), execution.due_at, seed=str(job.pk))

    assert execution.due_at == job.created_at + timedelta(hours=2)
    assert execution.wait_until == expected
    assert execution.due_at < expected <= execution.due_at + timedelta(hours=1)
    assert claimed() == []
    assert next_moment() == expected


def test_it_starts_when_its_moment_has_come() -> None:
    _, execution = put_off()
    assert execution.wait_until is not None

    assert releasing.release_put_off(execution.wait_until - timedelta(microseconds=1)) == 0
    assert releasing.release_put_off(execution.wait_until) == 1

    assert claimed() == [execution.pk]


def test_a_start_that_should_have_been_long_ago_does_not_wait() -> None:
    job = make_job(schedules=[{**every(60), "spread_seconds": 60}], misfire="fire_once")

    dispatch.dispatch_due(job.created_at + timedelta(days=1, seconds=59))

    waiting = [one.wait_until for one in job.executions.all()]
    late = [moment for moment in waiting if moment and moment < job.created_at + timedelta(days=1)]
    assert late == []


def test_a_pause_takes_back_what_waits_for_its_jitter() -> None:
    job, execution = put_off()

    job_services.pause(job.pk, actor=SYSTEM)

    execution.refresh_from_db()
    assert (execution.state, execution.wait_until) == ("skipped", None)
    assert next_moment() is None


def test_one_behind_another_waits_for_both() -> None:
    job, first = put_off(overlap="queue")
    job.refresh_from_db()
    assert job.next_fire_at is not None
    dispatch.dispatch_due(job.next_fire_at)
    second = job.executions.get(pk__gt=first.pk)
    assert first.wait_until is not None
    assert second.wait_until is not None

    releasing.release_put_off(first.wait_until)
    assert claimed() == [first.pk]
    # Its own moment has come, but the first one still runs.
    releasing.release_put_off(second.wait_until)
    assert claimed() == []
    assert Execution.objects.get(pk=second.pk).wait_until is None

    Execution.objects.filter(pk=first.pk).update(state="succeeded")
    releasing.release(job.pk, job.overlap, second.due_at)
    assert claimed() == [second.pk]


def test_spread_is_the_same_at_each_due_time_and_differs_between_jobs() -> None:
    def offsets(job: Job) -> list[timedelta]:
        found = []
        for _ in range(3):
            job.refresh_from_db()
            assert job.next_fire_at is not None
            dispatch.dispatch_due(job.next_fire_at)
            latest = job.executions.latest("pk")
            assert latest.wait_until is not None
            found.append(latest.wait_until - latest.due_at)
        return found

    spread = [{**every(7200), "spread_seconds": 3600}]
    first = offsets(make_job(schedules=spread, overlap="allow", max_parallel=10))
    second = offsets(make_job(schedules=spread, overlap="allow", max_parallel=10))

    assert len(set(first)) == len(set(second)) == 1
    assert first[0] != second[0]


def test_many_jobs_of_one_minute_start_apart() -> None:
    """S1-87."""
    jobs = [make_job(schedules=[{**every(3600), "jitter_seconds": 600}]) for _ in range(20)]
    due = max(moment for job in jobs if (moment := job.next_fire_at))

    dispatch.dispatch_due(due)

    starts: list[datetime] = [
        one.wait_until or one.due_at for one in Execution.objects.order_by("pk")
    ]
    assert len(set(starts)) == 20
    assert max(starts) - min(starts) > timedelta(minutes=2)
