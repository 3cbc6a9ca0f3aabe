"""An execution as its runner needs it: the definition of its own version, resolved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from jobs import conf
from jobs.domain.errors import UnknownError
from jobs.domain.loglines import START, Place
from jobs.domain.parameters import Scalar
from jobs.domain.retry import RetryPolicy
from jobs.domain.states import RetryCause, RetryKind, Trigger
from jobs.executors.base import STANDALONE
from jobs.models import BackfillItem, JobVersion
from jobs.models.variable import workspace_scope
from jobs.services import logs, sql


class StoredVariable(NamedTuple):
    """A variable as the database keeps it: a secret still sealed."""

    name: str
    scope: str
    value: str
    sealed: str


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
    backfill_id: int | None = None  # of the backfill that made it
    # Where this attempt's output begins in the execution's log.
    log_at: Place = START
    soft_timeout_seconds: float | None = None
    # What its start was given, as it is stored, and what the definition of its version declares.
    given: dict[str, Any] = field(default_factory=dict)
    declared: list[dict[str, Any]] = field(default_factory=list)
    # The given values, once `rendering` has opened the secret ones.
    parameters: dict[str, Scalar] = field(default_factory=dict)
    # The name of the workspace in which the job lives now.
    workspace: str = STANDALONE
    # All that the job may name; read with the definition, so that both are of one moment.
    variables: tuple[StoredVariable, ...] = ()


# In the order in which `load` unpacks them.
_LOAD = (
    "SELECT e.token, e.version, e.attempt, e.trigger, e.due_at, e.queue, e.queued_at, e.started_at, "
    "e.parameters, "
    "j.id, j.name, j.version, j.type, j.spec, j.environment, j.working_dir, j.timeout_seconds, "
    "j.grace_seconds, j.output_limit_bytes, j.retry_max_attempts, j.retry_kind, "
    "j.retry_base_seconds, j.retry_cap_seconds, j.retry_jitter_seconds, j.retry_lost, "
    "j.retry_on, j.retry_on_exit_codes, j.soft_timeout_seconds, j.parameters, "
    # Most installations have few variables or none: only where there are some they are read.
    "EXISTS (SELECT 1 FROM jobs_variable v WHERE v.scope = 'global' OR v.job_id = j.id "
    "OR v.scope LIKE 'workspace:%%'), j.workspace_id, w.name "
    "FROM jobs_execution e JOIN jobs_job j ON j.id = e.job_id "
    "LEFT JOIN jobs_workspace w ON w.id = j.workspace_id WHERE e.id = %s"
)


def load(execution_id: int) -> Running:
    """Return a started execution with the definition of its own version."""
    found = sql.row(_LOAD, [execution_id])
    if found is None:
        raise UnknownError(f"Execution {execution_id} does not exist.")
    token, version, attempt, trigger, due_at, queue, queued_at, started_at = found[:8]
    given, job_id, job_name, present = found[8:12]
    *columns, has_variables, workspace_id, workspace = found[12:]
    definition = _present_definition(columns)
    if version != present:
        definition = JobVersion.objects.get(job_id=job_id, version=version).definition
    return Running(
        execution_id=execution_id,
        token=token,
        job_id=job_id,
        job_name=job_name,
        type=definition["type"],
        spec=definition["spec"],
        environment=definition["environment"],
        working_dir=definition["working_dir"],
        version=version,
        attempt=attempt,
        trigger=trigger,
        due_at=_present(due_at),
        queue=queue,
        queued_at=_present(queued_at),
        started_at=_present(started_at),
        timeout_seconds=definition["timeout_seconds"],
        grace_seconds=definition["grace_seconds"],
        output_limit_bytes=definition["output_limit_bytes"] or conf.output_limit_bytes(),
        retry=_policy(definition["retry"]),
        backfill_id=_backfill_of(execution_id) if trigger == Trigger.BACKFILL else None,
        log_at=logs.position(execution_id) if attempt > 1 else START,
        variables=_variables(job_id, workspace_id) if has_variables else (),
        workspace=workspace or STANDALONE,
        soft_timeout_seconds=definition.get("soft_timeout_seconds"),
        given=sql.json_value(given) or {},
        declared=definition.get("parameters") or [],
    )


_VARIABLES = (
    "SELECT name, scope, value, sealed FROM jobs_variable "
    "WHERE scope = 'global' OR job_id = %s OR scope = %s ORDER BY id"
)


def _variables(job_id: int, workspace_id: int | None) -> tuple[StoredVariable, ...]:
    room = "" if workspace_id is None else workspace_scope(workspace_id)
    return tuple(StoredVariable(*found) for found in sql.rows(_VARIABLES, [job_id, room]))


def _backfill_of(execution_id: int) -> int | None:
    items = BackfillItem.objects.filter(execution=execution_id)
    return items.values_list("backfill", flat=True).first()


def _present_definition(columns: Sequence[Any]) -> dict[str, Any]:
    """Return the job's present definition, as a version's snapshot names it."""
    (kind, spec, environment, working_dir, timeout, grace, output_limit, *rest) = columns
    *retry, soft_timeout, parameters = rest
    names = ("max_attempts", "kind", "base_seconds", "cap_seconds", "jitter_seconds", "lost")
    *retry, causes, exit_codes = retry
    return {
        "type": kind,
        "spec": sql.json_value(spec),
        "environment": sql.json_value(environment),
        "working_dir": working_dir,
        "timeout_seconds": timeout,
        "grace_seconds": grace,
        "output_limit_bytes": output_limit,
        "soft_timeout_seconds": soft_timeout,
        "parameters": sql.json_value(parameters),
        "retry": {
            **dict(zip(names, retry, strict=True)),
            "on": _stored_list(causes),
            "on_exit_codes": _stored_list(exit_codes),
        },
    }


def _stored_list(value: Any) -> list[Any] | None:
    found: list[Any] | None = None if value is None else sql.json_value(value)
    return found


def _policy(retry: dict[str, Any]) -> RetryPolicy:
    """Return the domain's retry policy; versions of before know no conditions."""
    causes, exit_codes = retry.get("on"), retry.get("on_exit_codes")
    return RetryPolicy(
        max_attempts=retry["max_attempts"],
        kind=RetryKind(retry["kind"]),
        base=timedelta(seconds=retry["base_seconds"]),
        cap=timedelta(seconds=retry["cap_seconds"]),
        jitter=timedelta(seconds=retry["jitter_seconds"]),
        on=None if causes is None else frozenset(map(RetryCause, causes)),
        on_exit_codes=None if exit_codes is None else frozenset(exit_codes),
        lost=retry["lost"],
    )


def _present(value: Any) -> datetime:
    """Return a stored moment that a started execution always has."""
    found = sql.moment(value)
    if found is None:
        raise ValueError("A started execution lacks one of its moments.")
    return found
