"""End executions that a person, a policy or a pause does not want any more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from jobs import wake
from jobs.domain.errors import StateError, UnknownError
from jobs.domain.permissions import Actor, Permission, require_somewhere
from jobs.domain.said import said, said_word
from jobs.domain.states import LIVE, ExecutionState
from jobs.models import Execution, Job
from jobs.models.execution import LIVE_VALUES, NOT_STARTED, UNASKED_TRIGGERS
from jobs.services import access, audit, revisions
from jobs.services.endings import Ending, count_ending, lock_job
from jobs.services.writing import write_transaction

_WAITING = (*NOT_STARTED, ExecutionState.RETRYING.value)


def cancel(execution_id: int, *, actor: Actor) -> Execution:
    """Cancel an execution: at once while it waits, else by ending its process tree.

    A running one is ended by its worker, which learns of it within a second.
    """
    require_somewhere(actor, Permission.EXECUTE)
    now = timezone.now()
    with write_transaction():
        execution = Execution.objects.select_related("job").filter(pk=execution_id).first()
        if execution is None:
            raise UnknownError(said("Execution {id} does not exist.", id=execution_id))
        access.require_on(actor, Permission.EXECUTE, execution.job)
        lock_job(execution.job_id)
        execution.refresh_from_db(fields=["state"])
        if execution.state not in LIVE:
            raise StateError(
                said(
                    "Execution {id} is {state} already; "
                    "only one that waits or runs can be cancelled.",
                    id=execution_id,
                    state=said_word(execution.state),
                )
            )
        _cancel([execution], by=actor.name, now=now)
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
    _cancel(list(job.executions.filter(state__in=LIVE_VALUES)), by=by, now=now)


def make_room(job: Job, *, by: str, now: datetime) -> bool:
    """Cancel everything of a job for a newer execution; say whether that one must wait for the end.

    What has no process yet is over at once, a running one as soon as its process tree has ended.
    """
    cancel_live(job, by=by, now=now)
    return job.executions.filter(state__in=LIVE_VALUES).exists()


def skip_waiting(job: Job, reason: str) -> None:
    """Take back what a job's schedules queued and no worker started yet.

    An execution that has tried already is cancelled instead: it did run, and gets no more attempts.
    """
    waiting = list(job.executions.filter(trigger__in=UNASKED_TRIGGERS, state__in=_WAITING))
    now = timezone.now()
    tried = [row for row in waiting if row.attempt > 1 or row.state == ExecutionState.RETRYING]
    fresh = [row for row in waiting if row not in tried]
    endings = _end_waiting(fresh, ExecutionState.SKIPPED, reason, now)
    endings += _end_waiting(tried, ExecutionState.CANCELLED, reason, now)
    _count(job.pk, endings)


def take_back(jobs: Iterable[Job], reason: str) -> int:
    """Take back what the schedules of locked jobs queued and nobody started; say how many.

    What has tried already keeps its attempts.
    """
    now = timezone.now()
    ended: list[tuple[int, list[Ending]]] = []
    for job in jobs:
        fresh = job.executions.filter(
            trigger__in=UNASKED_TRIGGERS, state__in=NOT_STARTED, attempt=1
        ).order_by("pk")
        ended.append((job.pk, _end_waiting(list(fresh), ExecutionState.SKIPPED, reason, now)))
    for job_id, endings in ended:
        _count(job_id, endings)
    return sum(len(endings) for _, endings in ended)


def _cancel(executions: list[Execution], *, by: str, now: datetime) -> None:
    """End what waits and ask what runs to end; all of one job."""
    endings = _end_waiting(executions, ExecutionState.CANCELLED, f"Cancelled by {by}", now)
    asked = Execution.objects.filter(
        pk__in=[row.pk for row in executions],
        state=ExecutionState.RUNNING.value,
        cancel_requested_at=None,
    ).update(cancel_requested_at=now, cancel_requested_by=by[:200])
    if endings:
        _count(executions[0].job_id, endings)
    if asked:
        revisions.bump("executions")


def _end_waiting(
    executions: list[Execution], state: ExecutionState, message: str, now: datetime
) -> list[Ending]:
    """End executions without a process; leaves out those that a worker started meanwhile.

    Counting comes after, when all rows are written: a claim locks its execution first and the shared
    counters then, and the two orders must not meet.
    """
    endings = []
    for row in executions:
        ended = Execution.objects.filter(pk=row.pk, state__in=_WAITING).update(
            state=state.value,
            finished_at=now,
            message=message[:500],
            token="",
            retry_at=None,
            wait_until=None,
        )
        if ended:
            endings.append(
                Ending(
                    execution_id=row.pk,
                    state=state,
                    queue=row.queue,
                    queued_at=row.queued_at,
                    started_at=row.started_at,
                    finished_at=now,
                    # What waited for its next attempt ran as long as its last one did.
                    ran=row.duration,
                    error=message,
                )
            )
    return endings


def _count(job_id: int, endings: list[Ending]) -> None:
    for ending in endings:
        count_ending(job_id, ending)
