"""An execution as its runner needs it: the definition of its own version, resolved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs import conf
from jobs.domain.retry import RetryPolicy
from jobs.domain.states import RetryKind
from jobs.models import Execution, Job, JobVersion
from jobs.services import logs


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An execution that this process has just started, with all that it needs to run it."""

    execution_id: int
    token: str
    job_id: int
    job_name: str
    type: str
    spec: dict[str, Any]
    environment: dict[str, str]
    working_dir: str
    version: int
    attempt: int
    trigger: str
    due_at: datetime
    queue: str
    queued_at: datetime
    started_at: datetime
    timeout_seconds: float | None
    grace_seconds: float
    output_limit_bytes: int
    retry: RetryPolicy
    retry_lost: bool
    # Where this attempt's output begins in the execution's log: place and byte offset.
    log_at: tuple[int, int] = (0, 0)


def load(execution_id: int) -> Running:
    """Return a started execution with the definition of its own version."""
    row = Execution.objects.select_related("job").get(pk=execution_id)
    job = row.job
    definition = _definition(job, row.version)
    assert row.started_at is not None  # noqa: S101 - tells the type checker what `start` wrote
    retry = definition["retry"]
    return Running(
        execution_id=row.pk,
        token=row.token,
        job_id=job.pk,
        job_name=job.name,
        type=definition["type"],
        spec=definition["spec"],
        environment=definition["environment"],
        working_dir=definition["working_dir"],
        version=row.version,
        attempt=row.attempt,
        trigger=row.trigger,
        due_at=row.due_at,
        queue=row.queue,
        queued_at=row.queued_at,
        started_at=row.started_at,
        timeout_seconds=definition["timeout_seconds"],
        grace_seconds=definition["grace_seconds"],
        output_limit_bytes=definition["output_limit_bytes"] or conf.output_limit_bytes(),
        retry=RetryPolicy(
            max_attempts=retry["max_attempts"],
            kind=RetryKind(retry["kind"]),
            base=timedelta(seconds=retry["base_seconds"]),
            cap=timedelta(seconds=retry["cap_seconds"]),
            jitter=timedelta(seconds=retry["jitter_seconds"]),
        ),
        retry_lost=retry["lost"],
        log_at=logs.position(execution_id) if row.attempt > 1 else (0, 0),
    )


def _definition(job: Job, version: int) -> dict[str, Any]:
    """Return what ``version`` of the job said; the present version needs no second read."""
    if version == job.version:
        return runtime_definition(job)
    snapshot: dict[str, Any] = JobVersion.objects.get(job=job, version=version).definition
    return snapshot


def runtime_definition(job: Job) -> dict[str, Any]:
    """Return the part of the definition that a run needs, as a version's snapshot holds it."""
    return {
        "type": job.type,
        "spec": job.spec,
        "environment": job.environment,
        "working_dir": job.working_dir,
        "timeout_seconds": job.timeout_seconds,
        "grace_seconds": job.grace_seconds,
        "output_limit_bytes": job.output_limit_bytes,
        "retry": {
            "max_attempts": job.retry_max_attempts,
            "kind": job.retry_kind,
            "base_seconds": job.retry_base_seconds,
            "cap_seconds": job.retry_cap_seconds,
            "jitter_seconds": job.retry_jitter_seconds,
            "lost": job.retry_lost,
        },
    }
