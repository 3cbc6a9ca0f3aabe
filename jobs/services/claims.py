"""Take queued executions: for a cluster's free workers, or by a worker that has just finished."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from jobs import wake
from jobs.domain.states import ExecutionState
from jobs.models import Execution
from jobs.queries import ready
from jobs.services import revisions, sql
from jobs.services.dbtime import db_now
from jobs.services.running import Running, load
from jobs.services.taking import PLAIN, Claim, Gates, Server, columns_of, take, take_gated, update
from jobs.services.writing import write_transaction


def claim(
    *, worker_id: int, queues: Sequence[str], free: int, labels: Sequence[str] = ()
) -> list[Claim]:
    """Claim at most ``free`` ready executions, queues in the given order, best priority first.

    One turn in ten goes to the oldest that waits in any of the queues (`domain.turns`).
    """
    cluster = Server(worker_id=worker_id, queues=queues, labels=labels)
    columns, gates = columns_of(ExecutionState.CLAIMED), Gates()
    claimed = _claim(cluster, free, columns, gates)
    if gates.missed and len(claimed) < free:
        claimed += _claim(cluster, free - len(claimed), columns, gates)
    return claimed


def _claim(cluster: Server, wanted: int, columns: Sequence[Any], gates: Gates) -> list[Claim]:
    """Take in a transaction of its own; the second time behind those who have the gates."""
    with write_transaction():
        if gates.missed:
            gates.wait()
        claimed = take(cluster, wanted, columns, gates)
        if claimed:
            revisions.bump("executions")
    return claimed


def take_next(
    *,
    worker_id: int,
    queues: Sequence[str],
    pid: int,
    pid_started: int = 0,
    labels: Sequence[str] = (),
) -> Running | None:
    """Start the next ready execution at once; the caller runs it in this very process."""
    cluster = Server(worker_id=worker_id, queues=queues, labels=labels)
    columns = columns_of(ExecutionState.RUNNING, pid=pid, pid_started=pid_started)
    # What a claim holds back while this one holds the job is left to the cluster's next claim.
    taken = take(cluster, 1, columns, Gates())
    return load(taken[0].execution_id) if taken else None


def claim_one(execution_id: int, *, worker_id: int, labels: Sequence[str] = ()) -> Claim | None:
    """Claim the execution that a transport named; None when it does not wait, or may not begin.

    What may not begin yet stays queued: clusters find it in the table when it may.
    """
    columns, gates = columns_of(ExecutionState.CLAIMED), Gates()
    where = f"id = %s AND {PLAIN} AND queue NOT IN ({ready.GATED_QUEUES})"
    with write_transaction():
        taken = update(where, [execution_id], columns, worker_id)
        if not taken:
            taken = _claim_gated(execution_id, worker_id, labels, columns, gates)
    if gates.missed:
        with write_transaction():
            gates.wait()
            taken = _claim_gated(execution_id, worker_id, labels, columns, gates)
    return taken[0] if taken else None


def _claim_gated(
    execution_id: int, worker_id: int, labels: Sequence[str], columns: Sequence[Any], gates: Gates
) -> list[Claim]:
    queue = sql.row(
        f"SELECT queue FROM jobs_execution WHERE id = %s AND {ready.WAITING.format('')}",  # noqa: S608 - a constant
        [execution_id],
    )
    if queue is None:
        return []
    cluster = Server(worker_id=worker_id, queues=queue, labels=labels)
    return take_gated(queue[0], 1, cluster, columns, gates, only=execution_id)


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
            wake.poke("queue")  # a limit or a mutex that they held lets another begin
    return count
