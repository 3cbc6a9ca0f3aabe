"""The life of an execution: each edge once, counters equal to history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Sum

from jobs.domain.errors import ForbiddenError, StateError
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.states import ExecutionState, Stream, Trigger
from jobs.executors.base import Chunk, ExecutionResult
from jobs.models import AuditEntry, Execution, Job, LogChunk, Stat
from jobs.queries.logs import pieces
from jobs.services import cancelling, claims, dispatch, executions, rescue
from jobs.services import jobs as job_services
from jobs.services.batch import new_execution
from jobs.services.running import Running
from jobs.services.triggers import trigger
from tests.factories import every, make_job, make_worker

pytestmark = pytest.mark.django_db


def result(state: ExecutionState = ExecutionState.SUCCEEDED, **fields: Any) -> ExecutionResult:
    """Return how a command ended."""
    now = datetime.now(UTC)
    return ExecutionResult(state=state, started_at=now, finished_at=now, **fields)


def start(job: Job) -> Running:
    """Queue, claim and start an execution of ``job``."""
    trigger(job.pk, actor=SYSTEM)
    return start_next()


def start_next() -> Running:
    """Claim and start what is queued."""
    worker = make_worker()
    (claim,) = claims.claim(worker_id=worker.pk, queues=["default"], free=1)
    running = executions.start(claim.execution_id, claim.token, pid=4711)
    assert running is not None
    return running


def counters(job: Job) -> dict[str, int]:
    """Return the job's stored counters."""
    job.refresh_from_db()
    return {
        "all": job.execution_count,
        "good": job.success_count,
        "bad": job.failure_count,
        "cancelled": job.cancelled_count,
        "skipped": job.skipped_count,
    }


def recounted(job: Job) -> dict[str, int]:
    """Return the same from the history."""
    states = list(job.executions.values_list("state", flat=True))
    bad = {"failed", "timed_out", "lost"}
    return {
        "all": len(states),
        "good": states.count("succeeded"),
        "bad": sum(state in bad for state in states),
        "cancelled": states.count("cancelled"),
        "skipped": states.count("skipped"),
    }


def test_claiming_takes_the_best_priority_first_and_no_more_than_is_free() -> None:
    """S4-08."""
    low = make_job(priority="low")
    high = make_job(priority="high")
    for job in (low, low, high):
        Execution.objects.bulk_create(
            [new_execution(job, due_at=datetime.now(UTC), trigger=Trigger.API, now=job.created_at)]
        )

    taken = claims.claim(worker_id=make_worker().pk, queues=["default"], free=2)

    assert [Execution.objects.get(pk=c.execution_id).job_id for c in taken] == [low.pk, high.pk]
    assert Execution.objects.filter(state="queued").count() == 1


def test_a_claim_starts_once_only() -> None:
    """S3-66, S3-71: only the holder of the token starts it."""
    trigger(make_job().pk, actor=SYSTEM)
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=5)

    first = executions.start(claim.execution_id, claim.token, pid=1)
    second = executions.start(claim.execution_id, claim.token, pid=2)

    assert first is not None
    assert second is None


def test_a_success_counts_and_keeps_the_output() -> None:
    job = make_job()
    running = start(job)
    chunks = [Chunk(Stream.STDOUT, b"hello\n"), Chunk(Stream.STDERR, b"oops\0\xff")]

    assert executions.finish(running, result(exit_code=0, output_bytes=12), chunks)

    assert counters(job) == recounted(job)
    assert job.recent[0][:2] == [running.execution_id, "succeeded"]
    assert job.last_state == "succeeded"
    printed = pieces(running.execution_id)
    assert [(piece.stream, piece.offset, piece.data) for piece in printed] == [
        ("stdout", 0, b"hello\n"),
        ("stderr", 6, b"oops\0\xff"),
    ]
    assert Stat.objects.aggregate(n=Sum("succeeded"))["n"] == 1


def test_a_finished_execution_never_changes() -> None:
    running = start(make_job())
    executions.finish(running, result())

    again = executions.finish(running, result(ExecutionState.FAILED))

    assert not again
    assert Execution.objects.get().state == "succeeded"


def test_a_failure_with_attempts_left_waits_and_does_not_count() -> None:
    job = make_job(retry={"max_attempts": 2, "base_seconds": 5})
    running = start(job)

    executions.finish(running, result(ExecutionState.FAILED, exit_code=3, message="no"))

    execution = Execution.objects.get()
    assert execution.state == "retrying"
    assert execution.retry_at is not None
    assert (execution.retry_at - datetime.now(UTC)) > timedelta(seconds=3)
    assert counters(job)["bad"] == 0
    assert execution.attempts.get().exit_code == 3


def test_the_next_attempt_is_the_same_execution_and_the_last_one_counts() -> None:
    job = make_job(retry={"max_attempts": 2, "base_seconds": 0})
    executions.finish(start(job), result(ExecutionState.FAILED), [Chunk(Stream.STDOUT, b"one")])

    assert rescue.requeue_retries(datetime.now(UTC)) == 1
    running = start_next()
    executions.finish(running, result(ExecutionState.FAILED), [Chunk(Stream.STDOUT, b"two")])

    execution = Execution.objects.get()
    assert (execution.state, execution.attempt) == ("failed", 2)
    assert list(execution.attempts.values_list("number", flat=True)) == [1, 2]
    assert counters(job) == recounted(job)
    assert list(LogChunk.objects.values_list("attempt", "offset")) == [(1, 0), (2, 3)]


def test_enough_failures_in_a_row_stop_the_job_once() -> None:
    job = make_job(schedules=[every(60)], auto_disable_after=2)
    for _ in range(2):
        executions.finish(start(job), result(ExecutionState.FAILED, error="boom"))

    job.refresh_from_db()
    assert (job.state, job.consecutive_failures) == ("auto_disabled", 2)
    assert job.next_fire_at is None
    assert job.last_error == "boom"
    assert AuditEntry.objects.filter(action="job.auto_disable").count() == 1


def test_a_worker_takes_the_next_one_in_the_transaction_of_its_last() -> None:
    first, second = make_job(), make_job()
    running = start(first)
    trigger(second.pk, actor=SYSTEM)
    worker = make_worker()

    following = executions.finish_and_take(
        running, result(), worker_id=worker.pk, queues=["other", "default"], pid=5
    )

    assert following is not None
    assert (following.job_id, following.started_at is not None) == (second.pk, True)
    assert Execution.objects.get(pk=following.execution_id).state == "running"


def test_the_end_of_the_first_releases_the_one_that_waits() -> None:
    job = make_job(overlap="queue")
    running = start(job)
    held = trigger(job.pk, actor=SYSTEM)
    assert claims.claim(worker_id=make_worker().pk, queues=["default"], free=5) == []

    executions.finish(running, result())

    held.refresh_from_db()
    assert not held.held
    assert len(claims.claim(worker_id=make_worker().pk, queues=["default"], free=5)) == 1


def test_run_now_beside_a_running_execution_is_refused_by_the_skip_policy() -> None:
    """S2-33, S3-72: the same slot as the scheduled run."""
    job = make_job(overlap="skip")
    running = start(job)

    with pytest.raises(StateError, match=f"#{running.execution_id} is still in progress"):
        trigger(job.pk, actor=SYSTEM)


def test_a_counter_that_no_row_bears_out_keeps_nobody_from_starting_by_hand() -> None:
    job = make_job(overlap="skip")
    Job.objects.filter(pk=job.pk).update(execution_count=3)

    execution = trigger(job.pk, actor=SYSTEM)

    assert (execution.state, execution.held) == ("queued", False)
    with pytest.raises(StateError, match=f"#{execution.pk} is still in progress"):
        trigger(job.pk, actor=SYSTEM)


def test_the_same_idempotency_key_starts_one() -> None:
    job = make_job(overlap="allow", max_parallel=5)

    first = trigger(job.pk, actor=SYSTEM, idempotency_key="abc")
    second = trigger(job.pk, actor=SYSTEM, idempotency_key="abc")

    assert first == second
    assert counters(job)["all"] == 1


def test_a_beat_renews_the_lease_and_brings_the_wish_to_cancel() -> None:
    """S3-70: the lease is renewed while it runs."""
    running = start(make_job())
    assert executions.beat(running) == executions.Beat(alive=True)

    cancelling.cancel(running.execution_id, actor=Actor(name="otto", role=Role.OPERATOR))

    assert executions.beat(running, progress=40) == executions.Beat(alive=True, cancelled_by="otto")
    assert Execution.objects.get().progress == 40


def test_cancelling_what_waits_ends_it_at_once() -> None:
    job = make_job()
    execution = trigger(job.pk, actor=SYSTEM)

    ended = cancelling.cancel(execution.pk, actor=SYSTEM)

    assert ended.state == "cancelled"
    assert counters(job) == recounted(job)
    with pytest.raises(StateError, match="cancelled already"):
        cancelling.cancel(execution.pk, actor=SYSTEM)


def test_an_expired_lease_makes_the_running_lost_and_the_claimed_queued() -> None:
    """S3-69, S3-71: after the lease others may run it."""
    job, other = make_job(), make_job()
    running = start(job)
    trigger(other.pk, actor=SYSTEM)
    claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)
    Execution.objects.update(lease_expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert rescue.rescue_expired() == 2

    assert Execution.objects.get(pk=running.execution_id).state == "lost"
    assert other.executions.get().state == "queued"
    assert counters(job) == recounted(job)
    assert not executions.beat(running).alive
    assert not executions.finish(running, result())


def test_a_lost_execution_runs_again_only_where_the_job_says_so() -> None:
    job = make_job(retry={"max_attempts": 2, "base_seconds": 0, "lost": True})
    running = start(job)

    rescue.mark_lost(running.execution_id, running.token)

    assert Execution.objects.get().state == "retrying"


def test_a_pause_after_the_claim_wins_over_the_start() -> None:
    job = make_job(schedules=[every(60)])
    assert job.next_fire_at is not None
    dispatch.dispatch_due(job.next_fire_at)
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=1)

    job_services.pause(job.pk, actor=SYSTEM)

    assert executions.start(claim.execution_id, claim.token, pid=1) is None
    assert counters(job) == recounted(job)


def test_an_interval_from_completion_counts_from_the_end() -> None:
    job = make_job(schedules=[every(60, "completion")])
    assert job.next_fire_at is not None
    dispatch.dispatch_due(job.next_fire_at)
    running = start_next()

    executions.finish(running, result())

    job.refresh_from_db()
    assert job.last_finished_at is not None
    assert job.next_fire_at is not None
    assert job.next_fire_at - job.last_finished_at == timedelta(seconds=60)


@pytest.mark.parametrize("role", [Role.VIEWER, None])
def test_who_may_only_look_may_not_act(role: Role | None) -> None:
    job = make_job()
    actor = Actor(name="vera", role=role)

    for act in (
        lambda: trigger(job.pk, actor=actor),
        lambda: job_services.pause(job.pk, actor=actor),
        lambda: job_services.resume(job.pk, actor=actor),
        lambda: job_services.update(job.pk, {"owner": "vera"}, actor=actor),
        lambda: job_services.delete(job.pk, actor=actor),
    ):
        with pytest.raises(ForbiddenError, match="may not"):
            act()


def test_what_waits_goes_when_the_policy_comes_to_allow_several() -> None:
    job = make_job(overlap="queue")
    start(job)
    held = trigger(job.pk, actor=SYSTEM)

    job_services.update(job.pk, {"overlap": "allow", "max_parallel": 2}, actor=SYSTEM)

    held.refresh_from_db()
    assert not held.held
