"""What every ending of an execution does to its job: counters, strip, next fire time, successors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from jobs import wake
from jobs.domain.dependencies import ENDINGS
from jobs.domain.failures import count_in_a_row, should_auto_disable
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import FAILURES, ExecutionState, JobState, Overlap
from jobs.models import Job
from jobs.services import (
    audit,
    circuits,
    ended,
    journal,
    operation_endings,
    revisions,
    rollups,
    signals,
    sql,
)
from jobs.services.firing import refresh_next_fire, rules_of
from jobs.services.releasing import release

RECENT = 20  # how many outcomes the strip in the list shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An execution that just reached a final state."""

    execution_id: int
    state: ExecutionState
    queue: str
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime
    ran: timedelta | None = None  # when it ended earlier than it was ended
    error: str = ""

    @property
    def run_seconds(self) -> float:
        """Return how long it ran; 0 when it never started, or when the clock went back meanwhile."""
        if self.ran is not None:
            return max(self.ran.total_seconds(), 0.0)
        started_at = self.started_at or self.finished_at
        return max((self.finished_at - started_at).total_seconds(), 0.0)

    @property
    def wait_seconds(self) -> float:
        """Return how long it waited for its start, or for its end without one."""
        waited = (self.started_at or self.finished_at) - self.queued_at
        return max(waited.total_seconds(), 0.0)


_COUNTERS = ("success_count", "failure_count", "cancelled_count", "skipped_count")
_COUNTER = {
    ExecutionState.SUCCEEDED: 0,
    ExecutionState.CANCELLED: 2,
    ExecutionState.SKIPPED: 3,
    **dict.fromkeys(FAILURES, 1),
}
_STANDING = (
    "SELECT execution_count, success_count, failure_count, cancelled_count, skipped_count, "
    "consecutive_failures, recent, counts_from_end, auto_disable_after, state, overlap, "
    "breaker_id, is_upstream, type, EXISTS (SELECT 1 FROM jobs_backfill WHERE job_id = jobs_job.id AND next_at IS NOT NULL) "
    "FROM jobs_job WHERE id = %s"
)
# Whether others may have waited for the slot or the mutex that an execution held.
_FREES = (
    "SELECT 1 FROM jobs_execution e LEFT JOIN jobs_queue q ON q.name = e.queue "
    "WHERE e.id = %s AND (NOT (e.mutex = '') OR q.concurrency IS NOT NULL)"
)
_FEED = "UPDATE jobs_backfill SET next_at = %s WHERE job_id = %s AND next_at IS NOT NULL"


def lock_job(job_id: int) -> None:
    """Lock the job before its execution is written, as the dispatcher does: no deadlock between."""
    if connection.vendor == "postgresql":
        sql.row("SELECT 1 FROM jobs_job WHERE id = %s FOR UPDATE", [job_id])


def count_ending(job_id: int, ending: Ending) -> None:
    """Move the job's counters and everything that follows from the ending.

    Call it inside the transaction that wrote the final state. Locks the job's row, so that two
    endings of one job add up and successors are released once.
    """
    found = sql.row(_STANDING + sql.for_update(), [job_id])
    if found is None:  # the job was purged with its history while this ran
        return
    execution_count, *counts = found[:5]
    failures_before, recent, counts_from_end, disable_after, state, overlap = found[5:11]
    breaker_id, is_upstream, job_type, feeds = found[11:]
    counts[_COUNTER[ending.state]] += 1
    failures = count_in_a_row(failures_before, ending.state)
    changes: dict[str, Any] = dict(zip(_COUNTERS, counts, strict=True))
    changes["recent"] = sql.as_json(_strip(sql.json_value(recent), ending))
    changes |= _last(ending, failures)
    _update_job(job_id, changes)
    signals.note(
        job_id,
        ending.execution_id,
        state=ending.state,
        at=ending.finished_at,
        run_seconds=ending.run_seconds,
        recent=sql.json_value(recent),
    )
    tripped = breaker_id is not None and circuits.count(
        breaker_id, execution_id=ending.execution_id, state=ending.state, at=ending.finished_at
    )
    live = execution_count - sum(counts)
    if live > 0 and overlap != Overlap.ALLOW:  # where several may run, none is held
        release(job_id, overlap, timezone.now())
    if is_upstream and ending.state in ENDINGS:
        ended.tell(job_id, ending.execution_id, state=ending.state, at=ending.finished_at)
    if job_type == operation_endings.TYPE:
        operation_endings.tell(
            job_id, ending.execution_id, state=ending.state, at=ending.finished_at
        )
    if feeds:
        sql.run(_FEED, [timezone.now(), job_id])
        wake.poke("jobs")  # a backfill may start its next due time
    if sql.row(_FREES, [ending.execution_id]) is not None:
        wake.poke("queue")
    rollups.add_ending(
        job_id,
        queue=ending.queue,
        state=ending.state,
        at=ending.finished_at,
        run_seconds=ending.run_seconds,
        wait_seconds=ending.wait_seconds,
    )
    revisions.bump("executions")
    if (
        ending.state in FAILURES
        and state == JobState.ACTIVE
        and should_auto_disable(failures, disable_after)
    ):
        _auto_disable(job_id, failures, ending.finished_at)
    elif counts_from_end and live == 0:
        _fire_after_end(job_id, ending.finished_at)
    if tripped:
        revisions.bump("jobs")


def _strip(recent: list[list[Any]], ending: Ending) -> list[list[Any]]:
    """Return the strip with the ending at its newer end."""
    entry = [ending.execution_id, ending.state.value, round(ending.run_seconds * 1000)]
    return [*recent[-(RECENT - 1) :], entry]


def _last(ending: Ending, failures: int) -> dict[str, Any]:
    """Return what a job remembers of its last run; one that never started leaves no trace."""
    if ending.state == ExecutionState.SKIPPED or ending.started_at is None:
        return {}
    last: dict[str, Any] = {
        "last_execution_id": ending.execution_id,
        "last_state": ending.state.value,
        "last_started_at": ending.started_at,
        "last_finished_at": ending.finished_at,
        "last_duration_seconds": ending.run_seconds,
        "consecutive_failures": failures,
    }
    if ending.state == ExecutionState.SUCCEEDED:
        last["last_success_at"] = ending.finished_at
    elif ending.state in FAILURES:
        last["last_failure_at"] = ending.finished_at
        last["last_error"] = ending.error
    return last


def _update_job(job_id: int, changes: dict[str, Any]) -> None:
    """Write the named columns; the names are this module's own."""
    assignments = ", ".join(f"{name} = %s" for name in changes)
    sql.run(f"UPDATE jobs_job SET {assignments} WHERE id = %s", [*changes.values(), job_id])  # noqa: S608


def _auto_disable(job_id: int, failures: int, at: datetime) -> None:
    """Stop an active job at its nth failure in a row."""
    job = Job.objects.get(pk=job_id)
    job.state = JobState.AUTO_DISABLED.value
    job.state_changed_at = at
    job.state_changed_by = SYSTEM.name
    job.state_reason = f"{failures} failures in a row"
    job.next_fire_at = None
    job.save(
        update_fields=[
            "state",
            "state_changed_at",
            "state_changed_by",
            "state_reason",
            "next_fire_at",
        ]
    )
    audit.record(
        SYSTEM,
        "job.auto_disable",
        object_type="job",
        object_id=job.pk,
        object_name=job.name,
        note=job.state_reason,
    )
    journal.auto_disabled(job, failures)
    revisions.bump("jobs")


def _fire_after_end(job_id: int, ended_at: datetime) -> None:
    """Name the next due time of intervals that count from the end, also of one that never ran."""
    job = Job.objects.get(pk=job_id)
    job.last_finished_at = max(job.last_finished_at or ended_at, ended_at)  # not saved
    refresh_next_fire(job, rules_of(job.schedules.all()))
    job.save(update_fields=["next_fire_at"])
    wake.poke("jobs")
