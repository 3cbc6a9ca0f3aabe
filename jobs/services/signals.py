"""What an ending tells the alerter, in its own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jobs.domain.baseline import may_be_fast
from jobs.domain.states import FAILURES, ExecutionState
from jobs.services import sql

FAILED, FAST = "failed", "fast"
_NOTE = (
    "INSERT INTO jobs_alertsignal (at, job_id, execution_id, kind, cause, served_at) "
    "VALUES (%s, %s, %s, %s, '', NULL)"
)


def note(
    job_id: int,
    execution_id: int,
    *,
    state: ExecutionState,
    at: datetime,
    run_seconds: float,
    recent: Sequence[Sequence[Any]],
) -> None:
    """Tell of a failure, and of a success that came suspiciously soon; of nothing else.

    ``recent`` is the strip of latest outcomes before this one.
    """
    if state in FAILURES:
        kind = FAILED
    elif state == ExecutionState.SUCCEEDED and may_be_fast(_successes(recent), run_seconds):
        kind = FAST
    else:
        return
    sql.run(_NOTE, [at, job_id, execution_id, kind])


def _successes(recent: Sequence[Sequence[Any]]) -> list[float]:
    return [one[2] / 1000 for one in recent if one[1] == ExecutionState.SUCCEEDED.value]
