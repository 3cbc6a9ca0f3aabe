"""Executions as the table `job_executions` has them: from the moment they begin, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import F, Q, QuerySet

from jobs.domain.permissions import Actor
from jobs.models import Execution, Job, Schedule
from jobs.models.job import of_jobs_seen_by
from jobs.queries.plain import plain_values

# What waits for its start is no row yet; what ended without one is.
LOGGED = Q(started_at__isnull=False) | Q(finished_at__isnull=False)


class ListedSchedule(NamedTuple):
    """What tells in words when a schedule fires."""

    kind: str
    expression: str
    seconds_position: str
    seconds: int | None
    at: datetime | None
    timezone: str
    event: str


class ListedJob(NamedTuple):
    """What the lists of these interfaces show of a job."""

    id: int
    external_id: str
    name: str
    description: str
    next_fire_at: datetime | None
    state: str


class JobFigures(NamedTuple):
    """What a job's statistics are made from."""

    external_id: str
    name: str
    category: str
    state: str
    next_fire_at: datetime | None
    last_started_at: datetime | None
    last_state: str
    last_error: str
    last_duration_seconds: float | None
    success_count: int
    failure_count: int
    live_count: int


def figures_of(actor: Actor, category: str = "") -> list[JobFigures]:
    """Return those of all jobs that somebody may see, oldest first, or of a category.

    The lists of these interfaces know no pages. Their rows are plain values: whole objects would be
    most of their cost.
    """
    jobs = _jobs_of(actor)
    if category:
        jobs = jobs.filter(category=category)
    ended = F("success_count") + F("failure_count") + F("cancelled_count") + F("skipped_count")
    stored = JobFigures._fields[:-1]
    rows = jobs.values_list(*stored, F("execution_count") - ended)
    return list(map(JobFigures._make, plain_values(rows)))


def scheduled_jobs_of(actor: Actor) -> list[tuple[ListedJob, ListedSchedule | None]]:
    """Return all jobs that somebody may see, oldest first, each with its first schedule; two queries."""
    jobs = _jobs_of(actor)
    rows = Schedule.objects.filter(job__in=jobs.order_by().values("pk"))
    # The last one stays: the first of each job.
    first = {
        job_id: ListedSchedule._make(values)
        for job_id, *values in plain_values(
            rows.order_by("-position").values_list("job", *ListedSchedule._fields)
        )
    }
    listed = map(ListedJob._make, plain_values(jobs.values_list(*ListedJob._fields)))
    return [(job, first.get(job.id)) for job in listed]


def _jobs_of(actor: Actor) -> QuerySet[Job]:
    return Job.objects.present().visible_to(actor).order_by("pk")


def job_called(actor: Actor, job_id: str) -> Job | None:
    """Return the job with that id of its code or of another interface, else with that name."""
    if "\0" in job_id:
        return None
    jobs = Job.objects.present().visible_to(actor).prefetch_related("schedules")
    by_id = jobs.filter(external_id=job_id).order_by("pk").first() if job_id else None
    return (
        by_id
        or jobs.filter(name=job_id).order_by(F("workspace").asc(nulls_first=True), "pk").first()
    )


def latest(job: Job) -> Execution | None:
    """Return the newest execution that has begun or ended."""
    return _logged().filter(job=job).first()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedPage:
    """One page of a job's executions, and how many there are in all."""

    rows: list[Execution]
    total: int


def page_of(job: Job, *, page: int, limit: int) -> LoggedPage:
    """Return a page, numbered from 1."""
    rows = _logged().filter(job=job)
    first = (page - 1) * limit
    return LoggedPage(rows=list(rows[first : first + limit]), total=rows.count())


def recent(actor: Actor, *, since: datetime, most: int) -> list[Execution]:
    """Return what has begun since a moment among the newest ``most`` executions of all jobs.

    No index knows when executions began; in the order of their ids the end is near.
    """
    newest = _logged().filter(of_jobs_seen_by(actor))[:most]
    return [row for row in newest if (row.started_at or row.finished_at or since) >= since]


def _logged() -> QuerySet[Execution]:
    return Execution.objects.filter(LOGGED).select_related("job").order_by("-pk")
