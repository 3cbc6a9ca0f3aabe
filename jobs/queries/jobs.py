"""The list of jobs: a filter in, one page of rows and the counts per state out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, QuerySet

from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.domain.states import JobState
from jobs.models import Execution, Job
from jobs.models.execution import LIVE_VALUES
from jobs.queries import registering
from jobs.queries.listed import listed_jobs
from jobs.queries.standing import LIVE, Standing, by_trouble, failing, overdue, standing

PAGE_SIZE = 50
_COPY_LENGTH = 93  # of the 100 that a name may have: a number follows
STATES = ("executing", "failing", "overdue", "paused", "auto_disabled", "idle")
IDLE_AFTER = timedelta(days=30)
SORTS = ("trouble", "name", "next", "last", "success")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """What the page's query string asks for; unknown words were dropped by the form."""

    q: str = ""
    state: str = ""
    type: str = ""
    tag: str = ""
    workspace: str = ""
    namespace: str = ""  # of jobs that register cloud resources
    sort: str = "trouble"
    page: int = 1
    seen_by: Actor | None = None

    @property
    def active(self) -> bool:
        """Say whether anything is filtered out."""
        chosen = (self.q, self.state, self.type, self.tag, self.workspace, self.namespace)
        return any(chosen)

    def without_state(self) -> JobFilter:
        """Return the filter to which the counts of the state chips belong."""
        return replace(self, state="")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """One job as the list shows it; ``live`` is its oldest execution that waits or runs."""

    job: Job
    standing: Standing
    live: Execution | None
    live_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """One page of the list."""

    rows: list[JobRow]
    counts: dict[str, int]  # by state chip; "" is all
    matching: int
    first: int  # 1-based number of the first row
    page: int
    more: bool


def _conditions(now: datetime) -> dict[str, Q]:
    return {
        "executing": LIVE,
        "failing": failing(now),
        "overdue": overdue(now),
        "paused": Q(state=JobState.PAUSED.value),
        "auto_disabled": Q(state=JobState.AUTO_DISABLED.value),
        # What never ran is new, not idle.
        "idle": Q(last_started_at__lt=now - IDLE_AFTER),
    }


def _sorted(jobs: QuerySet[Job], sort: str, now: datetime) -> QuerySet[Job]:
    orders: dict[str, Callable[[], QuerySet[Job]]] = {
        "trouble": lambda: by_trouble(jobs, now),
        "name": lambda: jobs.order_by("name"),
        "next": lambda: jobs.order_by(F("next_fire_at").asc(nulls_last=True), "name"),
        "last": lambda: jobs.order_by(F("last_started_at").desc(nulls_last=True), "name"),
        "success": lambda: jobs.order_by(
            F("success_count") * 1.0 / (F("success_count") + F("failure_count") + 0.001), "name"
        ),
    }
    return orders[sort]()


def filtered(chosen: JobFilter, now: datetime) -> QuerySet[Job]:
    """Return the present jobs that ``chosen`` lets through, unsorted."""
    jobs = Job.objects.present().visible_to(chosen.seen_by)
    if chosen.workspace:
        jobs = jobs.in_workspace(chosen.workspace)
    if chosen.q:
        jobs = jobs.matching(chosen.q)
    if chosen.type:
        jobs = jobs.filter(type=chosen.type)
    if chosen.namespace:
        jobs = jobs.filter(type=registering.TYPE, spec__ns_id=chosen.namespace)
    if chosen.tag:
        jobs = jobs.tagged(chosen.tag)
    return jobs.filter(_conditions(now)[chosen.state]) if chosen.state else jobs


def job_page(chosen: JobFilter, now: datetime) -> JobPage:
    """Return one page; few queries, whatever the number of jobs."""
    wide = filtered(chosen.without_state(), now)
    counts = wide.aggregate(
        all=Count("pk"),
        **{name: Count("pk", filter=test) for name, test in _conditions(now).items()},
    )
    matching = counts[chosen.state or "all"]
    # A page beyond the end (jobs were deleted meanwhile) shows the last one.
    page = min(chosen.page, max(-(-matching // PAGE_SIZE), 1))
    start = (page - 1) * PAGE_SIZE
    # Numbers alone are sorted: whole rows of ten thousand jobs would take ten times as long.
    ids = _sorted(filtered(chosen, now), chosen.sort, now).values_list("pk", flat=True)
    rows = rows_of(listed_jobs(list(ids[start : start + PAGE_SIZE])), now)
    return JobPage(
        rows=rows,
        counts={"": counts.pop("all"), **counts},
        matching=matching,
        first=start + 1,
        page=page,
        more=start + len(rows) < matching,
    )


def rows_of(jobs: Iterable[Job], now: datetime) -> list[JobRow]:
    """Return the rows of ``jobs``, with what each has in progress; one query more."""
    found = list(jobs)
    live = live_of([job.pk for job in found])
    return [
        JobRow(
            job=job,
            standing=standing(job, now),
            live=live[job.pk][0] if job.pk in live else None,
            live_count=len(live.get(job.pk, [])),
        )
        for job in found
    ]


def live_of(job_ids: Iterable[int]) -> dict[int, list[Execution]]:
    """Return what each of the jobs has waiting or running, oldest first."""
    found: dict[int, list[Execution]] = {}
    rows = Execution.objects.filter(job__in=list(job_ids), state__in=LIVE_VALUES).order_by("pk")
    fields = ("job_id", "state", "attempt", "held", "started_at", "queued_at", "retry_at", "due_at")
    for execution in rows.only(*fields):
        found.setdefault(execution.job_id, []).append(execution)
    return found


def job_names(
    *, without: int | None = None, limit: int = 500, seen_by: Actor | None = None
) -> list[str]:
    """Return names of present jobs to choose from."""
    jobs = Job.objects.present().visible_to(seen_by)
    if without is not None:
        jobs = jobs.exclude(pk=without)
    return list(jobs.order_by("name").values_list("name", flat=True)[:limit])


def name_of_copy(name: str, workspace_id: int | None) -> str:
    """Return a name for a copy of a job that nobody has in its place yet: ``copy-of-backup-2``."""
    present = Job.objects.present().filter(workspace=workspace_id)
    base = f"copy-of-{name}"[:_COPY_LENGTH]
    taken = {
        one.lower() for one in present.filter(name__istartswith=base).values_list("name", flat=True)
    }
    names = (base, *(f"{base}-{number}" for number in range(2, len(taken) + 2)))
    return next(one for one in names if one.lower() not in taken)


def get_job(job_id: int, *, seen_by: Actor | None = None) -> Job:
    """Return a job with schedules and tags, also a deleted one; UnknownError when there is none."""
    job = (
        Job.objects.visible_to(seen_by)
        .select_related("workspace")
        .prefetch_related("schedules", "tag_rows", "calendars", "dependencies__upstream")
        .filter(pk=job_id)
        .first()
    )
    if job is None:
        raise UnknownError(said("Job {number} does not exist.", number=job_id))
    return job


def chosen_jobs(ids: Iterable[int], *, seen_by: Actor | None, limit: int) -> list[Job]:
    """Return present jobs by their numbers, by name, with all that their definitions hold."""
    rows = Job.objects.present().visible_to(seen_by).filter(pk__in=list(ids)[:limit])
    return list(_whole(rows).order_by("name"))


def matching_jobs(chosen: JobFilter, now: datetime, *, limit: int) -> tuple[list[Job], int]:
    """Return the first jobs that a filter lets through, by name, and how many there are."""
    rows = filtered(chosen, now)
    return list(_whole(rows).order_by("name")[:limit]), rows.count()


def _whole(rows: QuerySet[Job]) -> QuerySet[Job]:
    related = ("schedules", "tag_rows", "calendars", "dependencies__upstream__workspace")
    return rows.select_related("workspace", "breaker").prefetch_related(*related)


def job_row(job: Job, now: datetime) -> JobRow:
    """Return one job as a row."""
    return rows_of([job], now)[0]
