"""Endings, dispatchers and people at the same moment: one opening, one audit entry, no deadlock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.executors.base import ExecutionResult
from jobs.models import AuditEntry, Breaker, Job
from jobs.services import breakers, claims, dispatch, executions
from jobs.services.running import Running
from jobs.services.triggers import trigger
from tests.factories import every, make_job, make_worker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "connection.vendor != 'postgresql'", reason="SQLite has one writer: nothing meets there"
    ),
]


def started(job: Job, count: int) -> list[Running]:
    """Return executions of the job that are all under way."""
    for _ in range(count):
        trigger(job.pk, actor=SYSTEM)
    taken = claims.claim(worker_id=make_worker().pk, queues=["default"], free=count)
    found = [executions.start(one.execution_id, one.token, pid=4711) for one in taken]
    return [one for one in found if one is not None]


def fail(running: Running) -> None:
    """End an execution by a failure."""
    now = datetime.now(UTC)
    result = ExecutionResult(
        state=ExecutionState.FAILED, started_at=now, finished_at=now, exit_code=1
    )
    assert executions.finish(running, result)


def at_once(*acts: Callable[[], object]) -> None:
    """Do all at the same moment, each on a connection of its own; raise what one raises."""

    def one(act: Callable[[], object]) -> None:
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        for future in [pool.submit(one, act) for act in acts]:
            future.result(timeout=60)


def test_ten_failures_at_once_disable_a_job_exactly_once() -> None:
    job = make_job(auto_disable_after=5, overlap="allow", max_parallel=10, schedules=[every(60)])
    running = started(job, 10)

    at_once(*(lambda one=one: fail(one) for one in running))

    job.refresh_from_db()
    assert (job.state, job.consecutive_failures) == ("auto_disabled", 10)
    assert job.state_reason == "5 failures in a row"
    assert AuditEntry.objects.filter(action="job.auto_disable", object_id=job.pk).count() == 1


def test_two_jobs_of_one_breaker_open_it_once_beside_dispatchers_and_people() -> None:
    asked = {"name": "paris", "threshold": 5, "open_seconds": 300}
    shape: dict[str, Any] = {"overlap": "allow", "max_parallel": 50, "schedules": [every(1)]}
    jobs = [make_job(breaker=asked, **shape), make_job(breaker="paris", **shape)]
    running = [one for job in jobs for one in started(job, 8)]
    number = Breaker.objects.get().pk

    def dispatching() -> None:
        for second in range(20):
            dispatch.dispatch_due(timezone.now() + timedelta(seconds=second))

    at_once(*(lambda one=one: fail(one) for one in running), dispatching, dispatching)
    row = Breaker.objects.get()

    assert row.state == "open"
    assert row.reason == "5 failures in a row within 60 s"
    assert AuditEntry.objects.filter(action="breaker.open").count() == 1
    for job in jobs:
        job.refresh_from_db()
        assert job.failure_count == 8

    at_once(
        dispatching,
        lambda: breakers.close(number, actor=SYSTEM),
        lambda: breakers.trip(number, actor=SYSTEM),
        lambda: breakers.close(number, actor=SYSTEM),
        dispatching,
    )


def test_two_dispatchers_let_one_test_run_through() -> None:
    asked = {"name": "paris", "threshold": 1, "open_seconds": 1}
    jobs = [make_job(breaker=asked, schedules=[every(60)])]
    jobs += [make_job(breaker="paris", schedules=[every(60)]) for _ in range(5)]
    (running,) = started(jobs[0], 1)
    fail(running)
    past = timezone.now() - timedelta(seconds=5)
    Breaker.objects.update(opened_at=past, open_until=past + timedelta(seconds=1))
    due = timezone.now() + timedelta(seconds=61)

    at_once(*(lambda: dispatch.dispatch_due(due, batch=1) for _ in range(6)))
    while dispatch.dispatch_due(due).jobs:
        pass

    assert Breaker.objects.get().state == "half_open"
    assert sum(job.executions.filter(state="queued").count() for job in jobs) == 1
    assert sum(row.count for job in jobs for row in job.omissions.all()) == 5
