"""What a cluster must know before it claims: has it free slots, and is anything ready."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

_LOOK = (
    "SELECT (SELECT count(*) FROM jobs_execution WHERE worker_id = %s "
    "AND state IN ('claimed', 'running')), EXISTS (SELECT 1 FROM jobs_execution "
    "WHERE NOT held AND state = 'queued' AND queue IN ({places}))"
)


class Supply(NamedTuple):
    """How many executions a cluster has in hand, and whether its queues hold ready ones."""

    in_hand: int
    ready: bool


def supply(worker_id: int, queues: Sequence[str]) -> Supply:
    """Look at both in one statement, without a lock.

    The states stand in the text: with parameters neither database would use the partial indexes.
    """
    places = ", ".join(["%s"] * len(queues))
    with connection.cursor() as cursor:
        cursor.execute(
            _LOOK.format(places=places),
            [worker_id, *queues],
        )
        in_hand, ready = cursor.fetchone()
    return Supply(int(in_hand), bool(ready))
