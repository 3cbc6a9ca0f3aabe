"""The ledger of a period: each due time's execution, or the omission that covers it.

Everything is read once, in order of time, through server-side cursors: the memory does not grow
with the period.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from jobs.domain.permissions import Actor
from jobs.domain.schedule import Schedule as Rule
from jobs.domain.schedule import count_due
from jobs.domain.states import JobState, OmissionReason
from jobs.models import Attempt, Execution, Job, Omission, Schedule
from jobs.models.job import of_jobs_seen_by

CHUNK = 1000  # rows held at a time

# What the export tells of an execution; output and errors are read with the execution itself.
_EXECUTION = (
    "id", "job_id", "version", "due_at", "trigger", "actor", "state", "attempt", "queued_at",
    "started_at", "finished_at", "exit_code", "signal", "message", "job__name", "job__deleted_at",
)  # fmt: skip
_ATTEMPT = ("number", "state", "started_at", "finished_at", "exit_code", "signal", "message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What is asked for; both ends belong to it. ``job_id`` None means all jobs."""

    job_id: int | None
    start: datetime | None
    end: datetime
    seen_by: Actor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStretch:
    """Due times of a stopped job that no row covers yet; it grows until the job goes on."""

    job: Job
    reason: OmissionReason
    first_due_at: datetime
    last_due_at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Dispatched:
    """An execution: its columns by name, and its attempts where it needed more than one.

    Plain values: model instances with prefetched rows refer to each other in circles, so a long
    ledger would fill the memory until the garbage collector looks.
    """

    values: dict[str, Any]
    attempts: list[dict[str, Any]]


Entry = Dispatched | Omission | OpenStretch
RulesOf = Callable[[Iterable[Schedule]], list[Rule]]


def entries(period: Period, *, rules_of: RulesOf) -> Iterator[Entry]:
    """Yield the period in order of time; a stretch stands at its last due time.

    A stretch that reaches over an edge of the period is given whole. ``rules_of`` turns stored
    schedules into the domain's.
    """
    return heapq.merge(
        _executions(period),
        _omissions(period),
        _open_stretches(period, rules_of),
        key=_moment,
    )


def _moment(entry: Entry) -> datetime:
    if isinstance(entry, Dispatched):
        due_at: datetime = entry.values["due_at"]
        return due_at
    return entry.last_due_at


def _executions(period: Period) -> Iterator[Dispatched]:
    found = _execution_rows(period)
    while batch := list(islice(found, CHUNK)):
        attempts = _attempts_of([row["id"] for row in batch if row["attempt"] > 1])
        for row in batch:
            yield Dispatched(row, attempts.get(row["id"], []))


def _attempts_of(ids: list[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the attempts of executions that needed more than one."""
    found: dict[int, list[dict[str, Any]]] = {}
    rows = Attempt.objects.filter(execution__in=ids).order_by("execution", "number")
    for row in rows.values("execution", *_ATTEMPT):
        found.setdefault(row.pop("execution"), []).append(row)
    return found


def _execution_rows(period: Period) -> Iterator[dict[str, Any]]:
    rows = Execution.objects.filter(of_jobs_seen_by(period.seen_by)).values(*_EXECUTION)
    rows = rows.filter(due_at__lte=period.end).order_by("due_at", "id")
    if period.start is not None:
        rows = rows.filter(due_at__gte=period.start)
    if period.job_id is not None:
        rows = rows.filter(job=period.job_id)
    found: Iterator[dict[str, Any]] = rows.iterator(chunk_size=CHUNK)
    return found


def _omissions(period: Period) -> Iterator[Omission]:
    rows = Omission.objects.select_related("job").filter(
        of_jobs_seen_by(period.seen_by), first_due_at__lte=period.end
    )
    if period.start is not None:
        rows = rows.filter(last_due_at__gte=period.start)
    if period.job_id is not None:
        rows = rows.filter(job=period.job_id)
    return rows.order_by("last_due_at", "id").iterator(chunk_size=CHUNK)


def _open_stretches(period: Period, rules_of: RulesOf) -> Iterator[OpenStretch]:
    """Yield what stopped jobs have left out since their latest verdict, in order of time.

    There is at most one for each stopped job, so these few are sorted in memory.
    """
    jobs = Job.objects.present().visible_to(period.seen_by)
    jobs = jobs.exclude(state=JobState.ACTIVE.value)
    if period.job_id is not None:
        jobs = jobs.filter(pk=period.job_id)
    stopped = jobs.prefetch_related("schedules").iterator(chunk_size=CHUNK)
    found = [one for job in stopped if (one := open_stretch(job, period.end, rules_of))]
    touching = [one for one in found if period.start is None or one.last_due_at >= period.start]
    return iter(sorted(touching, key=_moment))


def open_stretch(job: Job, end: datetime, rules_of: RulesOf) -> OpenStretch | None:
    """Return what a stopped job has left out since its latest verdict, up to ``end``."""
    if job.state == JobState.ACTIVE or job.deleted_at is not None:
        return None
    rules = rules_of(job.schedules.all())
    total, first, last = count_due(rules, job.decided_until, end, job.last_finished_at)
    if first is None or last is None:
        return None
    reason = OmissionReason(job.state)  # a stopped job's state is its reason by name
    return OpenStretch(job=job, reason=reason, first_due_at=first, last_due_at=last, count=total)
