"""Where jobs that register cloud resources stand: what CB-Tumblebug's interface tells of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor
from jobs.models import Execution, Job, Schedule
from jobs.models.execution import LIVE_VALUES

TYPE = "registerCspResources"
MOST_NAMESPACES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A job with what is known of its latest execution."""

    job: Job
    schedules: list[Schedule]
    live: Execution | None  # the one in progress, or queued
    last: Execution | None  # the last one that ran to its end


def every(ns_id: str = "", connection_name: str = "") -> list[Standing]:
    """Return all such jobs, oldest first, in four queries however many there are."""
    found = _present()
    if ns_id:
        found = found.filter(spec__ns_id=ns_id)
    if connection_name:
        found = found.filter(spec__connection_name=connection_name)
    return _standings(list(found.order_by("pk")))


def one(public_id: str) -> Standing:
    """Return the job of an id, or else of a name; UnknownError when there is none."""
    job = _present().filter(external_id=public_id).first()
    job = job or _present().filter(external_id="", name=public_id).first()
    if job is None:
        raise UnknownError(f"job not found: {public_id[:200]}")
    return standing_of(job)


def of_new(job: Job) -> Standing:
    """Return where a job stands that this process has just made, as it was committed."""
    first = Execution(job=job, due_at=job.created_at) if job.live_count > 0 else None
    return Standing(job=job, schedules=list(job.schedules.all()), live=first, last=None)


def count_in(ns_id: str, *, without: int | None = None) -> int:
    """Return how many such jobs there are for a namespace, one of them left out."""
    found = Job.objects.present().filter(type=TYPE, spec__ns_id=ns_id)
    return (found if without is None else found.exclude(pk=without)).count()


def namespaces(*, seen_by: Actor | None = None) -> list[tuple[str, int]]:
    """Return the namespaces of such jobs by name, each with the number of its jobs."""
    found = Job.objects.present().visible_to(seen_by).filter(type=TYPE)
    rows = found.order_by("spec__ns_id").values_list("spec__ns_id").annotate(n=Count("pk"))
    return [(str(ns_id), n) for ns_id, n in rows[:MOST_NAMESPACES]]


def standing_of(job: Job) -> Standing:
    """Return where a job stands now."""
    return _standings([job])[0]


def _present() -> QuerySet[Job]:
    return Job.objects.present().filter(type=TYPE).prefetch_related("schedules")


def _standings(jobs: list[Job]) -> list[Standing]:
    # By the type, not by a list of numbers: there may be more jobs than a query takes parameters.
    mine = Job.objects.present().filter(type=TYPE)
    if len(jobs) == 1:
        mine = mine.filter(pk=jobs[0].pk)
    rows = Execution.objects.defer("result", "error", "metrics")
    live = rows.filter(job__in=mine.values("pk"), state__in=LIVE_VALUES).order_by("-pk")
    ended = mine.filter(last_execution_id__isnull=False)
    last = rows.filter(pk__in=ended.values("last_execution_id"))
    lives, lasts = _by_job(live), _by_job(last)
    return [
        Standing(
            job=job,
            schedules=list(job.schedules.all()),
            live=lives.get(job.pk),
            last=lasts.get(job.pk),
        )
        for job in jobs
    ]


def _by_job(rows: Iterable[Execution]) -> dict[int, Execution]:
    return {row.job_id: row for row in rows}
