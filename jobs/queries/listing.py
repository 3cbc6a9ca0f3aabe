"""Lists for programs: filters and keyset pages over ids, stable while rows come and go.

The pages of the dashboard sort by trouble and number their pages (``jobs.py``, ``executions.py``);
a program walks through everything once, so its order is that of the ids and never shifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import Q, QuerySet

from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.executors.base import STANDALONE
from jobs.models import Execution, Job
from jobs.models.job import of_jobs_seen_by
from jobs.queries.executions import along_by_hand, newest_in_queue, unknown_execution
from jobs.queries.stored import StoredExecution, StoredJob, stored_executions, stored_jobs
from jobs.queries.windows import Window, newest_in_window

Row = TypeVar("Row")
_FEW_JOBS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Row]):
    """Some rows, and the id after which the next page begins; None on the last page."""

    rows: list[Row]
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobListing:
    """Which jobs, oldest first; ``after`` is the id behind which the page begins."""

    states: Sequence[str] = ()
    search: str = ""
    name: str = ""
    tag: str = ""
    queue: str = ""
    workspace: str = ""  # STANDALONE for the jobs of none
    after: int | None = None
    limit: int = 100
    seen_by: Actor | None = None


def list_jobs(chosen: JobListing) -> Page[StoredJob]:
    """Return one page of present jobs with all that a definition says; four queries, or five."""
    jobs = Job.objects.present().visible_to(chosen.seen_by).order_by("pk")
    if chosen.workspace:
        jobs = jobs.filter(in_workspace(chosen.workspace, ""))
    if chosen.search:
        jobs = jobs.matching(chosen.search)
    if chosen.tag:
        jobs = jobs.tagged(chosen.tag)
    if chosen.states:
        jobs = jobs.filter(state__in=chosen.states)
    if chosen.name:
        jobs = jobs.filter(name__iexact=chosen.name)
    if chosen.queue:
        jobs = jobs.filter(queue=chosen.queue)
    if chosen.after is not None:
        jobs = jobs.filter(pk__gt=chosen.after)
    found = stored_jobs(jobs[: chosen.limit + 1])
    return _page(found, [job.row["id"] for job in found], chosen.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionListing:
    """Which executions, newest first; ``after`` is the id below which the page begins.

    ``since`` is inclusive, ``until`` exclusive; both look at the due time.
    """

    job_id: int | None = None
    states: Sequence[str] = ()
    triggers: Sequence[str] = ()
    search: str = ""
    tag: str = ""
    queue: str = ""
    since: datetime | None = None
    until: datetime | None = None
    workspace: str = ""  # STANDALONE for the jobs of none
    after: int | None = None
    limit: int = 100
    seen_by: Actor | None = None


def list_executions(chosen: ExecutionListing) -> Page[StoredExecution]:
    """Return one page with job and worker; one query, or one for each state of all jobs."""
    found = _listed(chosen)
    return _page(found, [one["id"] for one in found], chosen.limit)


def _listed(chosen: ExecutionListing) -> list[StoredExecution]:
    """Return the rows of a page, and one more where there are more."""
    rows = _matching(chosen).order_by("-pk")
    wanted = chosen.limit + 1
    window = Window(since=chosen.since, until=chosen.until)
    if window and chosen.job_id is None:
        rows = rows.filter(state__in=chosen.states) if chosen.states else rows
        return stored_executions(rows.filter(pk__in=newest_in_window(rows, window, wanted)))
    rows = rows.filter(window.holds())
    if _by_queue(chosen):
        numbers = newest_in_queue(rows, chosen.states, wanted)
        return stored_executions(rows.filter(pk__in=numbers))
    if chosen.job_id is not None or not chosen.states:
        if chosen.states:
            rows = rows.filter(state__in=chosen.states)
        return stored_executions(rows[:wanted])
    # One question for several states of all jobs would sort every execution in these states;
    # each state alone is read along its index.
    found = [
        one
        for state in set(chosen.states)
        for one in stored_executions(rows.filter(state=state)[:wanted])
    ]
    return sorted(found, key=lambda one: -one["id"])[:wanted]


def _by_queue(chosen: ExecutionListing) -> bool:
    """Say whether the queue leads to the executions; a job, a window or triggers lead faster."""
    narrower = chosen.job_id is not None or chosen.triggers or chosen.since or chosen.until
    return bool(chosen.queue and not narrower)


def _matching(chosen: ExecutionListing) -> QuerySet[Execution]:
    asked: list[tuple[object, Q]] = [
        (chosen.job_id, Q(job=chosen.job_id)),
        (chosen.triggers, Q(trigger__in=chosen.triggers)),
        (chosen.search, _of_jobs_called(chosen.search)),
        (chosen.tag, Q(job__tag_rows__tag=chosen.tag)),
        (chosen.queue, Q(queue=chosen.queue)),
        (chosen.after, Q(pk__lt=chosen.after)),
    ]
    given = Q()
    for value, condition in asked:
        if value is not None and value not in ("", ()) and value != []:
            given &= condition
    if chosen.workspace:
        given &= in_workspace(chosen.workspace, "job__")
    rows = Execution.objects.filter(of_jobs_seen_by(chosen.seen_by), given)
    if chosen.triggers and chosen.job_id is None:
        return along_by_hand(rows, chosen.triggers)
    return rows


def _of_jobs_called(text: str) -> Q:
    """Return the condition for executions of the jobs whose names hold ``text``.

    Few jobs are named by number, each with its own history; among many a page is soon full. One way
    for both reads every execution where hardly a job is called so.
    """
    if not text:
        return Q()
    found = Job.objects.filter(name__icontains=text).values_list("pk", flat=True)[: _FEW_JOBS + 1]
    ids = list(found)
    return Q(job__in=ids) if len(ids) <= _FEW_JOBS else Q(job__name__icontains=text)


def in_workspace(name: str, path: str) -> Q:
    """Return the condition for a job, at ``path``, of that workspace, or of none."""
    if name == STANDALONE:
        return Q(**{f"{path}workspace": None})
    return Q(**{f"{path}workspace__name__iexact": name})


def _page(rows: list[Row], numbers: list[int], limit: int) -> Page[Row]:
    """Cut the row that was read to learn whether there is more."""
    return Page(rows=rows[:limit], next_after=numbers[limit - 1] if len(rows) > limit else None)


def _unknown_job(job_id: int) -> UnknownError:
    return UnknownError(said("Job {number} does not exist.", number=job_id))


def stored_job(job_id: int) -> StoredJob:
    """Return what is stored of a job; UnknownError when there is none or it was deleted."""
    found = stored_jobs(Job.objects.present().filter(pk=job_id))
    if not found:
        raise _unknown_job(job_id)
    return found[0]


def stored_execution(execution_id: int) -> StoredExecution:
    """Return what is stored of an execution; UnknownError when there is none."""
    found = stored_executions(Execution.objects.filter(pk=execution_id))
    if not found:
        raise unknown_execution(execution_id)
    return found[0]


def present_job(job_id: int) -> Job:
    """Return a job with schedules and tags; UnknownError when there is none or it was deleted."""
    jobs = (
        Job.objects.present()
        .select_related("workspace")
        .prefetch_related("schedules", "tag_rows", "calendars", "dependencies__upstream")
    )
    job = jobs.filter(pk=job_id).first()
    if job is None:
        raise _unknown_job(job_id)
    return job
