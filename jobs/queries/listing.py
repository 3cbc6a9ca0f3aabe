"""Lists for programs: filters and keyset pages over ids, stable while rows come and go.

The pages of the dashboard sort by trouble and number their pages (``jobs.py``, ``executions.py``);
a program walks through everything once, so its order is that of the ids and never shifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet, prefetch_related_objects

from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor
from jobs.domain.states import ExecutionState
from jobs.executors.base import STANDALONE
from jobs.models import Execution, Job
from jobs.models.execution import ENDED_VALUES
from jobs.models.job import of_jobs_seen_by
from jobs.queries.executions import along_by_hand

Row = TypeVar("Row", bound=Model)
_FEW_JOBS = 20
_ENDED = f"jobs_execution.state IN {ENDED_VALUES}"


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


def list_jobs(chosen: JobListing) -> Page[Job]:
    """Return one page of present jobs with all that a definition says; four queries, or six."""
    jobs = (
        Job.objects.present()
        .visible_to(chosen.seen_by)
        .select_related("workspace")
        .order_by("pk")
        .prefetch_related("schedules", "tag_rows", "dependencies__upstream")
    )
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
    page = _page(list(jobs[: chosen.limit + 1]), chosen.limit)
    # Few jobs use any: mostly this asks nothing.
    prefetch_related_objects([job for job in page.rows if job.uses_calendars], "calendars")
    return page


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


def list_executions(chosen: ExecutionListing) -> Page[Execution]:
    """Return one page with job and worker; one query, or one for each state of all jobs."""
    rows = _matching(chosen).select_related("job", "worker").order_by("-pk")
    wanted = chosen.limit + 1
    if _by_queue(chosen):
        numbers = [pk for state in _states(chosen) for pk in _in_queue(rows, state)[:wanted]]
        return _page(list(rows.filter(pk__in=sorted(numbers)[-wanted:])), chosen.limit)
    if chosen.job_id is not None or not chosen.states:
        if chosen.states:
            rows = rows.filter(state__in=chosen.states)
        return _page(list(rows[:wanted]), chosen.limit)
    # One question for several states of all jobs would sort every execution in these states;
    # each state alone is read along its index.
    found = [row for state in set(chosen.states) for row in rows.filter(state=state)[:wanted]]
    return _page(sorted(found, key=lambda row: -row.pk)[:wanted], chosen.limit)


def _by_queue(chosen: ExecutionListing) -> bool:
    """Say whether the queue leads to the executions; a job, a window or triggers lead faster."""
    narrower = chosen.job_id is not None or chosen.triggers or chosen.since or chosen.until
    return bool(chosen.queue and not narrower)


def _states(chosen: ExecutionListing) -> set[str]:
    return {str(state) for state in chosen.states or ExecutionState}


def _in_queue(rows: QuerySet[Execution], state: str) -> QuerySet[Execution, int]:
    """Return the ids in a state, along the index of what has ended in a queue; few are live."""
    rows = rows.filter(state=state)
    if state in ENDED_VALUES:
        # The statement says the words of the index, without which SQLite would not take it.
        rows = rows.extra(where=[_ENDED])  # noqa: S610 - a constant
    return rows.values_list("pk", flat=True)


def _matching(chosen: ExecutionListing) -> QuerySet[Execution]:
    asked: list[tuple[object, Q]] = [
        (chosen.job_id, Q(job=chosen.job_id)),
        (chosen.triggers, Q(trigger__in=chosen.triggers)),
        (chosen.search, _of_jobs_called(chosen.search)),
        (chosen.tag, Q(job__tag_rows__tag=chosen.tag)),
        (chosen.queue, Q(queue=chosen.queue)),
        (chosen.since, Q(due_at__gte=chosen.since)),
        (chosen.until, Q(due_at__lt=chosen.until)),
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


def _page(rows: list[Row], limit: int) -> Page[Row]:
    """Cut the row that was read to learn whether there is more."""
    return Page(rows=rows[:limit], next_after=rows[limit - 1].pk if len(rows) > limit else None)


def present_job(job_id: int) -> Job:
    """Return a job with schedules and tags; UnknownError when there is none or it was deleted."""
    jobs = (
        Job.objects.present()
        .select_related("workspace")
        .prefetch_related("schedules", "tag_rows", "calendars", "dependencies__upstream")
    )
    job = jobs.filter(pk=job_id).first()
    if job is None:
        raise UnknownError(f"Job {job_id} does not exist.")
    return job
