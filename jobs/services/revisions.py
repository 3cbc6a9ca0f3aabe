"""Move the counters that live pages watch (see ``models.Revision``)."""

from __future__ import annotations

import os
from typing import Literal

from django.db import connection

SHARDS = 8  # writers on PostgreSQL seldom meet on one of eight rows; a reader still sums a page

# "figures" moves only where sums of past hours are mended, not when something ends.
Topic = Literal["jobs", "executions", "workers", "alerts", "figures"]

_BUMP = (
    "INSERT INTO jobs_revision (topic, shard, value) VALUES (%s, %s, 1) "
    "ON CONFLICT (topic, shard) DO UPDATE SET value = jobs_revision.value + 1"
)


def shard() -> int:
    """Return this process's row among the shards.

    Always the same one: two transactions that each touch several rows in their own order would wait
    for each other for ever.
    """
    return os.getpid() % SHARDS


def bump(topic: Topic) -> None:
    """Count one change of ``topic``; call it late in a transaction, executions before jobs."""
    with connection.cursor() as cursor:
        cursor.execute(_BUMP, [topic, shard()])
