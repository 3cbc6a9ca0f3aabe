"""The ledger of a period: each due time's execution, or the omission that covers it.

Everything is read once, in order of time, through server-side cursors: the memory does not grow
with the period.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from jobs.domain.schedule import Schedule as Rule
from jobs.domain.schedule import count_due
from jobs.domain.states import JobState, OmissionReason
from jobs.models import Execution, Job, Omission, Schedule

CHUNK = 2000  # rows held at a time

# What the export tells of an execution; output and errors are read with the execution itself.
_EXECUTION = (
    "id", "job_id", "version", "due_at", "trigger", "actor", "state", "attempt", "queued_at",
    "started_at", "finished_at", "exit_code", "signal", "message", "job__name", "job__deleted_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What is asked for; both ends belong to it. ``job_id`` None means all jobs."""

    job_id: int | None
    start: datetime | None
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStretch:
    """Due times of a stopped job that no row covers yet; it grows until the job goes on."""

    job: Job
    reason: OmissionReason
    first_due_at: datetime
    last_due_at: datetime
    count: int


Entry = Execution | Omission | OpenStretch
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
    return entry.due_at if isinstance(entry, Execution) else entry.last_due_at


def _executions(period: Period) -> Iterator[Execution]:
    rows = Execution.objects.select_related("job").only(*_EXECUTION).prefetch_related("attempts")
    rows = rows.filter(due_at__lte=period.end).order_by("due_at", "id")
    if period.start is not None:
        rows = rows.filter(due_at__gte=period.start)
    if period.job_id is not None:
        rows = rows.filter(job=period.job_id)
    return rows.iterator(chunk_size=CHUNK)


def _omissions(period: Period) -> Iterator[Omission]:
    rows = Omission.objects.select_related("job").filter(first_due_at__lte=period.end)
    if period.start is not None:
        rows = rows.filter(last_due_at__gte=period.start)
    if period.job_id is not None:
        rows = rows.filter(job=period.job_id)
    return rows.order_by("last_due_at", "id").iterator(chunk_size=CHUNK)


def _open_stretches(period: Period, rules_of: RulesOf) -> Iterator[OpenStretch]:
    """Yield what stopped jobs have left out since their latest verdict, in order of time.

    There is at most one for each stopped job, so these few are sorted in memory.
    """
    jobs = Job.objects.present().exclude(state=JobState.ACTIVE.value)
    if period.job_id is not None:
        jobs = jobs.filter(pk=period.job_id)
    stopped = jobs.prefetch_related("schedules").iterator(chunk_size=CHUNK)
    found = [one for job in stopped if (one := _open_stretch(job, period, rules_of))]
    return iter(sorted(found, key=_moment))


def _open_stretch(job: Job, period: Period, rules_of: RulesOf) -> OpenStretch | None:
    total, first, last = count_due(rules_of(job.schedules.all()), job.decided_until, period.end)
    if first is None or last is None or (period.start is not None and last < period.start):
        return None
    reason = OmissionReason(job.state)  # a stopped job's state is its reason by name
    return OpenStretch(job=job, reason=reason, first_due_at=first, last_due_at=last, count=total)
