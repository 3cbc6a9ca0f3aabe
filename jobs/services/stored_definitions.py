"""The definition of a stored job: what was saved, as plain JSON that can be saved again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_jsonable_python

from jobs.models import Job
from jobs.queries.stored import Awaited, StoredJob
from jobs.services.definitions import (
    BreakerDefinition,
    JobDefinition,
    RetryDefinition,
    ScheduleDefinition,
)
from jobs.services.parameter_definitions import ParameterDefinition

_RETRY = {name: f"retry_{name}" for name in RetryDefinition.model_fields}
_APART = {"schedules", "tags", "retry", "breaker", "calendars", "depends_on", "workspace"}
_COLUMNS = tuple(name for name in JobDefinition.model_fields if name not in _APART)


def definition_of(job: Job) -> dict[str, Any]:
    """Return the stored definition of ``job`` as plain JSON: what `parse_definition` took."""
    named = job.calendars.all() if job.uses_calendars else ()
    row = {name: getattr(job, name) for name in (*_COLUMNS, *_RETRY.values())}
    return definition_from(
        StoredJob(
            row={**row, **_named_by(job)},
            schedules=[
                {name: getattr(one, name) for name in ScheduleDefinition.model_fields}
                for one in job.schedules.all()
            ],
            tags=job.tags,
            calendars=sorted(calendar.name for calendar in named),
            awaited=_awaited_by(job),
        )
    )


def definition_from(stored: StoredJob) -> dict[str, Any]:
    """Return the definition that is stored: in the order of the model, its numbers as they are.

    It was valid when it was saved; a stricter rule of today must not make an old job unreadable.
    """
    row = stored.row
    apart = {
        "workspace": row["workspace__name"],
        "schedules": [
            {name: one[name] for name in ScheduleDefinition.model_fields}
            for one in stored.schedules
        ],
        "tags": stored.tags,
        "retry": {name: row[column] for name, column in _RETRY.items()},
        "breaker": _breaker_of(row),
        "calendars": stored.calendars,
        "depends_on": _dependencies_of(stored),
        "parameters": [
            ParameterDefinition.model_construct(**one).model_dump(mode="json", warnings=False)
            for one in row["parameters"]
        ],
    }
    values = {
        name: apart[name] if name in apart else row[name] for name in JobDefinition.model_fields
    }
    # Writes moments as the models do, and copies: what is given out may be changed.
    definition: dict[str, Any] = to_jsonable_python(values)
    return definition


def _named_by(job: Job) -> dict[str, Any]:
    """Return what stands in the rows that a job names, under the names of `StoredJob.row`."""
    found: dict[str, Any] = {"workspace__name": job.workspace.name if job.workspace else None}
    for name in BreakerDefinition.model_fields:
        found[f"breaker__{name}"] = None if job.breaker is None else getattr(job.breaker, name)
    return found


def _awaited_by(job: Job) -> list[Awaited]:
    """Return what a job waits for under the names of today."""
    rows = job.dependencies.all()
    if "dependencies" not in getattr(job, "_prefetched_objects_cache", {}):
        rows = rows.select_related("upstream__workspace")
    return [Awaited(row.upstream.name, _room(row.upstream), row.outcome) for row in rows]


def _dependencies_of(stored: StoredJob) -> list[dict[str, str]]:
    """Return what a job waits for in the order of a definition."""
    home = stored.row["workspace__name"]
    named = [
        {"job": _reference(one.name, one.workspace, home), "on": one.outcome}
        for one in stored.awaited
    ]
    return sorted(named, key=lambda one: one["job"].lower())


def reference(job: Job, home: str | None) -> str:
    """Return how a job of the workspace ``home`` names another: bare where both live in one place."""
    return _reference(job.name, _room(job), home)


def _room(job: Job) -> str | None:
    return job.workspace.name if job.workspace else None


def _reference(name: str, room: str | None, home: str | None) -> str:
    return name if room == home else f"{room or ''}/{name}"


def _breaker_of(row: Mapping[str, Any]) -> str | dict[str, Any] | None:
    """Return a shared breaker's name, or the settings of the job's own."""
    if row["breaker__name"] is None:
        return None
    return row["breaker__name"] or {
        name: row[f"breaker__{name}"] for name in BreakerDefinition.model_fields if name != "name"
    }
