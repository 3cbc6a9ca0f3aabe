"""Deal with executions whose worker is gone: back to the queue, or lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from jobs import wake
from jobs.domain.states import ExecutionState
from jobs.models import Execution
from jobs.services import claims, revisions, rollups
from jobs.services.dbtime import db_now
from jobs.services.endings import lock_job
from jobs.services.executions import delay_before_retry, settle
from jobs.services.handover import hand_over_on_commit
from jobs.services.running import load
from jobs.services.writing import write_transaction

LOST = "Its worker ended without a word; what became of the command is unknown."
KILLED_BY_STOP = (
    "The scheduler was stopped, and it did not end in time: it was killed with its worker."
)


def rescue_expired() -> int:
    """Rescue every execution whose lease is over; return how many."""
    return _rescue(Q(lease_expires_at__lt=db_now()))


def rescue_worker(worker_id: int, *, error: str = LOST) -> int:
    """Rescue all that a dead cluster had in hand, lost by ``error``; return how many."""
    return _rescue(Q(worker_id=worker_id), error)


def rescue_process(worker_id: int, pid: int, *, end_process: Callable[[int], None]) -> int:
    """Rescue what one dead worker process of a cluster was running; return how many.

    ``end_process`` gets each execution's id first and ends what is left of its process tree.
    """
    ids = Execution.objects.filter(
        worker_id=worker_id, pid=pid, state=ExecutionState.RUNNING.value
    ).values_list("pk", flat=True)
    for execution_id in list(ids):
        end_process(execution_id)
    return _rescue(Q(worker_id=worker_id, pid=pid))


def _rescue(which: Q, error: str = LOST) -> int:
    """Requeue the claimed and mark the running as lost."""
    count = claims.requeue(Execution.objects.filter(which))
    if count:
        wake.poke("queue")
    running = Execution.objects.filter(which, state=ExecutionState.RUNNING.value)
    for execution_id, token in list(running.values_list("pk", "token")):
        count += mark_lost(execution_id, token, still=which, error=error)
    rollups.add_rescued(timezone.now(), count)
    return count


def mark_lost(execution_id: int, token: str, *, still: Q | None = None, error: str = LOST) -> bool:
    """Record that an execution's worker is gone; False when it lives or ended meanwhile."""
    now = timezone.now()
    with write_transaction():
        running = load(execution_id)
        lock_job(running.job_id)
        delay = delay_before_retry(running, ExecutionState.LOST)
        mine = Execution.objects.filter(
            still or Q(), pk=execution_id, token=token, state=ExecutionState.RUNNING.value
        )
        ended: dict[str, Any] = {
            "finished_at": now,
            "exit_code": None,
            "signal": None,
            "message": "Lost",
            "error": error,
        }
        state = ExecutionState.LOST if delay is None else ExecutionState.RETRYING
        if not mine.update(
            state=state.value,
            # The old token dies here: a worker that wakes up again finds its beat refused.
            token="",
            retry_at=None if delay is None else now + delay,
            lease_expires_at=None,
            pid=None,
            **ended,
        ):
            return False
        settle(running, ExecutionState.LOST, ended, delay=delay)
    return True


def requeue_retries(now: datetime) -> int:
    """Queue the executions whose wait before the next attempt is over; return how many."""
    due = list(
        Execution.objects.filter(state=ExecutionState.RETRYING.value, retry_at__lte=now)
        .order_by("retry_at")
        .values_list("pk", "attempt")[:500]
    )
    if not due:
        return 0
    count = 0
    with write_transaction():
        # In one order: two dispatchers that lock the same rows must not wait for each other.
        for execution_id, attempt in sorted(due):
            count += Execution.objects.filter(
                pk=execution_id, attempt=attempt, state=ExecutionState.RETRYING.value
            ).update(
                state=ExecutionState.QUEUED.value,
                attempt=attempt + 1,
                retry_at=None,
                token="",
                worker=None,
                claimed_at=None,
                handed_at=None,
                started_at=None,
                finished_at=None,
                exit_code=None,
                signal=None,
                progress=None,
                soft_timeout_at=None,
            )
        if count:
            revisions.bump("executions")
            wake.poke("queue")
            numbers = [execution_id for execution_id, _ in due]
            hand_over_on_commit(Execution.objects.filter(pk__in=numbers, handed_at=None))
    return count
