"""Executions as the table `job_executions` has them: from the moment they begin, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Prefetch, Q, QuerySet

from jobs.domain.permissions import Actor
from jobs.models import Execution, Job, Schedule
from jobs.models.job import of_jobs_seen_by

# What waits for its start is no row yet; what ended without one is.
LOGGED = Q(started_at__isnull=False) | Q(finished_at__isnull=False)

_OF_SCHEDULE = (
    "job", "kind", "expression", "seconds_position", "seconds", "at", "timezone", "event",
)  # fmt: skip


def jobs_of(actor: Actor, *fields: str) -> QuerySet[Job]:
    """Return all jobs that somebody may see, oldest first, with no more than ``fields``.

    The lists of these interfaces know no pages: what is not shown would be most of their cost.
    """
    return Job.objects.present().visible_to(actor).order_by("pk").only(*fields)


def scheduled_jobs_of(actor: Actor, *fields: str) -> QuerySet[Job]:
    """Return them with their schedules; one query more."""
    schedules = Schedule.objects.only(*_OF_SCHEDULE)
    return jobs_of(actor, *fields).prefetch_related(Prefetch("schedules", schedules))


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
