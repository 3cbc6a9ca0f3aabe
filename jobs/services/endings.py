"""What every ending of an execution does to its job: counters, strip, next fire time, successors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from jobs import wake
from jobs.domain.failures import should_auto_disable
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import FAILURES, ExecutionState, JobState, Overlap
from jobs.models import Execution, Job
from jobs.models.execution import LIVE_VALUES
from jobs.services import audit, revisions
from jobs.services.dbtime import as_parameter
from jobs.services.firing import refresh_next_fire, rules_of

RECENT = 20  # how many outcomes the strip in the list shows
SHARDS = revisions.SHARDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An execution that just reached a final state."""

    execution_id: int
    state: ExecutionState
    queue: str
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime
    error: str = ""

    @property
    def run_seconds(self) -> float:
        """Return how long it ran; 0 when it never started."""
        return (self.finished_at - self.started_at).total_seconds() if self.started_at else 0.0

    @property
    def wait_seconds(self) -> float:
        """Return how long it waited for its start, or for its end without one."""
        return ((self.started_at or self.finished_at) - self.queued_at).total_seconds()


_COUNTER = {
    ExecutionState.SUCCEEDED: "success_count",
    ExecutionState.CANCELLED: "cancelled_count",
    ExecutionState.SKIPPED: "skipped_count",
    **dict.fromkeys(FAILURES, "failure_count"),
}


def count_ending(job_id: int, ending: Ending) -> None:
    """Move the job's counters and everything that follows from the ending.

    Call it inside the transaction that wrote the final state. Locks the job's row, so that two
    endings of one job add up and successors are released once.
    """
    job = Job.objects.select_for_update().get(pk=job_id)
    changed = _count(job, ending)
    if job.live_count > 0:
        _release_held(job)
    changed += _auto_disable(job, ending)
    if job.counts_from_end and job.live_count == 0:
        refresh_next_fire(job, rules_of(job.schedules.all()))
        changed.append("next_fire_at")
        wake.poke("jobs")
    job.save(update_fields=changed)
    _add_to_hour(ending)
    revisions.bump("executions")


def _count(job: Job, ending: Ending) -> list[str]:
    """Move counters, last_* and the strip in memory; return the names of the changed fields."""
    counter = _COUNTER[ending.state]
    setattr(job, counter, getattr(job, counter) + 1)
    changed = [counter, "recent"]
    entry = [ending.execution_id, ending.state.value, round(ending.run_seconds * 1000)]
    job.recent = [*job.recent[-(RECENT - 1) :], entry]
    if ending.state == ExecutionState.SKIPPED or ending.started_at is None:
        return changed
    job.last_execution_id = ending.execution_id
    job.last_state = ending.state.value
    job.last_started_at = ending.started_at
    job.last_finished_at = ending.finished_at
    job.last_duration_seconds = ending.run_seconds
    changed += [
        "last_execution_id",
        "last_state",
        "last_started_at",
        "last_finished_at",
        "last_duration_seconds",
    ]
    if ending.state == ExecutionState.SUCCEEDED:
        job.consecutive_failures = 0
        job.last_success_at = ending.finished_at
        changed += ["consecutive_failures", "last_success_at"]
    elif ending.state in FAILURES:
        job.consecutive_failures += 1
        job.last_failure_at = ending.finished_at
        job.last_error = ending.error
        changed += ["consecutive_failures", "last_failure_at", "last_error"]
    return changed


def _auto_disable(job: Job, ending: Ending) -> list[str]:
    """Stop an active job at its nth failure in a row; return the changed fields."""
    if (
        ending.state not in FAILURES
        or job.state != JobState.ACTIVE
        or not should_auto_disable(job.consecutive_failures, job.auto_disable_after)
    ):
        return []
    job.state = JobState.AUTO_DISABLED.value
    job.state_changed_at = ending.finished_at
    job.state_changed_by = SYSTEM.name
    job.state_reason = f"{job.consecutive_failures} failures in a row"
    job.next_fire_at = None
    audit.record(
        SYSTEM,
        "job.auto_disable",
        object_type="job",
        object_id=job.pk,
        object_name=job.name,
        note=job.state_reason,
    )
    revisions.bump("jobs")
    return ["state", "state_changed_at", "state_changed_by", "state_reason", "next_fire_at"]


def _release_held(job: Job) -> None:
    """Let the oldest waiting executions of the job go, as many as may run beside the others."""
    limit = job.max_parallel if job.overlap == Overlap.ALLOW else 1
    live = job.executions.filter(state__in=LIVE_VALUES)
    free = limit - live.filter(held=False).count()
    if free > 0:
        ids = list(live.filter(held=True).order_by("pk").values_list("pk", flat=True)[:free])
        if Execution.objects.filter(pk__in=ids).update(held=False):
            wake.poke("queue")


_ADD_TO_HOUR = (
    "INSERT INTO jobs_stat (hour, queue, shard, succeeded, failed, timed_out, lost, cancelled, "
    "skipped, run_seconds, wait_seconds) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
    "ON CONFLICT (hour, queue, shard) DO UPDATE SET succeeded = jobs_stat.succeeded + "
    "excluded.succeeded, failed = jobs_stat.failed + excluded.failed, timed_out = "
    "jobs_stat.timed_out + excluded.timed_out, lost = jobs_stat.lost + excluded.lost, cancelled = "
    "jobs_stat.cancelled + excluded.cancelled, skipped = jobs_stat.skipped + excluded.skipped, "
    "run_seconds = jobs_stat.run_seconds + excluded.run_seconds, wait_seconds = "
    "jobs_stat.wait_seconds + excluded.wait_seconds"
)
_COLUMNS = ("succeeded", "failed", "timed_out", "lost", "cancelled", "skipped")


def _add_to_hour(ending: Ending) -> None:
    """Add the ending to the sums of its hour and queue."""
    hour = ending.finished_at.replace(minute=0, second=0, microsecond=0)
    ones = [int(ending.state == column) for column in _COLUMNS]
    shard = ending.execution_id % SHARDS
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD_TO_HOUR,
            [
                as_parameter(hour),
                ending.queue,
                shard,
                *ones,
                ending.run_seconds,
                ending.wait_seconds,
            ],
        )
