"""A worker runs what it claimed, records it, goes on with the next, and respects the fence."""

from __future__ import annotations

import logging
import re
import secrets

import pytest
from django.db import OperationalError

from jobs.broker.pool import Pool
from jobs.engine import runner
from jobs.engine.supply import Supply
from jobs.models import Execution, LogChunk, Worker
from jobs.queries.logs import pieces
from jobs.services import claims, executions, logs
from jobs.services.taking import Claim
from tests.factories import make_execution, make_job, make_worker

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker() -> Worker:
    """Return the cluster on whose behalf the tests run."""
    made = make_worker()
    runner.Context.worker_id = made.pk
    runner.Context.queues = ["default"]
    return made


def queued(name: str, command: str) -> Execution:
    """Return a waiting execution of a new job."""
    return make_execution(
        make_job(name=name, type="command", spec={"command": command}, schedules=[])
    )


def claimed(worker: Worker, *, free: int = 1) -> list[Claim]:
    """Return what the cluster gets."""
    return claims.claim(worker_id=worker.pk, queues=["default"], free=free)


def test_claimed_execution_is_run_and_recorded(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    execution = queued("greet", "echo hello; echo oops >&2; exit 3")
    (claim,) = claimed(worker)

    with caplog.at_level(logging.INFO, logger="scheduler.runner"):
        runner.run_claimed(claim.execution_id, claim.token)

    execution.refresh_from_db()
    assert (execution.state, execution.exit_code) == ("failed", 3)
    assert {(piece.stream, piece.data) for piece in pieces(execution.pk)} == {
        ("stdout", b"hello\n"),
        ("stderr", b"oops\n"),
    }
    assert "[_standalone_] JOB greet: Starting execution" in caplog.text
    assert "[_standalone_] JOB greet: Failed (duration: " in caplog.text


def test_s2_37_39_s3_89_a_timeout_is_an_error_in_the_log_with_name_and_duration(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    slow = make_job(
        name="slow",
        spec={"command": "sleep 60"},
        timeout_seconds=0.2,
        grace_seconds=1,
        schedules=[],
    )
    make_execution(slow)
    queued("fine", "true")
    two = claimed(worker, free=2)

    with caplog.at_level(logging.INFO, logger="scheduler.runner"):
        for claim in two:
            runner.run_claimed(claim.execution_id, claim.token)

    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.name for record in errors] == ["scheduler.runner"]
    (text,) = [record.getMessage() for record in errors]
    assert re.fullmatch(
        r"\[_standalone_\] JOB slow: Timed out \(duration: \d+\.\d{3}s, timeout: 0\.2s\)", text
    )
    assert "JOB fine: Completed successfully (duration: " in caplog.text


def test_message_with_a_stale_token_starts_nothing(worker: Worker) -> None:
    """S3-71: the token is the owner's."""
    execution = queued("once", "true")
    (claim,) = claimed(worker)

    runner.run_claimed(claim.execution_id, secrets.token_hex(8))

    execution.refresh_from_db()
    assert execution.state == "claimed"


def test_worker_goes_on_with_what_waits(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [queued(f"chain-{n}", "true") for n in range(3)]
    pool = Pool(workers=1)
    monkeypatch.setattr(runner, "current_pool", lambda: pool)
    (claim,) = claimed(worker)

    runner.run_claimed(claim.execution_id, claim.token)

    states = Execution.objects.filter(pk__in=[r.pk for r in rows]).values_list("state", flat=True)
    assert set(states) == {"succeeded"}
    assert pool.idle.is_set()


def test_stopping_pool_takes_nothing_more(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [queued(f"drain-{n}", "true") for n in range(2)]
    pool = Pool(workers=1)
    pool.stop()
    monkeypatch.setattr(runner, "current_pool", lambda: pool)
    (claim,) = claimed(worker)

    runner.run_claimed(claim.execution_id, claim.token)

    states = [Execution.objects.get(pk=row.pk).state for row in rows]
    assert states == ["succeeded", "queued"]


def test_lost_fence_ends_the_job_and_writes_nothing(worker: Worker) -> None:
    """S3-71: who lost it releases nothing."""
    execution = queued("fenced", "sleep 60")
    (claim,) = claimed(worker)
    running = executions.start(claim.execution_id, claim.token, pid=1)
    assert running is not None
    Execution.objects.filter(pk=execution.pk).update(token="somebody-else")

    runner.run_one(running)  # returns at the first beat, after a second, not after sixty

    execution.refresh_from_db()
    assert (execution.state, execution.token) == ("running", "somebody-else")
    assert execution.finished_at is None


def test_output_outlives_an_outage_of_the_database(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = queued("outage", "echo one; sleep 0.8; echo two; sleep 0.8; echo three")
    (claim,) = claimed(worker)
    write, failures = logs.write, iter([True, True])

    def sometimes(*args: object, **kwargs: object) -> object:
        result = write(*args, **kwargs) if next(failures, False) is False else None  # type: ignore[arg-type]
        if result is None:
            raise OperationalError("the database is away")
        return result

    monkeypatch.setattr("jobs.services.logs.write", sometimes)

    runner.run_claimed(claim.execution_id, claim.token)

    execution.refresh_from_db()
    chunks = LogChunk.objects.filter(execution=execution).order_by("seq")
    assert execution.state == "succeeded"
    assert b"".join(bytes(chunk.data) for chunk in chunks) == b"one\ntwo\nthree\n"


def test_write_that_was_stored_all_the_same_is_not_repeated(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = queued("doubt", "echo one; sleep 0.8; echo two; sleep 0.8")
    (claim,) = claimed(worker)
    write, failures = logs.write, iter([True])

    def stored_and_broken(*args: object, **kwargs: object) -> object:
        result = write(*args, **kwargs)  # type: ignore[arg-type]
        if next(failures, False):
            raise OperationalError("the connection broke after the commit")
        return result

    monkeypatch.setattr("jobs.services.logs.write", stored_and_broken)

    runner.run_claimed(claim.execution_id, claim.token)

    chunks = LogChunk.objects.filter(execution=execution).order_by("seq")
    assert b"".join(bytes(chunk.data) for chunk in chunks) == b"one\ntwo\n"


def test_verdict_waits_for_the_database(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    execution = queued("patient", "true")
    (claim,) = claimed(worker)
    finish, failures = executions.finish, iter([True, True])

    def later(*args: object, **kwargs: object) -> bool:
        if next(failures, False):
            raise OperationalError("the database is away")
        return finish(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("jobs.services.executions.finish", later)

    runner.run_claimed(claim.execution_id, claim.token)

    execution.refresh_from_db()
    assert execution.state == "succeeded"


def test_broken_definition_is_a_failed_run(worker: Worker) -> None:
    execution = queued("broken", "true")
    execution.job.spec = {"nonsense": 1}
    execution.job.save(update_fields=["spec"])
    (claim,) = claimed(worker)

    runner.run_claimed(claim.execution_id, claim.token)

    execution.refresh_from_db()
    assert execution.state == "failed"
    assert "nonsense" in execution.message


def test_no_more_is_claimed_than_can_start(worker: Worker) -> None:
    for number in range(5):
        queued(f"many-{number}", "true")
    pool = Pool(workers=2)
    source = Supply(pool, worker_id=worker.pk, queues=["default"])

    assert len(source.claim()) == 2
    assert source.claim() == []
    assert Execution.objects.filter(state="queued").count() == 3
    source.close()
