"""Find a job, an execution or a page by a few letters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse

from jobs.domain.permissions import Actor, Permission, can
from jobs.models import Execution, Job
from jobs.models.job import of_jobs_seen_by


class Kind(StrEnum):
    """What was found."""

    JOB = "job"
    EXECUTION = "execution"
    PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One result; ``number`` is the id of a job or an execution."""

    kind: Kind
    title: str
    detail: str
    url: str
    number: int | None = None


# Name of the address, title, further words, and what it needs.
PAGES: tuple[tuple[str, str, str, Permission], ...] = (
    ("overview", "Overview", "home dashboard trouble attention", Permission.READ),
    ("jobs", "Jobs", "list", Permission.READ),
    ("job_new", "New job", "create add", Permission.EDIT),
    ("executions", "Executions", "runs history", Permission.READ),
    ("timeline", "Timeline", "planned load hot spots", Permission.READ),
    ("calendars", "Calendars", "holidays maintenance windows", Permission.READ),
    ("freezes", "Freezes", "hold back stop everything", Permission.READ),
    ("queues", "Queues and workers", "clusters slots drain limit", Permission.READ),
    ("breakers", "Circuit breakers", "open closed trip", Permission.READ),
    ("variables", "Variables", "secrets values", Permission.READ),
    ("tokens", "Tokens", "api keys scripts", Permission.READ),
    ("people", "People", "users roles accounts", Permission.ADMINISTER),
    ("audit", "Audit log", "who did what history", Permission.AUDIT),
    ("api-docs", "API", "swagger openapi documentation", Permission.READ),
)


def search(text: str, *, actor: Actor, limit: int) -> list[Found]:
    """Return what matches ``text``: executions of that number, then pages, jobs and their last runs."""
    wanted = text.strip().lower()
    if not wanted:
        return []
    found = [*_numbered(wanted, actor), *_pages(wanted, actor)]
    jobs = Job.objects.present().visible_to(actor).matching(text.strip()).order_by("name")
    rows = list(jobs[:limit])
    found += [_job(row) for row in rows]
    found += _last_runs(rows[: max(0, limit - len(found))])
    return found[:limit]


def _numbered(wanted: str, actor: Actor) -> list[Found]:
    digits = wanted.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        return []
    rows = Execution.objects.select_related("job").filter(of_jobs_seen_by(actor), pk=int(digits))
    return [_execution(row) for row in rows]


def _pages(wanted: str, actor: Actor) -> list[Found]:
    return [
        Found(kind=Kind.PAGE, title=title, detail="", url=reverse(name))
        for name, title, words, needed in PAGES
        if can(actor, needed) and wanted in f"{title} {words}".lower()
    ]


def _job(row: Job) -> Found:
    return Found(
        kind=Kind.JOB,
        title=row.name,
        detail=row.description[:200],
        url=reverse("job", args=[row.pk]),
        number=row.pk,
    )


def _last_runs(jobs: list[Job]) -> list[Found]:
    numbers = [row.last_execution_id for row in jobs if row.last_execution_id]
    rows = Execution.objects.select_related("job").filter(pk__in=numbers).order_by("-pk")
    return [_execution(row) for row in rows] if numbers else []


def _execution(row: Execution) -> Found:
    return Found(
        kind=Kind.EXECUTION,
        title=f"#{row.pk} {row.job.name}",
        detail=row.state,
        url=reverse("execution", args=[row.pk]),
        number=row.pk,
    )
