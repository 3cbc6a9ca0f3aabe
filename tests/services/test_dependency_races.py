"""Endings, dispatchers and edits at the same moment: every round starts once, no circle, no deadlock."""

from __future__ import annotations

import contextlib

import pytest
from django.db import connection
from django.utils import timezone

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.executors.base import ExecutionResult
from jobs.models import Dependency, Execution, Job
from jobs.services import dependencies, executions
from jobs.services import jobs as job_services
from jobs.services.running import Running
from tests.factories import make_job
from tests.services.test_breaker_races import at_once, started

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite has one writer: nothing meets there"
    ),
]


def succeed(running: Running) -> None:
    now = timezone.now()
    result = ExecutionResult(
        state=ExecutionState.SUCCEEDED, started_at=now, finished_at=now, exit_code=0
    )
    assert executions.finish(running, result)


def serve(times: int = 20) -> None:
    for _ in range(times):
        dependencies.serve_ended(timezone.now())


def test_the_last_endings_of_all_at_once_start_each_waiting_job_once() -> None:
    last = make_job(name="aaa")  # has the smallest number, and waits for greater ones
    above = [make_job(overlap="allow", max_parallel=20) for _ in range(3)]
    names = [job.name for job in above]
    job_services.update(last.pk, {"depends_on": names, "overlap": "queue"}, actor=SYSTEM)
    more = [make_job(depends_on=names, overlap="allow", max_parallel=20) for _ in range(3)]
    running = [started(job, 4) for job in above]

    # Each round has one ending of each job, all at the same moment, beside two dispatchers.
    for ends in zip(*running, strict=True):
        at_once(*(lambda one=one: succeed(one) for one in ends), serve, serve)
        serve()

    for job in more:
        rows = Execution.objects.filter(job=job, trigger="dependency").order_by("pk")
        brought = [set(row.upstream or ()) for row in rows]
        assert brought == [
            {one.execution_id for one in ends} for ends in zip(*running, strict=True)
        ]
    assert Execution.objects.filter(job=last, trigger="dependency").count() >= 1
    assert not Dependency.objects.filter(met_by_execution_id__isnull=False).exists()


@pytest.mark.parametrize("_again", range(4))
def test_two_edits_at_once_never_close_a_circle(_again: int) -> None:
    one, two = make_job(), make_job()
    refused: list[str] = []

    def wait_for(job: Job, other: Job) -> None:
        try:
            job_services.update(job.pk, {"depends_on": [other.name]}, actor=SYSTEM)
        except InvalidError as error:
            refused.append(error.message)

    at_once(
        lambda: wait_for(one, two),
        lambda: wait_for(two, one),
        lambda: job_services.update(one.pk, {"description": "x"}, actor=SYSTEM),
    )

    assert len(refused) == 1
    assert "->" in refused[0]
    assert Dependency.objects.filter(job__in=[one, two]).count() == 1


def test_edits_deletions_and_dispatchers_never_wait_for_each_other_in_a_ring() -> None:
    jobs = [make_job(overlap="allow", max_parallel=50) for _ in range(4)]
    low, high = jobs[0], jobs[3]
    job_services.update(low.pk, {"depends_on": [high.name]}, actor=SYSTEM)
    doomed = make_job(depends_on=[jobs[1].name, high.name])
    running = started(high, 6)

    def edit() -> None:
        for number in range(6):
            wanted = [high.name, jobs[1 + number % 2].name]
            job_services.update(low.pk, {"depends_on": wanted}, actor=SYSTEM)
            job_services.update(low.pk, {"depends_on": [high.name]}, actor=SYSTEM)

    def remove() -> None:
        job_services.delete(jobs[1].pk, actor=SYSTEM)
        job_services.delete(doomed.pk, actor=SYSTEM)

    def edits() -> None:
        with contextlib.suppress(InvalidError):  # it names what was deleted meanwhile
            edit()

    at_once(edits, remove, serve, serve, *(lambda one=one: succeed(one) for one in running))
    serve()

    assert not Dependency.objects.filter(upstream=jobs[1]).exists()
    low.refresh_from_db()
    high.refresh_from_db()
    assert Execution.objects.filter(job=low).count() == low.execution_count
    assert high.is_upstream is Dependency.objects.filter(upstream=high).exists()
