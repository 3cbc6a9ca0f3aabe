"""What a cluster must know before it claims: has it free slots, and may it take anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from jobs.queries import ready as ready_queries
from jobs.queries import starts
from jobs.queries.ready import DRAINED, GATED_QUEUES, WAITING

_NOTHING, _PLAIN, _GATED = 0, 1, 2
# Where no queue has a limit or a pause and the first that comes to hand is plain, that is all: each
# sub-select on executions costs PostgreSQL a quarter of a millisecond of planning.
_GLANCE = (
    "SELECT (SELECT count(*) FROM jobs_execution WHERE worker_id = %s "  # noqa: S608 - constants
    "AND state IN ('claimed', 'running')), (SELECT CASE WHEN mutex = '' AND requires = '' "
    f"AND NOT EXISTS ({GATED_QUEUES}) THEN 1 ELSE 2 END FROM jobs_execution "
    f"WHERE {WAITING.format('')} AND queue IN ({{places}}) LIMIT 1), "
    "drain_requested_at IS NOT NULL FROM jobs_worker WHERE id = %s"
)
# What is plain is ready whoever asks. Only where nothing is, what is gated costs a closer look.
_LOOK = (
    "SELECT (SELECT count(*) FROM jobs_execution WHERE worker_id = %s "  # noqa: S608 - constants
    "AND state IN ('claimed', 'running')), CASE WHEN EXISTS (SELECT 1 FROM jobs_execution "
    f"WHERE {WAITING.format('')} AND mutex = '' AND requires = '' AND queue IN ({{places}}) "
    f"AND queue NOT IN ({GATED_QUEUES})) THEN 1 "
    f"WHEN EXISTS (SELECT 1 FROM jobs_execution WHERE {WAITING.format('')} "
    f"AND queue IN ({{places}})) THEN 2 ELSE 0 END, {DRAINED}"
)


class Supply(NamedTuple):
    """How many executions a cluster has in hand, and whether it may take more."""

    in_hand: int
    ready: bool
    drained: bool
    # In how many seconds a queue of those that wait may start again that used up its minute.
    opens_in: float | None = None


def supply(worker_id: int, queues: Sequence[str], labels: Sequence[str] = ()) -> Supply:
    """Look without a lock; ``ready`` is never said of what a limit, mutex, pause or label holds.

    The states stand in the text: with parameters neither database would use the partial indexes.
    """
    places = ", ".join(["%s"] * len(queues))
    with connection.cursor() as cursor:
        cursor.execute(_GLANCE.format(places=places), [worker_id, *queues, worker_id])
        glance = cursor.fetchone()
        if glance is None or glance[1] == _GATED:
            cursor.execute(_LOOK.format(places=places), [worker_id, *queues, *queues, worker_id])
            glance = cursor.fetchone()
    in_hand, found, drained = glance
    ready = not drained and (
        found == _PLAIN or (found == _GATED and may_take_gated(worker_id, queues, labels))
    )
    waits_for_gates = found == _GATED and not ready and not drained
    opens_in = starts.opens_in(queues) if waits_for_gates else None
    return Supply(int(in_hand), ready, bool(drained), opens_in)


def in_hand_of(worker_id: int) -> tuple[int, bool]:
    """Return how many executions a cluster has in hand, and whether it is drained."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM jobs_execution WHERE worker_id = %s "  # noqa: S608 - a constant
            f"AND state IN ('claimed', 'running')), {DRAINED}",
            [worker_id, worker_id],
        )
        in_hand, drained = cursor.fetchone()
    return int(in_hand), bool(drained)


def may_take_gated(worker_id: int, queues: Sequence[str], labels: Sequence[str]) -> bool:
    """Say whether any of the queues holds something that this cluster may take now."""
    return any(
        ready_queries.first(queue, worker_id=worker_id, labels=labels) is not None
        for queue in queues
    )
