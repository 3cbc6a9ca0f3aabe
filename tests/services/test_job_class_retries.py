"""What a Python job class says about retries, followed to the end of the execution."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.domain.errors import StateError
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import ExecutionState
from jobs.executors.base import ExecutionResult
from jobs.models import Execution, Job
from jobs.queries.verdicts import omitted
from jobs.registry import REGISTRY, BaseScheduledJob
from jobs.registry.base import entry_of_class
from jobs.services import claims, dispatch, executions, rescue
from jobs.services.registered import sync
from jobs.services.triggers import trigger
from tests.factories import make_worker

pytestmark = pytest.mark.django_db
S = ExecutionState
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with nothing registered."""
    monkeypatch.setattr(REGISTRY, "_entries", {})


def job_of(**said: Any) -> Job:
    """Return the job of a class with these attributes."""
    facts = {"job_id": "report", "description": "A report", "interval_seconds": 60, **said}
    made = type("Report", (BaseScheduledJob,), {"execute": lambda self: None, **facts})
    REGISTRY.add(entry_of_class(made))
    sync()
    return Job.objects.get()


def attempt(state: ExecutionState) -> int:
    """Run what waits to an end; return the id by which the job knows its run."""
    (claim,) = claims.claim(worker_id=make_worker().pk, queues=["default"], free=5)
    running = executions.start(claim.execution_id, claim.token, pid=1)
    assert running is not None
    now = datetime.now(UTC)
    trace = "Traceback: ValueError: no" if state is S.FAILED else None
    executions.finish(
        running, ExecutionResult(state=state, started_at=now, finished_at=now, error=trace)
    )
    return running.execution_id


@pytest.mark.parametrize(
    ("said", "ends", "state"),
    [
        pytest.param({}, [S.FAILED] * 4, S.FAILED, id="three by default, S3-06 S3-75"),
        pytest.param({"max_retries": 0}, [S.FAILED], S.FAILED, id="none, S3-76"),
        pytest.param({"max_retries": 2}, [S.FAILED, S.SUCCEEDED], S.SUCCEEDED, id="S3-77"),
        pytest.param({}, [S.TIMED_OUT, S.FAILED, S.SUCCEEDED], S.SUCCEEDED, id="a timeout too"),
        pytest.param({"max_retries": 1}, [S.FAILED, S.TIMED_OUT], S.TIMED_OUT, id="the last tells"),
    ],
)
def test_retries_follow_what_the_class_says(
    said: dict[str, Any], ends: list[ExecutionState], state: ExecutionState, time_machine: Any
) -> None:
    """S3-65, S3-68, S3-75, S3-76, S3-77, S3-78, S3-79, S3-92: attempts, their spacing, slot and id."""
    time_machine.move_to(NOON, tick=False)
    job = job_of(retry_delay_seconds=1, **said)
    trigger(job.pk, actor=SYSTEM)
    names, row = set(), Execution.objects.get()

    for number, end in enumerate(ends, 1):
        names.add(attempt(end))
        row = Execution.objects.get()
        if number == len(ends):
            break
        now = datetime.now(UTC)
        assert (row.state, row.retry_at) == ("retrying", now + timedelta(seconds=1))
        # It holds the job's slot meanwhile: neither a due time nor a person starts a second one.
        with pytest.raises(StateError):
            trigger(job.pk, actor=SYSTEM)
        assert rescue.requeue_retries(now) == 0
        time_machine.move_to(row.retry_at, tick=False)
        assert rescue.requeue_retries(datetime.now(UTC)) == 1

    assert (row.state, row.attempt, names) == (state, len(ends), {row.pk})
    assert bool(row.error) == (ends[-1] is S.FAILED)
    if len(ends) > 1:  # of a single one the execution itself tells all
        kept = [(one.state, bool(one.error)) for one in row.attempts.order_by("number")]
        assert kept == [(end.value, end is S.FAILED) for end in ends]
    job.refresh_from_db()
    assert (job.success_count, job.failure_count) == (
        state is S.SUCCEEDED,
        state is not S.SUCCEEDED,
    )
    assert trigger(job.pk, actor=SYSTEM).state == "queued"  # what it held is free again


def test_a_due_time_between_two_attempts_starts_nothing(time_machine: Any) -> None:
    """S3-74, S3-78: the due time is skipped, and the ledger says so."""
    time_machine.move_to(NOON, tick=False)
    job = job_of(retry_delay_seconds=600)
    trigger(job.pk, actor=SYSTEM)
    attempt(S.FAILED)
    job.refresh_from_db()
    assert job.next_fire_at is not None

    time_machine.move_to(job.next_fire_at, tick=False)
    dispatch.dispatch_due(job.next_fire_at)

    assert Execution.objects.get().state == "retrying"
    (skipped,) = omitted(job.pk, NOON, datetime.now(UTC))
    assert (skipped.reason, skipped.count) == ("overlap", 1)
