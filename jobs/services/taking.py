"""The statements that take executions: the short way for most, the gates for the others.

A limit, a pause, a mutex or labels decide about few executions. The others are taken by one statement
that no lock slows, however many clusters there are.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils import timezone

from jobs import conf
from jobs.domain.states import ExecutionState
from jobs.domain.turns import Turns
from jobs.queries import ready
from jobs.services import sql, starts


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
_WRITTEN = (
    "UPDATE jobs_execution SET state = %s, token = %s, worker_id = %s, pid = %s, pid_started = %s, "
)
_MOMENTS = "claimed_at = %s, started_at = %s, lease_expires_at = %s "
# The server's own clock, without a statement that asks for it.
_MOMENTS_OF_SERVER = (
    "claimed_at = statement_timestamp(), started_at = CASE WHEN %s THEN statement_timestamp() END, "
    "lease_expires_at = statement_timestamp() + make_interval(secs => %s) "
)
# Held while limits and mutexes are counted and what they let through is taken: no two clusters see
# the same free slot. One for all: what has no limit, no mutex and no row here never asks for it.
_GATES_LOCK = 0x6A6F6264
# What holds a slot or a mutex frees both by a write of its own row, which needs no lock.
_LOCK = "SELECT pg_advisory_xact_lock(%s)"
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(%s)"


class Gates:
    """The lock of limits and mutexes, as one claim asks for it.

    A claim that holds executions never waits for the lock: what holds it may want the rows that wait,
    and a cancellation that waits for one of them may hold what the other needs for its commit.
    """

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._held = False
        self.missed = False  # somebody else had the lock when it was needed

    def enter(self) -> bool:
        """Lock the others out until the commit, if nobody is in; SQLite has one writer, this one."""
        if not self._held and connection.vendor == "postgresql":
            answer = sql.row(_TRY_LOCK, [_GATES_LOCK])
            self._held = answer is not None and bool(answer[0])
            self.missed = self.missed or not self._held
            return self._held
        return True

    def wait(self) -> None:
        """Lock the others out as soon as they let go; call it first in a transaction."""
        sql.row(_LOCK, [_GATES_LOCK])
        self._held, self.missed = True, False


def take(cluster: Server, wanted: int, columns: Sequence[Any], gates: Gates) -> list[Claim]:
    """Take up to ``wanted`` ready executions, of each queue in turn, the oldest when it is its turn."""
    taken: list[Claim] = []
    for_oldest = _turns.for_oldest(wanted)
    if for_oldest and len(cluster.queues) > 1:
        for _ in range(for_oldest):
            taken += _take_oldest(cluster, columns, gates)
        for_oldest = 0
    for queue in cluster.queues:
        left = wanted - len(taken)
        if left <= 0:
            break
        found = _take_plain(queue, left, for_oldest, cluster, columns)
        if len(found) < left and _any_waits(queue):
            oldest = min(for_oldest, left - len(found))
            if oldest:
                found += take_gated(queue, oldest, cluster, columns, gates, oldest_first=True)
            found += take_gated(queue, left - len(found), cluster, columns, gates)
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


def _take_oldest(cluster: Server, columns: Sequence[Any], gates: Gates) -> list[Claim]:
    """Take the oldest execution of all queues that this cluster may take."""
    queue = _queue_of_oldest(cluster)
    if queue is None:
        return []
    return take_gated(queue, 1, cluster, columns, gates, oldest_first=True)


def _queue_of_oldest(cluster: Server) -> str | None:
    """Return the queue whose oldest takeable execution is the oldest of all; None for none."""
    worker_id, labels = cluster.worker_id, cluster.labels
    found = [
        ready.first(queue, worker_id=worker_id, labels=labels, oldest_first=True)
        for queue in cluster.queues
    ]
    oldest = min((one for one in found if one is not None), default=None)
    return None if oldest is None else oldest.queue


def _take_plain(
    queue: str, wanted: int, for_oldest: int, cluster: Server, columns: Sequence[Any]
) -> list[Claim]:
    """Take the plain ones among the next ``wanted`` ready executions of a queue in one statement."""
    worker_id = cluster.worker_id
    places = 1 + (2 if for_oldest else 0) - (for_oldest >= wanted)
    return _returned(
        _plain_statement(wanted, for_oldest, connection.vendor),
        [queue] * places,
        columns,
        [queue, worker_id],
        worker_id=worker_id,
    )


@lru_cache(maxsize=256)
def _plain_statement(wanted: int, for_oldest: int, vendor: str) -> str:
    """Return the statement that takes the best, and among them so many of the oldest.

    The limit stands in the text: PostgreSQL plans a computed one as a full sort. Materialised:
    PostgreSQL may run a plain sub-select again for each row, and take more than the limit. Where
    anything requires labels, a closer look must find the oldest.
    """
    del vendor  # the key of what `skip_locked` and `_set` add
    lock, waiting = sql.skip_locked(), f"{ready.WAITING.format('')} AND queue = %s"
    columns, table = "id, mutex, requires", "jobs_execution"
    first = (
        f"SELECT {columns}, priority FROM {table} WHERE {waiting} "  # noqa: S608 - constants and numbers
        f"ORDER BY priority DESC, id LIMIT {int(wanted)}{lock}"
    )
    oldest = (
        f"SELECT {columns} FROM {table} WHERE {waiting} AND requires = '' "  # noqa: S608
        f"AND NOT EXISTS (SELECT 1 FROM {table} WHERE {waiting} AND requires > '') "
        f"ORDER BY queue, requires, id LIMIT {int(for_oldest)}{lock}"
    )
    if not for_oldest:
        parts = f"ready AS MATERIALIZED ({first})"
    elif for_oldest >= wanted:
        parts = f"ready AS MATERIALIZED ({oldest})"
    else:
        others = (
            f"SELECT {columns} FROM first WHERE id NOT IN (SELECT id FROM oldest) "  # noqa: S608
            f"ORDER BY priority DESC, id LIMIT {int(wanted - for_oldest)}"
        )
        parts = (
            f"oldest AS MATERIALIZED ({oldest}), first AS MATERIALIZED ({first}), "  # noqa: S608
            f"ready AS MATERIALIZED (SELECT {columns} FROM oldest "
            f"UNION ALL SELECT {columns} FROM ({others}) AS others)"
        )
    return (
        f"WITH {parts} {_set()}FROM ready WHERE jobs_execution.id = ready.id AND ready.mutex = '' "
        f"AND ready.requires = '' AND %s NOT IN ({ready.GATED_QUEUES}) AND NOT {ready.DRAINED} "
        "RETURNING jobs_execution.id"
    )


def _set() -> str:
    """Return the beginning of a statement that takes; ``columns_of`` gives its values."""
    return _WRITTEN + (_MOMENTS_OF_SERVER if connection.vendor == "postgresql" else _MOMENTS)


def take_gated(
    queue: str,
    wanted: int,
    cluster: Server,
    columns: Sequence[Any],
    gates: Gates,
    *,
    oldest_first: bool = False,
    only: int | None = None,
) -> list[Claim]:
    """Take what limit, pause, mutexes and labels of a queue let through, in order.

    1. Find what may be taken; nothing for most that look.
    2. If a limit or a mutex has a say, lock out the others and find it again.
    3. Take it, and note its start where those of a minute count; one more round where two of the same
       mutex were found.
    Where another has the lock, ``gates`` notes that it was missed, and nothing is taken.
    """
    taken: list[Claim] = []
    entered = False
    while len(taken) < wanted:
        gate = ready.gate(queue, cluster.worker_id)
        free = ready.room(queue, gate)
        if gate.closed or (free is not None and free.to_run <= 0):
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
        if not entered and (gate.counts or any(one.mutex for one in found)):
            if not gates.enter():
                break
            entered = True
            continue
        mine = _first_of_each(found, None if free is None else free.to_begin)
        numbers = [one.id for one in mine]
        places = ", ".join(["%s"] * len(numbers))
        where = f"id IN ({places}) AND {ready.WAITING.format('')}"
        done = update(where, numbers, columns, cluster.worker_id)
        if done and gate.per_minute is not None:
            starts.note(queue, [one.execution_id for one in done])
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


def columns_of(
    state: ExecutionState, *, pid: int | None = None, pid_started: int | None = None
) -> list[Any]:
    """Return what is written into what is taken: the values of ``_set`` without the cluster."""
    written = [state.value, secrets.token_hex(8), pid, pid_started]
    begins = state == ExecutionState.RUNNING
    if connection.vendor == "postgresql":
        return [*written, begins, conf.lease_seconds()]
    now = timezone.now()
    return [*written, now, now if begins else None, now + timedelta(seconds=conf.lease_seconds())]


def update(
    where: str, values: Sequence[Any], columns: Sequence[Any], worker_id: int
) -> list[Claim]:
    """Take the executions that ``where`` names, unless the cluster is drained."""
    return _returned(
        f"{_set()} WHERE {where} AND NOT {ready.DRAINED} RETURNING id",
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
    state, token, *others = columns
    found = sql.rows(statement, [*before, state, token, worker_id, *others, *after])
    return [Claim(row[0], token) for row in sorted(found)]
