"""A queue that limits how many of its runs start in a minute.

Time passes by moving what is stored back, as the database's own clock cannot be replaced.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from jobs import broker
from jobs.broker.pool import Pool
from jobs.domain.permissions import SYSTEM, Role
from jobs.domain.states import ExecutionState
from jobs.engine import supply as engine_supply
from jobs.engine.supply import Supply
from jobs.executors.base import ExecutionResult
from jobs.models import Attempt, AuditEntry, Execution, QueueStart, Worker
from jobs.queries.supply import supply
from jobs.queries.waiting import WaitsFor, waiting_of
from jobs.services import claims, executions, queues, rescue
from jobs.services.dispatch import dispatch_due
from jobs.services.running import Running
from tests.api.callers import caller
from tests.factories import every, make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db
LIMIT = 2


@pytest.fixture
def worker() -> Worker:
    queues.update("aws", {"starts_per_minute": LIMIT}, actor=SYSTEM)
    return make_worker(queues=["aws"])


def pass_seconds(seconds: float) -> None:
    """Let so much time pass: all that has happened is that much older."""
    back = timedelta(seconds=seconds)
    QueueStart.objects.update(claimed_at=F("claimed_at") - back)
    Execution.objects.update(claimed_at=F("claimed_at") - back, started_at=F("started_at") - back)
    Attempt.objects.update(started_at=F("started_at") - back)


def begin(worker: Worker, free: int = 9) -> list[Running]:
    """Claim and start all that may."""
    taken = claims.claim(worker_id=worker.pk, queues=["aws"], free=free)
    begun = [executions.start(one.execution_id, one.token, pid=1) for one in taken]
    return [one for one in begun if one is not None]


def ended(state: ExecutionState = ExecutionState.SUCCEEDED) -> ExecutionResult:
    now = timezone.now()
    return ExecutionResult(state=state, started_at=now, finished_at=now, message="")


def moments() -> list[datetime]:
    """Return when every attempt started, first to last."""
    latest_ones = Execution.objects.values_list("started_at", flat=True)
    found = [*latest_ones, *Attempt.objects.values_list("started_at", flat=True)]
    return sorted(at for at in found if at is not None)


def test_s0_101_five_due_jobs_of_one_connection_start_spread_out(worker: Worker) -> None:
    """S0-101: two a minute; five that are due at once start in order within two minutes."""
    connection_of = {"connection_name": "aws-ap-northeast-2"}
    kind: dict[str, Any] = {
        "type": "registerCspResources",
        "schedules": [every(600)],
        "queue": "aws",
    }
    jobs = [
        make_job(name=f"aws-{n}", spec={"ns_id": f"ns-{n}", **connection_of}, **kind)
        for n in range(5)
    ]
    dispatch_due(jobs[-1].created_at + timedelta(seconds=600))

    begun: dict[int, list[int]] = {}
    at = 0
    for step in (0, 30, 31, 30, 31):
        pass_seconds(step)
        at += step
        running = begin(worker, free=1) + begin(worker)
        begun[at] = [one.job_id for one in running]
        for one in running:
            executions.finish(one, ended())

    assert begun == {
        0: [jobs[0].pk, jobs[1].pk],
        30: [],
        61: [jobs[2].pk, jobs[3].pk],
        91: [],
        122: [jobs[4].pk],
    }
    assert all(later - at >= timedelta(minutes=1) for at, _, later in triples(moments()))
    assert Execution.objects.filter(state="succeeded").count() == 5


def triples(found: list[datetime]) -> list[tuple[datetime, datetime, datetime]]:
    """Return each with its next two."""
    return [(a, b, c) for (a, b), (_, c) in pairwise(pairwise(found))]


def test_attempts_count_given_back_ones_do_not_and_a_deleted_one_still_does(worker: Worker) -> None:
    """S0-101: a retry is a start like another; what never began leaves its place to others."""
    retry = {"max_attempts": 3, "kind": "fixed", "base_seconds": 1}
    row = make_execution(make_job(queue="aws", retry=retry), queue="aws")
    (first,) = begin(worker)
    executions.finish(first, ended(ExecutionState.FAILED))
    rescue.requeue_retries(timezone.now() + timedelta(minutes=1))
    (again,) = begin(worker)
    assert (again.execution_id, again.attempt) == (row.pk, 2)
    executions.finish(again, ended(ExecutionState.FAILED))
    rescue.requeue_retries(timezone.now() + timedelta(minutes=1))
    assert begin(worker) == []  # the third attempt waits as any other start

    pass_seconds(61)
    (claimed,) = claims.claim(worker_id=worker.pk, queues=["aws"], free=1)
    Execution.objects.create(**copied(row), trigger="manual", queue="aws")
    (other,) = claims.claim(worker_id=worker.pk, queues=["aws"], free=9)
    assert claims.give_back(worker.pk) == 2
    assert {one.execution_id for one in begin(worker)} == {
        claimed.execution_id,
        other.execution_id,
    }

    Execution.objects.all().delete()
    make_execution(queue="aws")
    assert begin(worker) == []
    pass_seconds(61)
    assert len(begin(worker)) == 1
    assert QueueStart.objects.count() <= 2 * LIMIT


def copied(row: Execution) -> dict[str, object]:
    return {"job": row.job, "version": 1, "due_at": row.due_at, "queued_at": row.queued_at}


def test_the_minute_begins_with_the_start_and_outlives_every_process(worker: Worker) -> None:
    """S0-101: what starts long after its claim counts from its start, for whoever claims next."""
    for _ in range(4):
        make_execution(queue="aws")
    taken = claims.claim(worker_id=worker.pk, queues=["aws"], free=2)
    pass_seconds(70)  # claimed, and not yet begun
    assert begin(make_worker(queues=["aws"])) == []
    for one in taken:
        assert executions.start(one.execution_id, one.token, pid=1) is not None

    pass_seconds(30)
    successor = make_worker(queues=["aws"])
    assert begin(successor) == []
    assert claims.claim_one(latest().pk, worker_id=successor.pk) is None
    pass_seconds(31)
    assert claims.claim_one(latest().pk, worker_id=successor.pk) is not None


def latest() -> Execution:
    return Execution.objects.latest("pk")


def test_a_worker_that_ends_one_takes_no_next_that_the_minute_has_no_room_for(
    worker: Worker,
) -> None:
    """S0-101: the short way from run to run passes the same gate."""
    for _ in range(4):
        make_execution(queue="aws")

    def chain(first: Running) -> int:
        count, running = 1, first
        while True:
            following = executions.finish_and_take(
                running, ended(), worker_id=worker.pk, queues=["aws"], pid=1
            )
            if following is None:
                return count
            count, running = count + 1, following

    assert chain(begin(worker, free=1)[0]) == LIMIT
    pass_seconds(61)
    assert chain(begin(worker, free=1)[0]) == LIMIT


def test_with_a_limit_of_runs_the_narrower_decides(worker: Worker) -> None:
    queues.update("aws", {"limit": 1}, actor=SYSTEM)
    for _ in range(4):
        make_execution(queue="aws")

    (first,) = begin(worker)
    assert waiting_for(latest()) is WaitsFor.LIMIT
    executions.finish(first, ended())
    (second,) = begin(worker)
    executions.finish(second, ended())
    assert begin(worker) == []
    assert waiting_for(latest()) is WaitsFor.STARTS

    queues.update("aws", {"starts_per_minute": None, "limit": None}, actor=SYSTEM)
    assert len(begin(worker)) == 2


def waiting_for(row: Execution) -> WaitsFor | None:
    found = waiting_of(row, timezone.now())
    return None if found is None else found.kind


def test_a_cluster_sleeps_until_the_next_start_is_free(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S0-101: not a look later, and not in a loop."""
    monkeypatch.setattr(engine_supply, "IDLE_SECONDS", 1000.0)
    source = Supply(Pool(workers=3), worker_id=worker.pk, queues=["aws"])
    for _ in range(3):
        make_execution(queue="aws")
    claimed = source.claim()
    for number, token in claimed:
        assert executions.start(number, token, pid=1) is not None
    assert len(claimed) == LIMIT
    assert source.claim() == []
    listener, slept = source._listener, list[float]()
    assert listener is not None
    monkeypatch.setattr(listener, "wait", lambda timeout, *_: slept.append(timeout))
    source.wait()
    pass_seconds(30)
    assert source.claim() == []
    source.wait()
    whole, rest = slept
    assert 0 < rest <= whole - 30 <= 30
    opens_in = supply(worker.pk, ["aws"]).opens_in
    assert opens_in is not None
    assert opens_in <= rest

    pass_seconds(opens_in)
    assert len(source.claim()) == 1
    source.close()


def test_with_redis_as_transport_the_table_is_asked_when_the_next_start_is_free(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S0-101: no number comes again for what was held back, so the wait for numbers ends in time."""
    source, slept = Supply(Pool(workers=9), worker_id=worker.pk, queues=["aws"]), list[float]()
    rows = [make_execution(queue="aws") for _ in range(3)]

    def no_number(queues: object, wanted: int, *, timeout: float) -> list[int]:
        slept.append(timeout)
        return []

    monkeypatch.setattr(engine_supply, "REDIS_SECONDS", 1000.0)
    monkeypatch.setattr(engine_supply, "GATED_LOOK_SECONDS", 1000.0)
    monkeypatch.setattr(broker, "is_available", lambda: True)
    monkeypatch.setattr(broker, "take", no_number)

    claimed = source.claim()
    for number, token in claimed:
        assert executions.start(number, token, pid=1) is not None
    assert source.claim() == []
    pass_seconds(61)
    later = source.claim()
    source.close()

    assert [number for number, _ in (*claimed, *later)] == [row.pk for row in rows]
    assert len(later) == 1
    assert len(slept) == 1
    assert 0 < slept[0] <= 60


def test_a_queue_without_the_limit_notes_and_asks_nothing(worker: Worker) -> None:
    plain = make_execution()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = supply(worker.pk, ["default"])
        (claim,) = claims.claim(worker_id=worker.pk, queues=["default"], free=1)

    assert (found.ready, claim.execution_id) == (True, plain.pk)
    assert "jobs_queuestart" not in str(asked.captured_queries)
    assert not QueueStart.objects.exists()


def test_what_waits_says_so_everywhere(worker: Worker, viewer_client: Client) -> None:
    """S0-101: the run's page, the explanation, the queue's page, API, health and audit."""
    job = make_job(queue="aws", schedules=[every(3600)])
    due = job.created_at + timedelta(hours=1)
    for _ in range(LIMIT):
        make_execution(queue="aws")
    begin(worker)
    row = make_execution(job, queue="aws", trigger="schedule", due_at=due, queued_at=due)
    opens_at = min(moments()) + timedelta(minutes=1)

    found = waiting_of(row, timezone.now())
    assert found is not None
    assert (found.kind, found.until) == (WaitsFor.STARTS, opens_at)
    page = html_of(viewer_client, reverse("execution", args=[row.pk]))
    asked = f"{reverse('explain', args=[job.pk])}?at={due:%Y-%m-%dT%H:%M:%S.%fZ}"
    why = html_of(viewer_client, asked)
    listed = html_of(viewer_client, reverse("queues"))
    told = caller(Role.VIEWER).call("GET", "/queues/aws").json

    assert "Waits: queue aws starts at most 2 a minute; the next start is free at" in page
    assert opens_at.strftime("%H:%M:%S") in page
    assert "It waits: queue aws starts at most 2 a minute. The next start is free at" in why
    assert "at most 2 starts a minute" in listed
    assert "the next start is free at" in listed
    assert told["starts_per_minute"] == 2
    assert told["next_start_at"][:19] == opens_at.strftime("%Y-%m-%dT%H:%M:%S")
    entry = AuditEntry.objects.get(action="queue.update")
    assert (entry.after or {})["starts_per_minute"] == 2

    Execution.objects.filter(pk=row.pk).update(queued_at=timezone.now() - timedelta(minutes=30))
    health = html_of(viewer_client, f"{reverse('health')}?queue=aws")
    assert "Raise how many runs of the queue may start in a minute" in health


def html_of(client: Client, path: str) -> str:
    return " ".join(client.get(path).content.decode().split())
