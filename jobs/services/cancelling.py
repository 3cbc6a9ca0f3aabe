"""End executions that a person, a policy or a pause does not want any more."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from jobs import wake
from jobs.domain.errors import StateError, UnknownError
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.states import LIVE, ExecutionState
from jobs.models import Execution, Job
from jobs.models.execution import LIVE_VALUES, SCHEDULED_TRIGGERS
from jobs.services import audit, revisions
from jobs.services.endings import Ending, count_ending, lock_job
from jobs.services.writing import write_transaction

# States in which no process runs yet: the execution can be ended by a write alone.
_WAITING = (
    ExecutionState.QUEUED.value,
    ExecutionState.CLAIMED.value,
    ExecutionState.RETRYING.value,
)


def cancel(execution_id: int, *, actor: Actor) -> Execution:
    """Cancel an execution: at once while it waits, else by ending its process tree.

    A running one is ended by its worker, which learns of it within a second.
    """
    require(actor, Permission.EXECUTE)
    now = timezone.now()
    with write_transaction():
        execution = Execution.objects.select_related("job").filter(pk=execution_id).first()
        if execution is None:
            raise UnknownError(f"Execution {execution_id} does not exist.")
        lock_job(execution.job_id)
        execution.refresh_from_db(fields=["state"])
        if execution.state not in LIVE:
            raise StateError(
                f"Execution {execution_id} is {execution.state} already; "
                "only one that waits or runs can be cancelled."
            )
        _cancel(execution, by=actor.name, now=now)
        audit.record(
            actor,
            "execution.cancel",
            object_type="execution",
            object_id=execution_id,
            object_name=execution.job.name,
        )
    wake.poke("cancel")
    execution.refresh_from_db()
    return execution


def cancel_live(job: Job, *, by: str, now: datetime) -> None:
    """Cancel everything of a job that waits or runs; call it inside a transaction."""
    for execution in job.executions.filter(state__in=LIVE_VALUES):
        _cancel(execution, by=by, now=now)


def make_room(job: Job, *, by: str, now: datetime) -> bool:
    """Cancel everything of a job for a newer execution; say whether that one must wait for the end.

    What has no process yet is over at once, a running one as soon as its process tree has ended.
    """
    cancel_live(job, by=by, now=now)
    return job.executions.filter(state__in=LIVE_VALUES).exists()


def skip_waiting(job: Job, reason: str) -> None:
    """Skip what a job's schedules queued and no worker started yet."""
    waiting = job.executions.filter(
        trigger__in=SCHEDULED_TRIGGERS,
        state__in=(ExecutionState.QUEUED.value, ExecutionState.CLAIMED.value),
    )
    for execution in waiting:
        _end_waiting(execution, ExecutionState.SKIPPED, reason, timezone.now())


def _cancel(execution: Execution, *, by: str, now: datetime) -> None:
    if _end_waiting(execution, ExecutionState.CANCELLED, f"Cancelled by {by}", now):
        return
    Execution.objects.filter(
        pk=execution.pk, state=ExecutionState.RUNNING.value, cancel_requested_at=None
    ).update(cancel_requested_at=now, cancel_requested_by=by[:200])
    revisions.bump("executions")


def _end_waiting(execution: Execution, state: ExecutionState, message: str, now: datetime) -> bool:
    """End an execution without a process; False when a worker started it meanwhile."""
    ended = Execution.objects.filter(pk=execution.pk, state__in=_WAITING).update(
        state=state.value, finished_at=now, message=message[:500], token="", retry_at=None
    )
    if ended:
        count_ending(
            execution.job_id,
            Ending(
                execution_id=execution.pk,
                state=state,
                queue=execution.queue,
                queued_at=execution.queued_at,
                started_at=execution.started_at,
                finished_at=now,
                error=message,
            ),
        )
    return bool(ended)
