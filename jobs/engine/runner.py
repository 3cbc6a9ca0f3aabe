"""Run claimed executions: what a worker of the pool calls.

A worker that finishes one takes the next in the transaction that records the first, so that a busy
pool needs no hand-over between two runs.
"""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from django.db import connection

from jobs import conf, correlation
from jobs.broker.pool import Pool, current_pool
from jobs.domain import tracing
from jobs.domain.errors import InvalidError, UnprocessableError
from jobs.domain.masking import NO_SECRETS, Mask
from jobs.domain.states import FAILURES, ExecutionState, Trigger
from jobs.engine.monitor import DatabaseMonitor
from jobs.engine.outage import OUTAGE
from jobs.executors import ExecutionContext, ExecutionResult, executor_for, parse_spec
from jobs.executors.proctree import pid_start_time
from jobs.services import artifacts, executions, journal, rendering
from jobs.services.fitting import fitting
from jobs.services.running import Running

Answer = TypeVar("Answer")

log = logging.getLogger("scheduler.runner")

# A chain ends after so much: the pool may then recycle the worker, and a stop is near.
CHAIN_LENGTH = 100
CHAIN_SECONDS = 20.0
# How long a verdict waits for the database; after that the lease is long over and it counts as lost.
RECORD_SECONDS = 600.0
START_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0


class Context:
    """What a worker knows about its cluster, set once before the pool is forked."""

    worker_id: int = 0
    queues: Sequence[str] = ()
    labels: Sequence[str] = ()


def run_claimed(execution_id: int, token: str) -> None:
    """Run a claimed execution, then others as long as there are any; never raises an Exception.

    What django-q2 calls in a worker. A stale or repeated message finds the row taken and does
    nothing.
    """
    pool = current_pool()
    try:
        pid, pid_started = os.getpid(), pid_start_time(os.getpid()) or 0
        running = _persistently(
            lambda: executions.start(execution_id, token, pid=pid, pid_started=pid_started),
            seconds=START_SECONDS,
        )
        _run_chain(running, pool)
    except Exception:  # the worker survives; the row is found by its lease
        log.exception("Execution %d could not be run to its end.", execution_id)
    finally:
        if pool is not None:
            pool.idle.set()


def _run_chain(running: Running | None, pool: Pool | None) -> None:
    """Run one execution after the other within the bounds of a chain."""
    ends_at = time.monotonic() + CHAIN_SECONDS
    left = CHAIN_LENGTH

    def goes_on() -> bool:
        """Say, when a run has ended, whether to take another: a stop may have come meanwhile."""
        return (
            pool is not None
            and left > 0
            and time.monotonic() < ends_at
            and not pool.stopping.is_set()
        )

    while running is not None:
        left -= 1
        with _lines_about(running):
            running = run_one(running, pool, goes_on=goes_on)


def _lines_about(running: Running) -> AbstractContextManager[None]:
    """Let every line of the log name the execution that it is about."""
    return correlation.about(
        execution_id=running.execution_id,
        job_id=running.job_id,
        job=running.job_name,
        workspace=running.workspace,
        attempt=running.attempt,
    )


def run_one(
    running: Running, pool: Pool | None = None, *, goes_on: Callable[[], bool] = lambda: False
) -> Running | None:
    """Run a started execution and record its end; return the next one if ``goes_on`` and ready."""
    if not journal.started(running.type, running.job_id):
        log.info("[%s] JOB %s: Starting execution", running.workspace, running.job_name)
    monitor = DatabaseMonitor(
        running, aborting=pool.aborting.is_set if pool is not None else lambda: False
    )
    result = _execute(running, monitor)
    if monitor.fenced:
        log.warning(
            "[%s] JOB %s: Ended; the execution was taken from this worker",
            running.workspace,
            running.job_name,
        )
        artifacts.discard_work(running.execution_id, running.attempt)
        return None
    result = fitting(artifacts.collected(running, result, alive=monitor.alive))
    following = _record(running, result, monitor, take_next=goes_on())
    _tell(running, result)
    return following


def _execute(running: Running, monitor: DatabaseMonitor) -> ExecutionResult:
    """Let the executor of the job's type do the work; its own errors are a failed result."""
    started_at = datetime.now(UTC)
    mask = NO_SECRETS
    try:
        mask = rendering.secrets_of(running)
        running = rendering.render(running)
        executor = executor_for(running.type)
        spec = parse_spec(running.type, running.spec)
        result = executor.execute(spec, _context(running, mask), monitor)
    except (UnprocessableError, InvalidError) as error:  # what was given cannot be run
        result = _failed(started_at, f"Could not be run: {error}")
    except Exception as error:  # noqa: BLE001 - the executor's own errors are a failed result
        trace = mask.text(traceback.format_exc(limit=-5))
        # The trace as text: what was put in for a secret may stand in it.
        log.error("Execution %d failed inside Jobdeck.\n%s", running.execution_id, trace)  # noqa: TRY400
        result = _failed(started_at, f"Could not be run: {error}", trace)
    return rendering.masked(result, mask)


def _failed(started_at: datetime, message: str, error: str | None = None) -> ExecutionResult:
    return ExecutionResult(
        state=ExecutionState.FAILED,
        started_at=started_at,
        finished_at=datetime.now(UTC),
        message=message,
        error=error,
    )


def _context(running: Running, mask: Mask) -> ExecutionContext:
    """Return what the executor must know besides the spec."""
    work_dir = conf.work_dir()
    return ExecutionContext(
        instance=conf.instance_id(),
        execution_id=running.execution_id,
        job_id=running.job_id,
        job_name=running.job_name,
        attempt=running.attempt,
        scheduled_for=running.due_at,
        trigger=Trigger(running.trigger),
        traceparent=_traceparent(running.execution_id),
        backfill_id=running.backfill_id,
        default_dir=work_dir / running.workspace,
        workspace_id=running.workspace,
        scratch_dir=conf.data_dir() / "run" / "scratch",
        working_dir=Path(running.working_dir) if running.working_dir else None,
        grace=timedelta(seconds=running.grace_seconds),
        timeout=timedelta(seconds=running.timeout_seconds) if running.timeout_seconds else None,
        soft_timeout=(
            timedelta(seconds=running.soft_timeout_seconds)
            if running.soft_timeout_seconds
            else None
        ),
        parameters=running.parameters,
        artifacts_dir=artifacts.work_dir(running.execution_id, running.attempt),
        environment=running.environment,
        output_limit=running.output_limit_bytes,
        http_allowed=conf.http_allowed(),
        mask=mask,
    )


def _traceparent(execution_id: int) -> str:
    """Return the name of an execution's span; empty where nobody hears of it."""
    return tracing.traceparent(conf.instance_id(), execution_id) if conf.otlp_endpoint() else ""


def _record(
    running: Running, result: ExecutionResult, monitor: DatabaseMonitor, *, take_next: bool
) -> Running | None:
    """Write the verdict, however long the database takes; return the next execution."""
    if take_next:
        try:
            chunks, log_at = monitor.rest()
            return executions.finish_and_take(
                running,
                result,
                chunks,
                log_at=log_at,
                worker_id=Context.worker_id,
                queues=Context.queues,
                labels=Context.labels,
                pid=os.getpid(),
                pid_started=pid_start_time(os.getpid()) or 0,
            )
        except OUTAGE as error:
            log.warning(
                "Failed to persist the verdict on %d, will try again: %s",
                running.execution_id,
                error,
            )
            connection.close()
    _persistently(lambda: _finish(running, result, monitor), seconds=RECORD_SECONDS)
    return None


def _finish(running: Running, result: ExecutionResult, monitor: DatabaseMonitor) -> bool:
    """Write the verdict with the last output."""
    chunks, log_at = monitor.rest()
    return executions.finish(running, result, chunks, log_at=log_at)


def _persistently(action: Callable[[], Answer], *, seconds: float) -> Answer:
    """Do ``action`` until the database takes it; its last error after ``seconds``."""
    give_up = time.monotonic() + seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            return action()
        except OUTAGE as error:
            connection.close()
            if time.monotonic() + pause > give_up:
                raise
            log.warning("Failed to persist: the database is asked again: %s", error)
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _tell(running: Running, result: ExecutionResult) -> None:
    """Write the one line of the log that says how it ended."""
    facts = {
        "state": result.state.value,
        "duration_seconds": round(result.seconds, 3),
        "exit_code": result.exit_code,
    }
    if journal.ended(running.type, running.job_id, result, facts=facts):
        return
    duration = f"{result.seconds:.3f}s"
    match result.state:
        case ExecutionState.SUCCEEDED:
            words = f"Completed successfully (duration: {duration})"
        case ExecutionState.TIMED_OUT:
            words = f"Timed out (duration: {duration}, timeout: {running.timeout_seconds:g}s)"
        case ExecutionState.CANCELLED:
            words = f"{result.message} (duration: {duration})"
        case _:
            code = "none" if result.exit_code is None else result.exit_code
            words = f"Failed (duration: {duration}, exit: {code}): {result.message}"
    level = logging.ERROR if result.state in FAILURES else logging.INFO
    log.log(level, "[%s] JOB %s: %s", running.workspace, running.job_name, words, extra=facts)
