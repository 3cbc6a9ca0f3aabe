"""Jobs with all that their definitions say, and executions, as plain values.

A few statements for any number of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from django.db.models import Model, QuerySet

from jobs.models import (
    Artifact,
    Attempt,
    Calendar,
    Dependency,
    Execution,
    Job,
    JobTag,
    Schedule,
)
from jobs.queries.plain import Row, plain_rows


def _columns(model: type[Model], *, without: Collection[str] = ()) -> tuple[str, ...]:
    fields = model._meta.concrete_fields  # noqa: SLF001 - Django's way to a table's columns
    return tuple(one.attname for one in fields if one.name not in without)


# Left out is what no answer tells. Behind the columns stands what is read of the rows they name.
_JOB = (
    *_columns(
        Job,
        without={
            "counts_from_end", "decided_until", "deleted_at", "history_from", "is_upstream",
            "open_omission", "pruned", "recent",
        },
    ),
    "workspace__name", "breaker__name", "breaker__threshold", "breaker__window_seconds",
    "breaker__open_seconds", "breaker__half_open_probes",
)  # fmt: skip
_EXECUTION = (
    *_columns(
        Execution,
        without={"handed_at", "idempotency_key", "lease_expires_at", "pid", "pid_started", "token"},
    ),
    "job__name", "job__type", "worker__name",
)  # fmt: skip
_SCHEDULE, _ATTEMPT, _ARTIFACT = map(_columns, (Schedule, Attempt, Artifact))
_AWAITED = ("job_id", "upstream__name", "upstream__workspace__name", "outcome")
StoredExecution = Row


class Awaited(NamedTuple):
    """Another job that one waits for, and which ending of it."""

    name: str
    workspace: str | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A job as it is stored. ``row`` has its columns, and those of the rows that it names."""

    row: Row
    schedules: list[Row]
    tags: list[str]
    calendars: list[str]
    awaited: list[Awaited]


def stored_jobs(jobs: QuerySet[Job]) -> list[StoredJob]:
    """Return what is stored of jobs, oldest first; four statements, or five."""
    rows = sorted(plain_rows(Job, _JOB, jobs), key=itemgetter("id"))
    numbers = [row["id"] for row in rows]
    schedules = _by_job(Schedule, _SCHEDULE, numbers)
    tags = _by_job(JobTag, ("job_id", "tag"), numbers)
    awaited = _by_job(Dependency, _AWAITED, numbers)
    # Few jobs use any: mostly this asks nothing.
    using = [row["id"] for row in rows if row["uses_calendars"]]
    calendars = _by_job(Calendar.jobs.through, ("job_id", "calendar__name"), using)
    return [
        StoredJob(
            row=row,
            schedules=schedules.get(row["id"], []),
            tags=sorted(one["tag"] for one in tags.get(row["id"], ())),
            calendars=sorted(one["calendar__name"] for one in calendars.get(row["id"], ())),
            awaited=[_awaited(one) for one in awaited.get(row["id"], ())],
        )
        for row in rows
    ]


def stored_executions(executions: QuerySet[Execution]) -> list[StoredExecution]:
    """Return what is stored of executions, newest first, with the names of job and worker."""
    found = plain_rows(Execution, _EXECUTION, executions)
    return sorted(found, key=itemgetter("id"), reverse=True)


def stored_attempts(execution_id: int) -> list[Row]:
    """Return the attempts of an execution that needed more than one, in their order."""
    return plain_rows(Attempt, _ATTEMPT, [execution_id], by="execution")


def stored_artifacts(execution_id: int) -> list[Row]:
    """Return the files that an execution left, by name."""
    return plain_rows(Artifact, _ARTIFACT, [execution_id], by="execution")


def _by_job(
    model: type[Model], names: tuple[str, ...], numbers: Sequence[int]
) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in plain_rows(model, names, numbers, by="job"):
        found.setdefault(row["job_id"], []).append(row)
    return found


def _awaited(row: Row) -> Awaited:
    return Awaited(row["upstream__name"], row["upstream__workspace__name"], row["outcome"])
