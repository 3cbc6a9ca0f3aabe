"""Jobs and executions as the scheduled-jobs interface writes them: its fields, its zone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jobs import conf
from jobs.api.compat.apscheduler import trigger_text
from jobs.domain.states import TERMINAL, ExecutionState, JobState
from jobs.models import Execution, Job, Schedule
from jobs.queries.logged import ListedJob, ListedSchedule
from jobs.services.journal import public_id

SUCCEEDED = "Job berhasil dijalankan"
FAILED = "Job gagal dijalankan"
SKIPPED = "Eksekusi job di-skip"
_DEFAULTS = {
    ExecutionState.SUCCEEDED: SUCCEEDED,
    ExecutionState.SKIPPED: SKIPPED,
}


def job_document(job: Job) -> dict[str, Any]:
    """Return a job."""
    return listed_document(job, next(iter(job.schedules.all()), None))


def listed_document(
    job: Job | ListedJob, first: Schedule | ListedSchedule | None
) -> dict[str, Any]:
    """Return a job of the list, with its first schedule."""
    enabled = job.state == JobState.ACTIVE
    return {
        "job_id": public_id(job),
        "name": job.description.partition("\n")[0] or job.name,
        "description": job.description,
        "next_run": moment(job.next_fire_at) if enabled else None,
        "trigger": None if first is None else trigger_text(first),
        "enabled": enabled,
    }


def execution_document(execution: Execution) -> dict[str, Any]:
    """Return an execution as the detail of a job shows its latest one."""
    ended = execution.state in TERMINAL
    return {
        "id": execution.pk,
        "job_id": public_id(execution.job),
        "started_at": moment(execution.started_at or execution.finished_at),
        "finished_at": moment(execution.finished_at) if ended else None,
        "duration_seconds": _seconds(execution) if ended else None,
        "success": verdict(execution),
        "message": message(execution),
        "result_data": execution.result,
    }


def row_document(execution: Execution) -> dict[str, Any]:
    """Return an execution as a row of the history."""
    return {
        **execution_document(execution),
        "error_trace": execution.error or None,
        "created_at": moment(execution.queued_at),
    }


def verdict(execution: Execution) -> bool | None:
    """Say whether it succeeded; None while it goes on, and for one that was skipped."""
    if execution.state == ExecutionState.SKIPPED or execution.state not in TERMINAL:
        return None
    return execution.state == ExecutionState.SUCCEEDED


def message(execution: Execution) -> str | None:
    """Return what the job said, else a sentence for how it ended; None while it goes on."""
    if execution.message or execution.state not in TERMINAL:
        return execution.message or None
    return _DEFAULTS.get(ExecutionState(execution.state), FAILED)


def moment(value: datetime | None) -> str | None:
    """Return ``2025-11-03T00:30:00+07:00``."""
    if value is None:
        return None
    return value.astimezone(conf.scheduled_jobs_zone()).isoformat(timespec="seconds")


def _seconds(execution: Execution) -> float | None:
    duration = execution.duration
    return None if duration is None else round(duration.total_seconds(), 3)
