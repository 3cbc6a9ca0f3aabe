"""The life of one execution in a worker's hands: start, beat, finish.

Every edge is one conditional update whose row count decides, so that a stale worker, a message
delivered twice or a second rescuer changes nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from jobs import conf, wake
from jobs.domain.loglines import Place
from jobs.domain.states import ExecutionState
from jobs.executors.base import Chunk, ExecutionResult
from jobs.models import Attempt, Execution
from jobs.services import artifacts, claims, logs, revisions, sql
from jobs.services.dbtime import db_now
from jobs.services.endings import Ending, count_ending, lock_job
from jobs.services.fitting import fitting
from jobs.services.running import Running, load
from jobs.services.writing import write_transaction

MESSAGE = 500  # the column's width


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """The answer to a sign of life."""

    alive: bool  # False: the execution is no longer this worker's
    cancelled_by: str = ""


_START = (
    "UPDATE jobs_execution SET state = 'running', started_at = %s, pid = %s, pid_started = %s, "
    "lease_expires_at = %s WHERE id = %s AND token = %s AND state = 'claimed'"
)


def start(execution_id: int, token: str, *, pid: int, pid_started: int = 0) -> Running | None:
    """Start a claimed execution; None when it is no longer ours to start."""
    now = db_now()
    lease = now + timedelta(seconds=conf.lease_seconds())
    with write_transaction():
        if not sql.run(_START, [now, pid, pid_started, lease, execution_id, token]):
            return None
        revisions.bump("executions")
        return load(execution_id)


def beat(running: Running, *, progress: int | None = None, is_slow: bool = False) -> Beat:
    """Renew the lease and learn whether somebody asked to cancel."""
    expires = db_now() + timedelta(seconds=conf.lease_seconds())
    mine = Execution.objects.filter(
        pk=running.execution_id, token=running.token, state=ExecutionState.RUNNING.value
    )
    changes: dict[str, Any] = {"lease_expires_at": expires}
    if progress is not None:
        changes["progress"] = progress
    if is_slow:
        changes["soft_timeout_at"] = db_now()
    if not mine.update(**changes):
        return Beat(alive=False)
    asked_by = mine.values_list("cancel_requested_by", flat=True).first()
    return Beat(alive=True, cancelled_by=asked_by or "")


def finish(
    running: Running,
    result: ExecutionResult,
    chunks: Sequence[Chunk] = (),
    *,
    log_at: Place | None = None,
) -> bool:
    """Record how an attempt ended, with its last output; False when it was no longer ours.

    A failed attempt with attempts left waits for its next one; everything else is final and counts.
    ``log_at`` is what the latest ``logs.write`` returned; None looks it up.
    """
    with write_transaction():
        return _finish(running, result, chunks, log_at=log_at)


def finish_and_take(
    running: Running,
    result: ExecutionResult,
    chunks: Sequence[Chunk] = (),
    *,
    log_at: Place | None = None,
    worker_id: int,
    queues: Sequence[str],
    pid: int,
    pid_started: int = 0,
    labels: Sequence[str] = (),
) -> Running | None:
    """Finish one execution and start the next ready one in the same transaction; None: no next.

    A busy worker so needs no hand-over between two runs, which is most of their cost.
    """
    with write_transaction():
        if not _finish(running, result, chunks, log_at=log_at):
            return None
        return claims.take_next(
            worker_id=worker_id, queues=queues, pid=pid, pid_started=pid_started, labels=labels
        )


_FINISH = (
    "UPDATE jobs_execution SET finished_at = %s, exit_code = %s, signal = %s, message = %s, "
    "error = %s, state = %s, retry_at = %s, result = %s, log_bytes = %s, log_truncated = %s, "
    "cpu_seconds = %s, max_rss_bytes = %s, metrics = %s, warnings = %s, lease_expires_at = NULL, pid = NULL "
    "WHERE id = %s AND token = %s AND state = 'running'"
)


def _finish(
    running: Running,
    result: ExecutionResult,
    chunks: Sequence[Chunk],
    *,
    log_at: Place | None,
) -> bool:
    result = fitting(result)
    lock_job(running.job_id)
    now = timezone.now()
    delay = delay_before_retry(
        running, result.state, exit_code=result.exit_code, signal=result.signal
    )
    state = ExecutionState.RETRYING if delay is not None else result.state
    ended: dict[str, Any] = {
        "finished_at": now,
        "exit_code": result.exit_code,
        "signal": result.signal,
        "message": result.message[:MESSAGE],
        "error": result.error or "",
    }
    mine = sql.run(
        _FINISH,
        [
            *ended.values(),
            state.value,
            None if delay is None else now + delay,
            sql.as_json(result.result),
            running.log_at.offset + result.output_bytes,
            result.truncated,
            result.cpu_seconds,
            result.max_rss_bytes,
            sql.as_json(dict(result.metrics) or None),
            sql.as_json(_warnings(result)),
            running.execution_id,
            running.token,
        ],
    )
    if not mine:
        artifacts.discard_files(running.execution_id, running.attempt, result.artifacts)
        return False
    if result.artifacts:
        artifacts.record(running, result.artifacts)
    if chunks:
        logs.append(running.execution_id, running.attempt, chunks, at=log_at)
    settle(running, result.state, ended, delay=delay)
    return True


def _warnings(result: ExecutionResult) -> dict[str, Any] | None:
    """Return what is kept of the warnings; None without any."""
    if not result.warning_count:
        return None
    return {"count": result.warning_count, "lines": list(result.warnings)}


def settle(
    running: Running, state: ExecutionState, ended: dict[str, Any], *, delay: timedelta | None
) -> None:
    """Keep the attempt where there is more than one, and count what is final."""
    if delay is not None or running.attempt > 1:
        Attempt.objects.create(
            execution_id=running.execution_id,
            number=running.attempt,
            state=state.value,
            started_at=running.started_at,
            **ended,
        )
    if delay is not None:
        revisions.bump("executions")
        wake.poke("jobs")  # the dispatcher wakes for the next attempt
        return
    count_ending(
        running.job_id,
        Ending(
            execution_id=running.execution_id,
            state=state,
            queue=running.queue,
            # A later attempt waited for its back-off, not for a worker.
            queued_at=running.queued_at if running.attempt == 1 else running.started_at,
            started_at=running.started_at,
            finished_at=ended["finished_at"],
            error=ended["error"] or ended["message"],
        ),
    )


def delay_before_retry(
    running: Running,
    state: ExecutionState,
    *,
    exit_code: int | None = None,
    signal: int | None = None,
) -> timedelta | None:
    """Return the wait before the next attempt; None when this ending is final.

    Call it with the job locked: an attempt that somebody asked to end is the last one, also when it
    ended by itself before it heard of that.
    """
    if not running.retry.covers(state, exit_code=exit_code, signal=signal):
        return None
    delay = running.retry.delay_after(running.attempt, random.Random())  # noqa: S311 - jitter only
    if delay is not None and _is_unwanted(running.execution_id):
        return None
    return delay


def _is_unwanted(execution_id: int) -> bool:
    asked = Execution.objects.filter(pk=execution_id, cancel_requested_at__isnull=False)
    return asked.exists()
