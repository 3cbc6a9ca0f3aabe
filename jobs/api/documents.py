"""The shapes of answers: what each field is called, and how a row becomes a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field, JsonValue

from jobs.domain.disclosure import definition_for
from jobs.domain.permissions import Actor
from jobs.models import Artifact, Execution, Job, Worker
from jobs.models.job import count_live, share_of
from jobs.queries.answers import Ran, hidden_among, sees_answer
from jobs.queries.stored import (
    StoredExecution,
    StoredJob,
    stored_artifacts,
    stored_attempts,
)
from jobs.services.definitions import JobDefinition
from jobs.services.parameter_definitions import ParameterDefinition, shown
from jobs.services.stored_definitions import definition_from, definition_of


class RetryDocument(BaseModel):
    """When a failed attempt is followed by another."""

    max_attempts: int
    kind: str
    base_seconds: float
    cap_seconds: float
    jitter_seconds: float
    lost: bool
    on: list[str] | None = Field(description="The causes that are tried again; null is any.")
    on_exit_codes: list[int] | None = Field(description="The exit codes; null is any.")


class BreakerSettings(BaseModel):
    """A job's own circuit breaker, as it was given."""

    threshold: int
    window_seconds: float
    open_seconds: float
    half_open_probes: int


class DependencyEntry(BaseModel):
    """Another job, and the ending of it that is waited for."""

    job: str
    on: str = Field(description="`success`, `failure` or `done`.")


class ScheduleDocument(BaseModel):
    """One schedule of a job, as it was given."""

    kind: str
    expression: str
    day_match: str
    seconds_position: str
    gap: str
    fold: str
    seconds: float | None
    anchor: str
    at: datetime | None
    event: str
    timezone: str
    starts_at: datetime | None
    ends_at: datetime | None
    jitter_seconds: float
    spread_seconds: float
    max_executions: int | None


class JobDocument(BaseModel):
    """A job: its definition, its state and its counters."""

    id: int
    name: str
    type: str
    state: str = Field(description="`active`, `paused` or `auto_disabled`.")
    next_fire_at: datetime | None = Field(
        description="When it is due next; null while nothing is: paused, finished, or an interval "
        "that counts from the end of the execution in progress."
    )
    version: int = Field(description="Grows with each change; also the `ETag`.")
    spec: dict[str, JsonValue] = Field(
        description="Literal secrets read `***` for who may not edit jobs; in `environment` too."
    )
    schedules: list[ScheduleDocument]
    description: str
    category: str
    owner: str
    external_id: str
    workspace: str | None = Field(description="Null: a job of its own, in no workspace.")
    tags: list[str]
    environment: dict[str, str]
    working_dir: str
    queue: str
    priority: int
    mutex: str = Field(description="At most one run that names the same one goes on at a time.")
    requires: list[str] = Field(description="The labels that a cluster must carry to take it.")
    timeout_seconds: float | None
    soft_timeout_seconds: float | None = Field(
        description="Past it a run is reported as slow; null: never."
    )
    grace_seconds: float
    output_limit_bytes: int | None
    overlap: str
    max_parallel: int
    misfire: str
    misfire_grace_seconds: float
    misfire_limit: int
    retry: RetryDocument
    auto_disable_after: int | None
    breaker: str | BreakerSettings | None = Field(
        description="The name of a shared circuit breaker, or the settings of its own."
    )
    run_on_create: bool
    alert_channel: str = Field(
        description="The name of the channel that its alerts go to, whatever that one's routes."
    )
    calendars: list[str] = Field(description="The names of the calendars that hold it back.")
    depends_on: list[DependencyEntry] = Field(
        description="It starts when all of these jobs have ended that way since its last such start."
    )
    parameters: list[ParameterDefinition] = Field(description="What a start may be given.")
    state_changed_at: datetime | None
    state_changed_by: str
    state_reason: str
    created_at: datetime
    created_by: str
    updated_at: datetime
    execution_count: int = Field(description="Executions made, whatever became of them.")
    success_count: int
    failure_count: int = Field(description="Failed, timed out and lost.")
    cancelled_count: int
    skipped_count: int
    live_count: int = Field(description="Executions that wait or run now.")
    success_rate: float | None = Field(description="0 to 1; null before the first end.")
    consecutive_failures: int
    last_execution_id: int | None
    last_state: str
    last_started_at: datetime | None
    last_finished_at: datetime | None
    last_duration_seconds: float | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str


_DERIVED = {"live_count", "success_rate"}
_STATE_FIELDS = tuple(
    name
    for name in JobDocument.model_fields
    if name not in {*JobDefinition.model_fields, *_DERIVED}
)


def job_document(job: Job, *, actor: Actor) -> JobDocument:
    """Return a job's document as ``actor`` may see it; fetch ``schedules``, ``tag_rows`` and ``calendars`` with it."""
    row = {name: getattr(job, name) for name in (*_STATE_FIELDS, *_COUNTERS)}
    return JobDocument.model_validate(_job_values(row, definition_of(job), actor))


def stored_job_document(job: StoredJob, *, actor: Actor) -> dict[str, Any]:
    """Return the same of what is stored, ready to be written: nothing of it needs a check."""
    return _job_values(job.row, definition_from(job), actor)


_COUNTERS = ("success_count", "failure_count", "cancelled_count", "skipped_count")


def _job_values(
    row: Mapping[str, Any], definition: Mapping[str, Any], actor: Actor
) -> dict[str, Any]:
    values = {
        **{name: row[name] for name in _STATE_FIELDS},
        **definition_for(actor, definition),
        "live_count": count_live(row["execution_count"], *(row[name] for name in _COUNTERS)),
        "success_rate": share_of(row["success_count"], row["failure_count"]),
    }
    return {name: values[name] for name in JobDocument.model_fields}


class AttemptDocument(BaseModel):
    """One try of an execution that needed more than one."""

    number: int
    state: str
    started_at: datetime | None
    finished_at: datetime
    exit_code: int | None
    signal: int | None
    message: str
    error: str
    worker: str


class WarningsDocument(BaseModel):
    """What an execution reported as wrong without failing."""

    count: int
    lines: list[str] = Field(description="The first 20.")


class ExecutionDocument(BaseModel):
    """One occurrence of a job."""

    id: int
    job_id: int
    job: str = Field(description="The job's name.")
    version: int = Field(description="The version of the definition that it runs.")
    due_at: datetime = Field(description="The instant that a schedule named, or of the request.")
    trigger: str
    actor: str
    upstream: list[int] | None = Field(
        description="The executions whose endings started it, for the trigger `dependency`."
    )
    state: str
    held: bool = Field(
        description="Waits for an earlier execution of its job, or until ``wait_until``."
    )
    wait_until: datetime | None = Field(description="When jitter or spread lets it start.")
    attempt: int
    queue: str
    priority: int
    worker: str | None
    queued_at: datetime
    claimed_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    retry_at: datetime | None
    duration_seconds: float | None
    cancel_requested_at: datetime | None
    cancel_requested_by: str
    exit_code: int | None
    signal: int | None
    message: str
    error: str
    result: JsonValue = Field(description="Null for a viewer where it is the answer of a server.")
    parameters: dict[str, str | int | float | bool] | None = Field(
        description="What its start was given, with defaults; a secret is `***`. Null: none declared."
    )
    metrics: dict[str, float] | None
    warnings: WarningsDocument | None
    soft_timeout_at: datetime | None = Field(description="When its soft time limit was over.")
    progress: int | None
    log_bytes: int
    log_truncated: bool
    cpu_seconds: float | None
    max_rss_bytes: int | None


class ArtifactDocument(BaseModel):
    """A file that an execution left."""

    id: int
    name: str = Field(description="Its path below the execution's directory.")
    attempt: int
    size_bytes: int
    sha256: str
    created_at: datetime


class ExecutionDetail(ExecutionDocument):
    """One execution with its attempts, where it needed more than one, and the files it left."""

    attempts: list[AttemptDocument]
    artifacts: list[ArtifactDocument]


_EXECUTION_FIELDS = tuple(
    name
    for name in ExecutionDocument.model_fields
    if name not in {"job", "worker", "duration_seconds"}
)


def execution_document(execution: Execution, *, actor: Actor) -> ExecutionDocument:
    """Return an execution's document as ``actor`` may see it; fetch ``job`` and ``worker`` with it."""
    hidden = not sees_answer(actor, execution)
    return ExecutionDocument.model_validate(_execution_values(_row_of(execution), hidden=hidden))


def stored_execution_documents(
    executions: Sequence[StoredExecution], *, actor: Actor
) -> list[dict[str, Any]]:
    """Return the same of what is stored, ready to be written: nothing of it needs a check."""
    ran = [Ran(one["id"], one["job_id"], one["version"], one["job__type"]) for one in executions]
    hidden = hidden_among(actor, ran)
    return [_execution_values(one, hidden=one["id"] in hidden) for one in executions]


def execution_detail(execution: StoredExecution, *, actor: Actor) -> dict[str, Any]:
    """Return what is stored of an execution with its attempts and the files it left."""
    return {
        **stored_execution_documents([execution], actor=actor)[0],
        "attempts": [_attempt_values(row) for row in stored_attempts(execution["id"])],
        "artifacts": [
            {name: row[name] for name in ArtifactDocument.model_fields}
            for row in stored_artifacts(execution["id"])
        ],
    }


def _attempt_values(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {**row, "worker": row["worker_name"]}
    return {name: values[name] for name in AttemptDocument.model_fields}


def artifact_document(artifact: Artifact) -> ArtifactDocument:
    """Return a kept file's document."""
    return ArtifactDocument.model_validate(
        {name: getattr(artifact, name) for name in ArtifactDocument.model_fields}
    )


def _row_of(execution: Execution) -> dict[str, Any]:
    return {
        **{name: getattr(execution, name) for name in _EXECUTION_FIELDS},
        "job__name": execution.job.name,
        "worker__name": execution.worker.name if execution.worker else None,
    }


def _execution_values(row: Mapping[str, Any], *, hidden: bool) -> dict[str, Any]:
    began, ended = row["started_at"], row["finished_at"]
    values = {
        **{name: row[name] for name in _EXECUTION_FIELDS},
        "job": row["job__name"],
        "worker": row["worker__name"],
        "duration_seconds": (ended - began).total_seconds() if began and ended else None,
        "parameters": shown(row["parameters"]),
        "metrics": _floats(row["metrics"]),
        "warnings": _warnings(row["warnings"]),
    }
    if hidden:
        values["result"] = None
    return {name: values[name] for name in ExecutionDocument.model_fields}


def _floats(metrics: Mapping[str, float] | None) -> dict[str, float] | None:
    return None if metrics is None else {name: float(value) for name, value in metrics.items()}


def _warnings(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if stored is None:
        return None
    return {name: stored[name] for name in WarningsDocument.model_fields}


class WorkerDocument(BaseModel):
    """A dispatcher or cluster process and its latest sign of life."""

    id: int
    kind: str
    name: str
    host: str
    pid: int
    state: str
    queues: list[str]
    labels: list[str]
    drain_requested_at: datetime | None = Field(description="Since when it takes nothing new.")
    drain_requested_by: str
    slots: int
    busy: int
    version: str
    started_at: datetime
    beat_at: datetime
    tick_at: datetime | None
    lag_seconds: float | None


def worker_document(worker: Worker) -> WorkerDocument:
    """Return a process's document."""
    return WorkerDocument.model_validate(
        {name: getattr(worker, name) for name in WorkerDocument.model_fields}
    )
