"""The statements that take executions: the short way for most, the gates for the others.

A limit, a pause, a mutex or labels decide about few executions. The others are taken by one statement
that no lock slows, however many clusters there are.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection

from jobs import conf
from jobs.domain.states import ExecutionState
from jobs.domain.turns import Turns
from jobs.queries import ready
from jobs.services import sql
from jobs.services.dbtime import db_now


@dataclass(frozen=True, slots=True)
class Claim:
    """An execution handed to a cluster; only the holder of the token may start it."""

    execution_id: int
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Who takes, and what it serves."""

    worker_id: int
    queues: Sequence[str]
    labels: Sequence[str]


# The turns of this process, see `domain.turns`.
_turns = Turns()

PLAIN = f"{ready.WAITING.format('')} AND mutex = '' AND requires = ''"
_SET = (
    "UPDATE jobs_execution SET state = %s, token = %s, worker_id = %s, claimed_at = %s, "
    "started_at = %s, lease_expires_at = %s, pid = %s, pid_started = %s "
)
# Held while limits and mutexes are counted and what they let through is taken: no two clusters see
# the same free slot. One for all: what has no limit, no mutex and no row here never asks for it.
_GATES_LOCK = 0x6A6F6264
# What holds a slot or a mutex frees both by a write of its own row, which needs no lock.
_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"


def take(cluster: Server, wanted: int, columns: Sequence[Any], *, waits: bool) -> list[Claim]:
    """Take up to ``wanted`` ready executions, of each queue in turn, the oldest when it is its turn."""
    taken: list[Claim] = []
    for _ in range(_turns.for_oldest(wanted)):
        taken += _take_oldest(cluster, columns, waits=waits)
    for queue in cluster.queues:
        left = wanted - len(taken)
        if left <= 0:
            break
        found = _take_ready(queue, left, cluster, columns)
        if len(found) < left and _any_waits(queue):
            found += take_gated(queue, left - len(found), cluster, columns, waits=waits)
        taken += found
    _turns.count(len(taken))
    return taken


def _any_waits(queue: str) -> bool:
    found = sql.row(
        f"SELECT EXISTS (SELECT 1 FROM jobs_execution WHERE {ready.WAITING.format('')} "  # noqa: S608 - a constant
        "AND queue = %s)",
        [queue],
    )
    return found is not None and bool(found[0])


def _take_oldest(cluster: Server, columns: Sequence[Any], *, waits: bool) -> list[Claim]:
    """Take the oldest execution of all queues that this cluster may take."""
    if len(cluster.queues) == 1:
        queue: str | None = cluster.queues[0]
        found = _take_oldest_plain(cluster.queues[0], cluster, columns)
        if found:
            return found
    else:
        queue = _queue_of_oldest(cluster)
    if queue is None:
        return []
    return take_gated(queue, 1, cluster, columns, waits=waits, oldest_first=True)


def _take_oldest_plain(queue: str, cluster: Server, columns: Sequence[Any]) -> list[Claim]:
    """Take the oldest of a queue in one statement, if it is plain and nothing there needs labels."""
    waiting = (
        f"SELECT id, mutex FROM jobs_execution WHERE {ready.WAITING.format('')} AND queue = %s"  # noqa: S608 - a constant
    )
    return _returned(
        f"WITH ready AS MATERIALIZED ({waiting} AND requires = '' "
        f"ORDER BY queue, requires, id LIMIT 1{sql.skip_locked()}) {_SET}"
        "FROM ready WHERE jobs_execution.id = ready.id AND ready.mutex = '' "
        f"AND NOT EXISTS ({waiting} AND requires > '') AND %s NOT IN ({ready.GATED_QUEUES}) "
        f"AND NOT {ready.DRAINED} RETURNING jobs_execution.id",
        [queue],
        columns,
        [queue, queue, cluster.worker_id],
        worker_id=cluster.worker_id,
    )


def _queue_of_oldest(cluster: Server) -> str | None:
    """Return the queue whose oldest takeable execution is the oldest of all; None for none."""
    worker_id, labels = cluster.worker_id, cluster.labels
    found = [
        ready.first(queue, worker_id=worker_id, labels=labels, oldest_first=True)
        for queue in cluster.queues
    ]
    oldest = min((one for one in found if one is not None), default=None)
    return None if oldest is None else oldest.queue


def _take_ready(queue: str, wanted: int, cluster: Server, columns: Sequence[Any]) -> list[Claim]:
    """Take the plain ones among the first ``wanted`` ready executions of a queue in one statement.

    The limit stands in the text: PostgreSQL plans a computed one as a full sort.
    """
    return _returned(
        # Materialised: PostgreSQL may run a plain sub-select again for each row, and take more than
        # the limit. Only a number and a constant are written into the text.
        "WITH ready AS MATERIALIZED (SELECT id, mutex, requires FROM jobs_execution "  # noqa: S608
        "WHERE state = 'queued' AND NOT held AND queue = %s ORDER BY priority DESC, id "
        f"LIMIT {int(wanted)}{sql.skip_locked()}) {_SET}"
        "FROM ready WHERE jobs_execution.id = ready.id AND ready.mutex = '' "
        f"AND ready.requires = '' AND %s NOT IN ({ready.GATED_QUEUES}) AND NOT {ready.DRAINED} "
        "RETURNING jobs_execution.id",
        [queue],
        columns,
        [queue, cluster.worker_id],
        worker_id=cluster.worker_id,
    )


def take_gated(
    queue: str,
    wanted: int,
    cluster: Server,
    columns: Sequence[Any],
    *,
    waits: bool,
    oldest_first: bool = False,
    only: int | None = None,
) -> list[Claim]:
    """Take what limit, pause, mutexes and labels of a queue let through, in order.

    1. Find what may be taken; nothing for most that look.
    2. If a limit or a mutex has a say, lock out the others and find it again.
    3. Take it; one more round where two of the same mutex were found.
    ``waits`` says whether to wait for the lock. Who may not leaves it to its cluster's next claim.
    """
    taken: list[Claim] = []
    locked = False
    while len(taken) < wanted:
        limit, closed = ready.gate(queue, cluster.worker_id)
        free = None if limit is None else ready.room(queue, limit)
        if closed or (free is not None and free.to_run <= 0):
            break
        left = wanted - len(taken)
        found = ready.candidates(
            queue,
            left if free is None else min(left, free.to_run),
            labels=cluster.labels,
            oldest_first=oldest_first,
            begun_only=free is not None and free.to_begin <= 0,
            only=only,
            suffix=sql.skip_locked("e"),
        )
        if not found:
            break
        if not locked and (limit is not None or any(one.mutex for one in found)):
            if not _lock_gates(waits=waits):
                break
            locked = True
            continue
        mine = _first_of_each(found, None if free is None else free.to_begin)
        numbers = [one.id for one in mine]
        places = ", ".join(["%s"] * len(numbers))
        where = f"id IN ({places}) AND {ready.WAITING.format('')}"
        done = update(where, numbers, columns, cluster.worker_id)
        taken += done
        if not done or (len(mine) == len(found) and free is None):
            break
    return taken


def _first_of_each(found: Sequence[ready.Candidate], to_begin: int | None) -> list[ready.Candidate]:
    """Leave out the second of a mutex, and first attempts for which the queue has no slot."""
    chosen: list[ready.Candidate] = []
    mutexes: set[str] = set()
    for one in found:
        begins = one.attempt == 1 and to_begin is not None
        if one.mutex in mutexes or (begins and to_begin == 0):
            continue
        if begins and to_begin is not None:
            to_begin -= 1
        if one.mutex:
            mutexes.add(one.mutex)
        chosen.append(one)
    return chosen


def _lock_gates(*, waits: bool) -> bool:
    """Keep other claims from limits and mutexes until the commit; False when another has them.

    SQLite has one writer, and this is it.
    """
    if connection.vendor != "postgresql":
        return True
    answer = sql.row(_LOCK if waits else _TRY_LOCK, [_GATES_LOCK])
    return waits or (answer is not None and bool(answer[0]))


def columns_of(
    state: ExecutionState, *, pid: int | None = None, pid_started: int | None = None
) -> list[Any]:
    """Return what is written into what is taken: the values of ``_SET`` without the cluster."""
    now = db_now()
    started_at = now if state == ExecutionState.RUNNING else None
    lease = now + timedelta(seconds=conf.lease_seconds())
    return [state.value, secrets.token_hex(8), now, started_at, lease, pid, pid_started]


def update(
    where: str, values: Sequence[Any], columns: Sequence[Any], worker_id: int
) -> list[Claim]:
    """Take the executions that ``where`` names, unless the cluster is drained."""
    return _returned(
        f"{_SET} WHERE {where} AND NOT {ready.DRAINED} RETURNING id",
        [],
        columns,
        [*values, worker_id],
        worker_id=worker_id,
    )


def _returned(
    statement: str,
    before: Sequence[Any],
    columns: Sequence[Any],
    after: Sequence[Any],
    *,
    worker_id: int,
) -> list[Claim]:
    state, token, *moments = columns
    found = sql.rows(statement, [*before, state, token, worker_id, *moments, *after])
    return [Claim(row[0], token) for row in sorted(found)]
