"""Limits, pauses, mutexes and labels: what waits, and what begins the moment it may."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.domain.labels import covers
from jobs.domain.states import ExecutionState
from jobs.domain.turns import EVERY, Turns
from jobs.models import Execution, Job, Queue, Worker
from jobs.queries.supply import supply
from jobs.services import claims, taking
from tests.factories import make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db
NEVER = 10**9
# The indexes of what waits, and their columns.
WAITING_INDEXES = {
    "execution_ready": "queue, priority DESC, id",
    "execution_waiting": "queue, requires, id",
}


@pytest.fixture(autouse=True)
def no_turn_of_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let priority decide, except in the tests about starvation."""
    monkeypatch.setattr(taking, "_turns", Turns(NEVER))


def make_queue(name: str = "default", **fields: Any) -> Queue:
    now = datetime.now(UTC)
    return Queue.objects.create(name=name, created_at=now, updated_at=now, **fields)


def taken(worker: Worker, free: int = 10, **more: Any) -> list[int]:
    queues = more.pop("queues", ["default"])
    return [
        c.execution_id for c in claims.claim(worker_id=worker.pk, queues=queues, free=free, **more)
    ]


def end(*numbers: int) -> None:
    Execution.objects.filter(pk__in=numbers).update(state=ExecutionState.SUCCEEDED.value)


def test_a_limit_lets_so_many_begin_and_the_next_when_one_ends() -> None:
    make_queue(concurrency=2)
    job, worker = make_job(), make_worker()
    rows = [make_execution(job).pk for _ in range(4)]

    first = taken(worker)
    assert first == rows[:2]
    assert not supply(worker.pk, ["default"]).ready
    assert taken(worker) == []

    end(rows[0])
    assert supply(worker.pk, ["default"]).ready
    assert taken(worker) == [rows[2]]


def test_what_waits_for_its_next_attempt_keeps_slot_and_mutex() -> None:
    """S3-78: retries hold what the first attempt took."""
    make_queue(concurrency=1)
    job, worker = make_job(), make_worker()
    first = make_execution(job, state="retrying", mutex="m", attempt=1)
    make_execution(job, priority=50)
    other = make_execution(job, queue="other", mutex="m")

    assert taken(worker, queues=["default", "other"]) == []

    Execution.objects.filter(pk=first.pk).update(state="queued", attempt=2)
    assert taken(worker, queues=["other"]) == []
    assert taken(worker, queues=["default", "other"]) == [first.pk]

    end(first.pk)
    assert other.pk in taken(worker, queues=["other"])


def test_a_lowered_limit_lets_those_that_have_begun_run_on_one_by_one() -> None:
    job, worker = make_job(), make_worker()
    begun = [make_execution(job, attempt=2).pk for _ in range(3)]
    make_execution(job, priority=50)
    make_queue(concurrency=1)

    assert taken(worker) == begun[:1]
    end(begun[0])
    assert taken(worker) == begun[1:2]


def test_a_taken_mutex_holds_up_only_those_that_name_it() -> None:
    job, worker = make_job(), make_worker()
    holder = make_execution(job, state="running", mutex="m", queue="elsewhere")
    blocked = make_execution(job, mutex="m", priority=50)
    free = make_execution(job, mutex="n", priority=20)
    second = make_execution(job, mutex="n", priority=10)
    plain = make_execution(job)

    assert set(taken(worker)) == {free.pk, plain.pk}
    assert supply(worker.pk, ["default"]).ready is False

    end(holder.pk, free.pk)
    assert taken(worker) == [blocked.pk, second.pk]


def test_a_paused_queue_and_a_drained_cluster_take_nothing() -> None:
    queue = make_queue(paused_at=datetime.now(UTC))
    job, worker = make_job(), make_worker()
    row = make_execution(job)

    assert taken(worker) == []
    assert claims.claim_one(row.pk, worker_id=worker.pk) is None
    assert not supply(worker.pk, ["default"]).ready

    queue.delete()
    Worker.objects.filter(pk=worker.pk).update(drain_requested_at=datetime.now(UTC))
    assert taken(worker) == []
    assert claims.claim_one(row.pk, worker_id=worker.pk) is None
    assert claims.take_next(worker_id=worker.pk, queues=["default"], pid=1) is None
    assert supply(worker.pk, ["default"]) == (0, False, True, None)
    assert taken(make_worker()) == [row.pk]


def test_labels_pick_the_cluster() -> None:
    """S4-107, S4-110."""
    job, worker = make_job(), make_worker()
    both = make_execution(job, requires="gpu,region=eu", priority=9)
    eu = make_execution(job, requires="region=eu")
    plain = make_execution(job)

    assert taken(worker) == [plain.pk]
    assert not supply(worker.pk, ["default"]).ready
    assert not supply(worker.pk, ["default"], ["gpu"]).ready
    assert supply(worker.pk, ["default"], ["region=eu"]).ready
    assert claims.claim_one(eu.pk, worker_id=worker.pk, labels=["gpu"]) is None
    assert taken(worker, labels=["region=eu"]) == [eu.pk]
    assert taken(worker, labels=["x", "region=eu", "gpu"]) == [both.pk]


def test_a_number_from_the_transport_passes_the_same_gates() -> None:
    make_queue(concurrency=1)
    job, worker = make_job(), make_worker()
    first, second = make_execution(job), make_execution(job, mutex="m")

    assert claims.claim_one(first.pk, worker_id=worker.pk) is not None
    assert claims.claim_one(first.pk, worker_id=worker.pk) is None
    assert claims.claim_one(second.pk, worker_id=worker.pk) is None
    end(first.pk)
    assert claims.claim_one(second.pk, worker_id=worker.pk) is not None


def test_each_tenth_turn_goes_to_the_oldest_of_all_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "_turns", Turns())
    job, worker = make_job(), make_worker()
    low = [make_execution(job, priority=-5, queue="back").pk for _ in range(2)]
    high = [make_execution(job, priority=5, queue="front").pk for _ in range(3 * EVERY)]

    order = [taken(worker, 1, queues=["front", "back"])[0] for _ in range(2 * EVERY)]

    assert order[EVERY - 1] == low[0]
    assert order[2 * EVERY - 1] == low[1]
    assert order[: EVERY - 1] == high[: EVERY - 1]


def test_each_tenth_turn_goes_to_the_oldest_of_one_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "_turns", Turns())
    job, worker = make_job(), make_worker()
    low = [
        make_execution(job, priority=-5, mutex=m, requires=r).pk
        for m, r in (("", ""), ("m", ""), ("", "gpu"))
    ]
    for _ in range(4 * EVERY):
        make_execution(job, priority=5)

    order = [taken(worker, 1, labels=["gpu"])[0] for _ in range(3 * EVERY)]

    assert [order[n * EVERY - 1] for n in (1, 2, 3)] == low


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),  # queue
        st.integers(0, 2),  # priority
        st.sampled_from(["", "", "m", "n"]),  # mutex
        st.sampled_from(["", "", "eu", "eu,gpu"]),  # requires
        st.sampled_from(["queued", "queued", "queued", "running", "retrying"]),
        st.integers(1, 2),  # attempt
    ),
    max_size=14,
)


@pytest.fixture
def shared_job() -> Job:
    return make_job()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=ROWS,
    limits=st.tuples(*[st.sampled_from([None, 1, 2, 3, "paused"])] * 2),
    labels=st.sampled_from([[], ["eu"], ["eu", "gpu"]]),
    free=st.integers(1, 6),
)
def test_what_is_taken_is_what_a_plain_model_says(
    shared_job: Job, rows: list[Any], limits: Any, labels: list[str], free: int
) -> None:
    Execution.objects.all().delete()
    Queue.objects.all().delete()
    worker = make_worker()
    made: list[Execution] = []
    for queue, priority, mutex, requires, state, attempt in rows:
        holds = state != "queued" or attempt > 1
        if holds and any(row.mutex == mutex and holding(row) for row in made):
            mutex = ""  # two holders of one mutex cannot be
        made.append(
            make_execution(
                shared_job,
                queue=queue,
                priority=priority,
                mutex=mutex,
                requires=requires,
                state=state,
                attempt=attempt,
            )
        )
    for name, limit in zip("ab", limits, strict=True):
        if limit == "paused":
            make_queue(name, paused_at=datetime.now(UTC))
        elif limit is not None:
            make_queue(name, concurrency=limit)

    expected = model(made, dict(zip("ab", limits, strict=True)), labels, free)
    assert supply(worker.pk, ["a", "b"], labels).ready == bool(expected)
    assert sorted(taken(worker, free, queues=["a", "b"], labels=labels)) == sorted(expected)


def holding(row: Execution) -> bool:
    return row.state in ("claimed", "running", "retrying") or (
        row.state == "queued" and row.attempt > 1
    )


def model(rows: list[Execution], limits: dict[str, Any], labels: list[str], free: int) -> list[int]:
    """Go through each queue in order and take whatever nothing forbids."""
    found: list[int] = []
    for name in "ab":
        if limits[name] == "paused":
            continue
        mine = sorted((r for r in rows if r.queue == name), key=lambda r: (-r.priority, r.pk))
        for row in mine:
            others = [r for r in rows if r.pk != row.pk and holding(r)]
            limit = limits[name] or NEVER
            running = sum(r.queue == name and r.state in ("claimed", "running") for r in others)
            held = sum(r.queue == name for r in others)
            if (
                len(found) < free
                and row.state == "queued"
                and covers(labels, row.requires)
                and running < limit
                and (row.attempt > 1 or held < limit)
                and not (row.mutex and any(r.mutex == row.mutex for r in others))
            ):
                row.state = "claimed"
                found.append(row.pk)
    return found


@pytest.mark.long
def test_thousands_that_wait_for_one_mutex_do_not_slow_the_others() -> None:
    job, worker, now = make_job(), make_worker(), datetime.now(UTC)
    make_execution(job, state="running", mutex="m", queue="elsewhere")
    fields = {"job": job, "version": 1, "due_at": now, "queued_at": now, "trigger": "manual"}
    Execution.objects.bulk_create(Execution(**fields, mutex="m") for _ in range(4000))
    last = make_execution(job, priority=-5)
    begun = time.monotonic()

    assert taken(worker) == [last.pk]

    # Milliseconds; 15 s when each of them looked at all of them.
    assert time.monotonic() - begun < 5


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL plans by its own figures")
def test_every_question_of_a_claim_has_its_index() -> None:
    from jobs.queries import ready

    def plan(statement: str) -> str:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
            return " ".join(str(row) for row in cursor.fetchall())

    holding_text = ready.HOLDING.format("")
    assert "execution_holding" in plan(
        f"SELECT count(*) FROM jobs_execution WHERE queue = 'x' AND {holding_text}"
    )
    assert "execution_mutex" in plan(
        f"SELECT 1 FROM jobs_execution e WHERE e.id = 1 AND {ready.MUTEX_TAKEN}"
    )
    kinds = ready._KINDS.replace("%s", "'x'")
    # Django 6.1 words the condition otherwise; the table may be of either.
    for condition in ("NOT held AND state = 'queued'", "held = 0 AND state = 'queued'"):
        with connection.cursor() as cursor:
            for name, columns in WAITING_INDEXES.items():
                cursor.execute(f"DROP INDEX {name}")
                cursor.execute(
                    f"CREATE INDEX {name} ON jobs_execution ({columns}) WHERE ({condition})"
                )
        assert plan(kinds).count("execution_waiting") >= 3
        assert "execution_ready" in plan(
            f"SELECT id FROM jobs_execution WHERE {ready.WAITING.format('')} AND queue = 'x' "
            "ORDER BY priority DESC, id LIMIT 1"
        )
