"""Find a job, an execution or a page by a few letters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse
from django.utils.translation import gettext

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
    ("jobs_import", "Import jobs", "crontab file migrate cronicle json yaml", Permission.EDIT),
    ("executions", "Executions", "runs history", Permission.READ),
    ("timeline", "Timeline", "planned load hot spots", Permission.READ),
    ("calendars", "Calendars", "holidays maintenance windows", Permission.READ),
    ("freezes", "Freezes", "hold back stop everything", Permission.READ),
    ("workspaces", "Workspaces", "rooms groups teams", Permission.READ),
    ("files", "Files", "configuration directory overrides", Permission.READ),
    ("queues", "Queues and workers", "clusters slots drain limit", Permission.READ),
    ("alerts", "Alerts", "trouble acknowledge mute", Permission.READ),
    ("alert_rules", "Rules", "alerts limits severity", Permission.READ),
    ("channels", "Channels", "alerts mail webhook slack", Permission.READ),
    ("check_ins", "Check-ins", "ping elsewhere late", Permission.READ),
    ("statistics", "Statistics", "success rate durations heat trend queue tag", Permission.READ),
    ("health", "Queue health", "score bottlenecks recommendations", Permission.READ),
    ("breakers", "Circuit breakers", "open closed trip", Permission.READ),
    ("variables", "Variables", "secrets values", Permission.READ),
    ("tokens", "Tokens", "api keys scripts", Permission.READ),
    ("people", "People", "users roles accounts", Permission.ADMINISTER),
    ("audit", "Audit log", "who did what history", Permission.AUDIT),
    ("settings", "Settings", "environment configuration", Permission.ADMINISTER),
    ("tv", "Wallboard", "screen figures", Permission.READ),
    ("about", "About", "version selfcheck canary", Permission.READ),
    ("preferences", "Preferences", "theme language zone density columns account", Permission.READ),
    ("keyboard", "Keyboard", "keys shortcuts help", Permission.READ),
    ("password_change", "Change password", "account", Permission.READ),
    ("api-docs", "API", "swagger openapi documentation", Permission.READ),
)
# Pages that open to who has a role for some jobs only: they show those jobs, or nothing of any job.
_FOR_SOME = frozenset(
    {
        "overview",
        "jobs",
        "job_new",
        "executions",
        "timeline",
        "statistics",
        "freezes",
        "workspaces",
        "alerts",
        "tv",
        "tokens",
        "preferences",
        "keyboard",
        "password_change",
    }
)


def search(text: str, *, actor: Actor, limit: int) -> list[Found]:
    """Return what matches ``text``: executions of that number, then pages, jobs and their last runs."""
    wanted = text.strip().lower()
    if not wanted:
        return []
    found = [*_numbered(wanted, actor), *pages(wanted, actor=actor)]
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


def pages(wanted: str, *, actor: Actor) -> list[Found]:
    """Return the pages that ``actor`` may open, by a part of a title in English or as it is shown."""
    return [
        Found(kind=Kind.PAGE, title=title, detail="", url=reverse(name))
        for name, title, words, needed in PAGES
        if _opens(actor, name, needed) and wanted in f"{title} {gettext(title)} {words}".lower()
    ]


def _opens(actor: Actor, name: str, needed: Permission) -> bool:
    return can(actor, needed) or (name in _FOR_SOME and actor.can_somewhere(needed))


def acted_on(numbers: list[int]) -> list[Job]:
    """Return the jobs of these numbers in their order, with what rights hang on."""
    rows = Job.objects.present().prefetch_related("tag_rows").defer("spec", "environment")
    found = rows.in_bulk(numbers)
    return [found[number] for number in numbers if number in found]


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
