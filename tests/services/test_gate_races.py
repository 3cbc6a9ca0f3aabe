"""Many clusters at once never pass a limit or a mutex, and leave nothing behind that may begin."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction
from django.db.models import Count, Q
from django.utils import timezone

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.executors.base import ExecutionResult
from jobs.models import Execution, QueueStart, Worker
from jobs.services import claims, executions, queues, taking
from jobs.services.taking import Claim
from tests.factories import make_execution, make_job, make_worker

LIMIT, CLUSTERS, ROWS = 2, 4, 24
PATIENCE = 60  # seconds for all clusters together
QUEUES = ["narrow", "wide"]
ON_POSTGRESQL = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has one writer"
)


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
def test_a_limit_and_a_mutex_hold_between_clusters_that_claim_and_finish_at_once() -> None:
    """S3-67: one at a time, whoever claims."""
    job = make_job(overlap="allow", max_parallel=100)
    queues.update("narrow", {"limit": LIMIT}, actor=SYSTEM)
    for number in range(ROWS):
        make_execution(job, queue=QUEUES[number % 2], mutex="m" if number % 3 == 0 else "")
    job.refresh_from_db()
    start, seen = threading.Barrier(CLUSTERS), list[tuple[int, int]]()

    in_threads(CLUSTERS, lambda worker: work_off(worker, start, seen), start)

    assert Execution.objects.filter(state="succeeded").count() == ROWS
    assert max(narrow for narrow, _ in seen) <= LIMIT
    assert max(mutex for _, mutex in seen) == 1


def work_off(worker: Worker, start: threading.Barrier, seen: list[tuple[int, int]]) -> None:
    """Be a cluster until nothing waits; note at each run how many go on beside it."""
    start.wait()
    until = time.monotonic() + PATIENCE
    while Execution.objects.filter(state="queued").exists() and not start.broken:
        assert time.monotonic() < until, "executions wait that nobody may take"
        for claim in claims.claim(worker_id=worker.pk, queues=QUEUES, free=2):
            running = executions.start(claim.execution_id, claim.token, pid=1)
            while running is not None:
                seen.append(at_work())
                running = executions.finish_and_take(
                    running, succeeded(), worker_id=worker.pk, queues=QUEUES, pid=1
                )


def at_work() -> tuple[int, int]:
    """Return how many are at work in the narrow queue and with the mutex, at one moment."""
    return tuple(
        Execution.objects.filter(state__in=("claimed", "running"))
        .aggregate(
            narrow=Count("pk", filter=Q(queue="narrow")), mutex=Count("pk", filter=Q(mutex="m"))
        )
        .values()
    )


def in_threads(count: int, body: Callable[[Worker], None], start: threading.Barrier) -> None:
    """Let so many clusters do something at once, each on its own connection.

    One that fails breaks ``start``: what it holds would keep the others looking for ever.
    """
    errors: list[Exception] = []

    def run(worker: Worker) -> None:
        try:
            body(worker)
        except Exception as error:  # noqa: BLE001 - told by the main thread
            errors.append(error)
            start.abort()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[make_worker()]) for _ in range(count)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    assert errors == []
    assert not any(thread.is_alive() for thread in threads)


def succeeded() -> ExecutionResult:
    now = timezone.now()
    return ExecutionResult(
        state=ExecutionState.SUCCEEDED, started_at=now, finished_at=now, message="", exit_code=0
    )


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
def test_many_clusters_at_once_begin_exactly_the_limit() -> None:
    job = make_job()
    queues.update("narrow", {"limit": 3}, actor=SYSTEM)
    for _ in range(12):
        make_execution(job, queue="narrow")
    start, taken = threading.Barrier(6), list[Claim]()

    def claim_at_once(worker: Worker) -> None:
        start.wait()
        taken.extend(claims.claim(worker_id=worker.pk, queues=["narrow"], free=2))

    in_threads(6, claim_at_once, start)

    assert len(taken) == 3
    assert Execution.objects.filter(state="claimed").count() == 3


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
def test_a_claim_holds_no_execution_while_it_waits_for_the_gates() -> None:
    job = make_job()
    queues.update("narrow", {"limit": 1}, actor=SYSTEM)
    plain, limited = make_execution(job, queue="wide"), make_execution(job, queue="narrow")
    worker, taken = make_worker(), list[Claim]()

    def claim() -> None:
        taken.extend(claims.claim(worker_id=worker.pk, queues=["wide", "narrow"], free=2))
        connections.close_all()

    thread = threading.Thread(target=claim)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [taking._GATES_LOCK])
        thread.start()
        wait_until_somebody_waits(taking._GATES_LOCK)
        # Who has the lock gets all rows without waiting: none is held by who waits for it.
        rows = Execution.objects.select_for_update(nowait=True).order_by("pk")
        states = [row.state for row in rows]
    thread.join(PATIENCE)

    assert states == ["claimed", "queued"]
    assert [one.execution_id for one in taken] == [plain.pk, limited.pk]


def wait_until_somebody_waits(number: int) -> None:
    until = time.monotonic() + PATIENCE
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted",
                [number],
            )
            if cursor.fetchone() is not None:
                return
            assert time.monotonic() < until, "nobody waits for the lock"


@ON_POSTGRESQL
@pytest.mark.django_db(transaction=True)
def test_clusters_that_claim_and_finish_at_once_never_start_more_than_a_minute_allows() -> None:
    """S0-101: two or more clusters at once; each start is counted by all, and none twice."""
    job = make_job(overlap="allow", max_parallel=100)
    queues.update("narrow", {"starts_per_minute": 3}, actor=SYSTEM)
    for number in range(ROWS):
        make_execution(job, queue=QUEUES[number % 2])
    start = threading.Barrier(CLUSTERS)

    def work(worker: Worker) -> None:
        start.wait()
        for _ in range(3):
            for claim in claims.claim(worker_id=worker.pk, queues=QUEUES, free=2):
                running = executions.start(claim.execution_id, claim.token, pid=1)
                while running is not None:
                    running = executions.finish_and_take(
                        running, succeeded(), worker_id=worker.pk, queues=QUEUES, pid=1
                    )

    in_threads(CLUSTERS, work, start)
    # What two found locked is left to the next claim.
    claims.claim(worker_id=make_worker().pk, queues=QUEUES, free=ROWS)

    begun = Execution.objects.exclude(state="queued")
    assert begun.filter(queue="narrow").count() == 3
    assert begun.filter(queue="wide").count() == ROWS / 2
    assert QueueStart.objects.count() == 3
