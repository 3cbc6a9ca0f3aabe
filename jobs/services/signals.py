"""What an ending or an edit tells the alerter, in its own transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jobs.domain.alerts import Rule
from jobs.domain.baseline import may_be_fast
from jobs.domain.states import FAILURES, ExecutionState
from jobs.models import AlertRule, AlertSignal, Execution
from jobs.services import sql

FAILED, FAST, CHANGED = "failed", "fast", "changed"
_NOTE = (
    "INSERT INTO jobs_alertsignal (at, job_id, execution_id, kind, cause, served_at) "
    "VALUES (%s, %s, %s, %s, '', NULL)"
)
# What of a definition says what is executed, and with what.
_EXECUTED = ("type", "spec", "environment", "working_dir")


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


def note_change(
    job_id: int, before: Mapping[str, Any], after: Mapping[str, Any], *, at: datetime
) -> None:
    """Tell that a job runs something else from now on, with the newest execution before that.

    Nothing is kept while nobody asks for it.
    """
    if all(before[name] == after[name] for name in _EXECUTED):
        return
    if not AlertRule.objects.filter(name=Rule.CHANGED.value, enabled=True).exists():
        return
    newest = Execution.objects.filter(job=job_id).order_by("-pk").values_list("pk", flat=True)
    AlertSignal.objects.create(at=at, job_id=job_id, execution_id=newest.first() or 0, kind=CHANGED)


def _successes(recent: Sequence[Sequence[Any]]) -> list[float]:
    return [one[2] / 1000 for one in recent if one[1] == ExecutionState.SUCCEEDED.value]
