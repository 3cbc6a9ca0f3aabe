"""Tell the dispatcher of endings that other jobs wait for."""

from __future__ import annotations

from datetime import datetime

from jobs import wake
from jobs.domain.states import ExecutionState
from jobs.models.event import ENDED
from jobs.services import sql

_TELL = (
    "INSERT INTO jobs_occurrence (event, at, actor, detail, key, served_until) "
    "VALUES (%s, %s, '', %s, %s, 0)"
)


def tell(job_id: int, execution_id: int, *, state: ExecutionState, at: datetime) -> None:
    """Record an ending in its own transaction: it is served exactly once, whatever dies when.

    The ending locks no other job: the jobs that wait may be many, each with a breaker and jobs of
    its own behind it, and two endings that locked them in two orders would wait for each other.
    """
    sql.run(_TELL, [f"{ENDED}{job_id}", at, state.value, str(execution_id)])
    wake.poke(wake.JOBS)
