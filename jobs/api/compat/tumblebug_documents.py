"""Jobs in the words of CB-Tumblebug's scheduler."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from jobs.domain.states import FAILURES, ExecutionState, JobState, ScheduleKind
from jobs.models import Job
from jobs.queries.registering import TYPE, Standing
from jobs.services.firing import next_fire, rules_of
from jobs.services.journal import public_id

DEFAULT_TIMEOUT_SECONDS = 1800
SCHEDULED, EXECUTING = "Scheduled", "Executing"
_FAILED = {state.value for state in FAILURES}


def document(standing: Standing) -> dict[str, Any]:
    """Return a job as scripts know it: every field, texts empty where there is nothing yet."""
    job, spec = standing.job, standing.job.spec
    last_executed = _last_executed(standing)
    return {
        "jobId": public_id(job),
        "jobType": TYPE,
        "nsId": spec.get("ns_id", ""),
        "status": EXECUTING if job.live_count > 0 else SCHEDULED,
        "intervalSeconds": _interval_seconds(standing) or 0,
        "executionTimeout": round(job.timeout_seconds or DEFAULT_TIMEOUT_SECONDS),
        "enabled": job.state == JobState.ACTIVE,
        "connectionName": spec.get("connection_name", ""),
        "mciNamePrefix": spec.get("mci_name_prefix", ""),
        "option": spec.get("option", ""),
        "mciFlag": spec.get("mci_flag", "y"),
        "createdAt": _moment(job.created_at),
        "lastExecutedAt": _moment(last_executed),
        "nextExecutionAt": _moment(_next_execution(standing, last_executed)),
        # Counted when they are queued; one that was taken back never started.
        "executionCount": job.execution_count - job.skipped_count,
        "successCount": job.success_count,
        "failureCount": job.failure_count,
        "consecutiveFailures": job.consecutive_failures,
        "lastError": _one_line(job.last_error) if job.last_state in _FAILED else "",
        "lastResult": _last_result(standing),
        "autoDisabled": is_auto_disabled(job),
    }


def is_auto_disabled(job: Job) -> bool:
    """Say whether its failures disabled it; a success, not the enabling, ends that."""
    limit = job.auto_disable_after
    return job.state == JobState.AUTO_DISABLED or (
        limit is not None and job.consecutive_failures >= limit
    )


def _last_executed(standing: Standing) -> datetime | None:
    live = standing.live
    if live is not None:
        # What is queued counts as executing, so it began when it was due.
        return live.started_at or live.due_at
    return standing.job.last_started_at


def _next_execution(standing: Standing, last_executed: datetime | None) -> datetime | None:
    """Return the next start: of a running job as if the run ended now as it began.

    Of a stopped job what it would be, always in the future, so that nobody takes it for overdue.
    """
    job = standing.job
    if job.next_fire_at is not None:
        return job.next_fire_at
    seconds = _interval_seconds(standing)
    if job.live_count > 0 and seconds is not None and last_executed is not None:
        return last_executed + timedelta(seconds=seconds)
    return next_fire(
        rules_of(standing.schedules),
        after=timezone.now(),
        live=False,
        last_finished_at=job.last_finished_at,
    )


def _interval_seconds(standing: Standing) -> int | None:
    rows = (row for row in standing.schedules if row.kind == ScheduleKind.INTERVAL)
    return next((round(row.seconds or 0) for row in rows), None)


def _last_result(standing: Standing) -> str:
    """Return what the last run registered; empty after one that failed."""
    last = standing.last
    if last is None or last.state != ExecutionState.SUCCEEDED:
        return ""
    return _one_line(last.message)


def _moment(value: datetime | None) -> str:
    """Return whole seconds of UTC: `jq` compares such texts."""
    return "" if value is None else value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _one_line(text: str) -> str:
    """Return the text without line breaks, which a shell variable would lose."""
    return " ".join(text.split())
