"""Which queued executions may be taken now: what claims and what looks before it claims agree on.

An execution is *gated* when something besides a free worker decides: its queue has a limit, of runs at
a time or of starts a minute, or a pause, it names a mutex, or it requires labels. All others are *plain*.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import connection

from jobs.domain.labels import covers
from jobs.queries import starts

# The words of the partial indexes; SQLite finds an index by its text, and which of the two texts it has
# is a matter of the Django that made it: 6.1 writes "held = 0", those before it "NOT held".
FREE = "NOT {0}held AND {0}held = 0" if connection.vendor == "sqlite" else "NOT {0}held"
WAITING = f"{{0}}state = 'queued' AND {FREE}"
HOLDING = (
    "({0}state IN ('claimed', 'running', 'retrying') OR ({0}attempt > 1 AND {0}state = 'queued'))"
)
_NAMED = (
    "NOT ({0}mutex = '') AND {0}state IN ('queued', 'claimed', 'running', 'retrying')"  # its index
)
GATED_QUEUES = (
    "SELECT name FROM jobs_queue WHERE concurrency IS NOT NULL OR starts_per_minute IS NOT NULL "
    "OR paused_at IS NOT NULL"
)
DRAINED = "EXISTS (SELECT 1 FROM jobs_worker WHERE id = %s AND drain_requested_at IS NOT NULL)"
# `HOLDING` state by state, each a probe of the mutexes' index: with a list of states SQLite, and with
# one condition for all of them both databases, would read for each that waits all that wait with it.
MUTEX_TAKEN = "({})".format(
    " OR ".join(
        "EXISTS (SELECT 1 FROM jobs_execution h WHERE h.mutex = e.mutex AND h.id <> e.id "  # noqa: S608 - constants
        f"AND {_NAMED.format('h.')} AND h.state = {state})"
        for state in ("'running'", "'claimed'", "'retrying'", "'queued' AND h.attempt > 1")
    )
)


class Gate(NamedTuple):
    """What a queue lets through: how many at a time and a minute, and whether a cluster may take."""

    limit: int | None
    per_minute: int | None
    closed: bool  # the queue is paused, or the cluster is drained

    @property
    def counts(self) -> bool:
        """Say whether the number of runs decides."""
        return self.limit is not None or self.per_minute is not None


class Room(NamedTuple):
    """What a queue with a limit has room for."""

    to_begin: int  # for first attempts
    to_run: int  # for later attempts, which hold a slot already


class Candidate(NamedTuple):
    """An execution that may be taken, if no other of its mutex is taken before."""

    id: int
    mutex: str
    attempt: int
    queue: str


class Kind(NamedTuple):
    """What waits in one queue and requires the same labels, with the oldest of it."""

    queue: str
    requires: str
    oldest: int


def gate(queue: str, worker_id: int) -> Gate:
    """Return what the queue and the state of the cluster allow."""
    found = _rows(
        "SELECT q.concurrency, q.starts_per_minute, q.paused_at IS NOT NULL OR "  # noqa: S608 - constants
        f"{DRAINED} FROM (SELECT 1) one LEFT JOIN jobs_queue q ON q.name = %s",
        [worker_id, queue],
    )
    limit, per_minute, closed = found[0]
    return Gate(limit, per_minute, bool(closed))


def room(queue: str, through: Gate) -> Room | None:
    """Return how many more of a queue may begin, and run; None where the number is free."""
    if not through.counts:
        return None
    slots = None if through.limit is None else slots_of(queue, through.limit)
    if through.per_minute is None:
        return slots
    free = starts.minute(queue, through.per_minute).free
    return Room(free, free) if slots is None else Room(*(min(free, left) for left in slots))


def slots_of(queue: str, limit: int) -> Room:
    """Return the free slots of a queue that runs so many at a time."""
    found = _rows(
        "SELECT count(*), count(CASE WHEN state IN ('claimed', 'running') THEN 1 END) "  # noqa: S608 - constants
        f"FROM jobs_execution WHERE queue = %s AND {HOLDING.format('')}",
        [queue],
    )
    holding, running = found[0]
    return Room(limit - holding, limit - running)


# A walk from group to group of the index: SQLite and PostgreSQL would read all rows for a DISTINCT.
_KINDS = (  # noqa: S608 - constants
    "WITH RECURSIVE kind(queue, requires) AS ("
    "SELECT * FROM (SELECT queue, requires FROM jobs_execution WHERE {waiting} AND queue = %s "
    "ORDER BY queue, requires LIMIT 1) AS first "
    "UNION ALL SELECT kind.queue, (SELECT requires FROM jobs_execution WHERE {waiting} "
    "AND queue = kind.queue AND requires > kind.requires ORDER BY queue, requires LIMIT 1) "
    "FROM kind WHERE kind.requires IS NOT NULL) "
    "SELECT queue, requires, (SELECT id FROM jobs_execution e WHERE {e_waiting} "
    "AND e.queue = kind.queue AND e.requires = kind.requires ORDER BY e.queue, e.requires, e.id "
    "LIMIT 1) FROM kind WHERE requires IS NOT NULL"
).format(waiting=WAITING.format(""), e_waiting=WAITING.format("e."))


def kinds(queue: str) -> list[Kind]:
    """Return the different requirements of what waits in a queue, at the cost of a few probes."""
    return [Kind(*found) for found in _rows(_KINDS, [queue]) if found[2] is not None]


_QUEUES = (  # noqa: S608 - constants
    "WITH RECURSIVE named(queue) AS (SELECT min(queue) FROM jobs_execution WHERE {waiting} "
    "UNION ALL SELECT (SELECT min(queue) FROM jobs_execution WHERE {waiting} "
    "AND queue > named.queue) FROM named WHERE named.queue IS NOT NULL) "
    "SELECT queue FROM named WHERE queue IS NOT NULL"
).format(waiting=WAITING.format(""))


def waiting_queues() -> list[str]:
    """Return the queues in which something waits, by name."""
    return [found[0] for found in _rows(_QUEUES, [])]


def candidates(
    queue: str,
    wanted: int,
    *,
    labels: Iterable[str],
    oldest_first: bool = False,
    begun_only: bool = False,
    only: int | None = None,
    suffix: str = "",
) -> list[Candidate]:
    """Return up to ``wanted`` executions of a queue that mutexes and labels let through, in order.

    ``begun_only`` leaves first attempts out; ``only`` asks for one execution. ``suffix`` is what
    locks the rows.
    """
    served = [kind.requires for kind in kinds(queue) if covers(labels, kind.requires)]
    if not served:
        return []
    places = ", ".join(["%s"] * len(served))
    order = "e.id" if oldest_first else "e.priority DESC, e.id"
    statement = (
        f"SELECT e.id, e.mutex, e.attempt, e.queue FROM jobs_execution e WHERE {WAITING.format('e.')} "  # noqa: S608 - constants and numbers
        f"AND e.queue = %s AND e.requires IN ({places}) AND (e.mutex = '' OR NOT {MUTEX_TAKEN})"
        f"{' AND e.attempt > 1' if begun_only else ''}"
        f"{'' if only is None else f' AND e.id = {int(only)}'}"
        f" ORDER BY {order} LIMIT {int(wanted)}{suffix}"
    )
    return [Candidate(*found) for found in _rows(statement, [queue, *served])]


def first(
    queue: str, *, worker_id: int, labels: Iterable[str], oldest_first: bool = False
) -> Candidate | None:
    """Return the execution of a queue that the cluster would take next; None when it may take none."""
    through = gate(queue, worker_id)
    if through.closed:
        return None
    begun_only = False
    free = room(queue, through)
    if free is not None:
        if free.to_run <= 0:
            return None
        begun_only = free.to_begin <= 0
    found = candidates(queue, 1, labels=labels, oldest_first=oldest_first, begun_only=begun_only)
    return found[0] if found else None


def has_gated(queues: Sequence[str]) -> bool:
    """Say whether anything gated waits in the queues, at the cost of a few probes."""
    places = ", ".join(["%s"] * len(queues))
    statement = (
        f"SELECT EXISTS (SELECT 1 FROM jobs_execution WHERE {_NAMED.format('')} "  # noqa: S608 - constants
        f"AND {WAITING.format('')} AND queue IN ({places})) OR EXISTS (SELECT 1 FROM jobs_execution "
        f"WHERE {WAITING.format('')} AND queue IN ({places}) AND queue IN ({GATED_QUEUES})) "
        f"OR EXISTS (SELECT 1 FROM jobs_execution WHERE {WAITING.format('')} "
        f"AND queue IN ({places}) AND requires > '')"
    )
    return bool(_rows(statement, [*queues, *queues, *queues])[0][0])


def _rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
