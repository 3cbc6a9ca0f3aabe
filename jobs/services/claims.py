"""Take queued executions: for a cluster's free workers, or by a worker that has just finished."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from jobs import conf
from jobs.domain.states import ExecutionState
from jobs.models import Execution
from jobs.services import revisions, sql
from jobs.services.dbtime import db_now
from jobs.services.running import Running, load
from jobs.services.writing import write_transaction


@dataclass(frozen=True, slots=True)
class Claim:
    """An execution handed to a cluster; only the holder of the token may start it."""

    execution_id: int
    token: str


def claim(*, worker_id: int, queues: Sequence[str], free: int) -> list[Claim]:
    """Claim at most ``free`` ready executions, queues in the given order, best priority first."""
    claimed: list[Claim] = []
    with write_transaction():
        for queue in queues:
            wanted = free - len(claimed)
            if wanted <= 0:
                break
            claimed += _take(queue, wanted, state=ExecutionState.CLAIMED, worker_id=worker_id)
        if claimed:
            revisions.bump("executions")
    return claimed


def take_next(
    *, worker_id: int, queues: Sequence[str], pid: int, pid_started: int = 0
) -> Running | None:
    """Start the next ready execution at once; the caller runs it in this very process."""
    for queue in queues:
        taken = _take(
            queue,
            1,
            state=ExecutionState.RUNNING,
            worker_id=worker_id,
            pid=pid,
            pid_started=pid_started,
        )
        if taken:
            return load(taken[0].execution_id)
    return None


def claim_one(execution_id: int, *, worker_id: int) -> Claim | None:
    """Claim the execution that a transport named; None when it is not waiting any more."""
    token = secrets.token_hex(8)
    now = db_now()
    updated = Execution.objects.filter(
        pk=execution_id, state=ExecutionState.QUEUED.value, held=False
    ).update(
        state=ExecutionState.CLAIMED.value,
        token=token,
        worker_id=worker_id,
        claimed_at=now,
        lease_expires_at=now + timedelta(seconds=conf.lease_seconds()),
    )
    return Claim(execution_id, token) if updated else None


def give_back(worker_id: int, *, older_than: timedelta = timedelta(0)) -> int:
    """Put a cluster's claimed but unstarted executions back into the queue; return how many."""
    return requeue(
        Execution.objects.filter(worker_id=worker_id, claimed_at__lte=db_now() - older_than)
    )


def requeue(executions: QuerySet[Execution]) -> int:
    """Put the claimed ones among ``executions`` back; a new token later fences the old off."""
    with write_transaction():
        count = executions.filter(state=ExecutionState.CLAIMED.value).update(
            state=ExecutionState.QUEUED.value,
            token="",
            worker=None,
            claimed_at=None,
            handed_at=None,
            lease_expires_at=None,
        )
        if count:
            revisions.bump("executions")
    return count


def _take(
    queue: str,
    wanted: int,
    *,
    state: ExecutionState,
    worker_id: int,
    pid: int | None = None,
    pid_started: int | None = None,
) -> list[Claim]:
    """Move ready executions of one queue to ``state`` in one statement.

    The limit stands in the text: PostgreSQL plans a computed one as a full sort.
    """
    now = db_now()
    token = secrets.token_hex(8)
    taken = sql.rows(
        # Materialised: PostgreSQL may run a plain sub-select again for each row, and take more than
        # the limit. Only a number and a constant are written into the text.
        "WITH ready AS MATERIALIZED (SELECT id FROM jobs_execution "  # noqa: S608
        "WHERE state = 'queued' AND NOT held AND queue = %s ORDER BY priority DESC, id "
        f"LIMIT {int(wanted)}{sql.skip_locked()}) "
        "UPDATE jobs_execution SET state = %s, token = %s, worker_id = %s, claimed_at = %s, "
        "started_at = %s, lease_expires_at = %s, pid = %s, pid_started = %s "
        "FROM ready WHERE jobs_execution.id = ready.id RETURNING jobs_execution.id",
        [
            queue,
            state.value,
            token,
            worker_id,
            now,
            now if state == ExecutionState.RUNNING else None,
            now + timedelta(seconds=conf.lease_seconds()),
            pid,
            pid_started,
        ],
    )
    return [Claim(row[0], token) for row in sorted(taken)]
