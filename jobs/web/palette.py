"""What the palette offers for a few letters: jobs, runs, pages, and what can be done with a job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.domain.permissions import Actor, Permission, can
from jobs.domain.states import JobState
from jobs.models import Job
from jobs.queries import search
from jobs.queries.search import Found, Kind
from jobs.web import words

LIMIT = 20
_WITH_ACTIONS = 2  # jobs whose actions are offered with the rest
# English and Indonesian, whatever the pages speak: fingers know the words of the manual, too.
_VERBS = {
    "run": "run", "start": "run", "pause": "pause", "resume": "resume", "edit": "edit",
    "jalankan": "run", "mulai": "run", "jeda": "pause", "lanjutkan": "resume", "ubah": "edit",
}  # fmt: skip
_ICONS = {Kind.JOB: "calendar-clock", Kind.EXECUTION: "history", Kind.PAGE: "chevron-right"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line: a page to open, or with ``post`` a deed; ``key`` makes a double press one run."""

    kind: str
    title: str
    url: str
    icon: str
    detail: str = ""
    post: bool = False
    key: str = ""


def entries(text: str, actor: Actor) -> list[Entry]:
    """Return what to offer, the closest first; all pages for no text.

    ``pause backup`` offers to pause the jobs that match "backup".
    """
    wanted = text.strip()
    if not wanted:
        return [_entry(one) for one in search.pages("", actor=actor)]
    verb, rest = _verb(wanted)
    named = _deeds(rest, actor, verb) if verb else []
    found = search.search(wanted, actor=actor, limit=LIMIT)
    deeds = _deeds_on(found, actor)
    return [*named, *(_entry(one) for one in found), *deeds][:LIMIT]


def _verb(text: str) -> tuple[str, str]:
    first, __, rest = text.partition(" ")
    verb = _VERBS.get(first.lower(), "")
    return (verb, rest.strip()) if rest.strip() else ("", "")


def _deeds(text: str, actor: Actor, verb: str) -> list[Entry]:
    """Return one deed on each job that matches."""
    found = search.search(text, actor=actor, limit=LIMIT)
    return [
        entry
        for job in _jobs_of(found, LIMIT // 2)
        for name, entry in _offers(job, actor)
        if name == verb
    ]


def _deeds_on(found: list[Found], actor: Actor) -> list[Entry]:
    jobs = _jobs_of(found, _WITH_ACTIONS)
    return [entry for job in jobs for __, entry in _offers(job, actor)]


def _jobs_of(found: list[Found], most: int) -> list[Job]:
    numbers = [one.number for one in found if one.kind == Kind.JOB and one.number is not None]
    return search.acted_on(numbers[:most])


def _offers(job: Job, actor: Actor) -> Iterator[tuple[str, Entry]]:
    """Yield what ``actor`` may do with a job now."""
    if can(actor, Permission.EXECUTE, job):
        yield "run", _run(job)
    if can(actor, Permission.PAUSE, job):
        if job.state == JobState.ACTIVE:
            yield "pause", _act(job, _("Pause %s"), "job_pause", "pause")
        else:
            yield "resume", _act(job, _("Resume %s"), "job_resume", "power")
    if can(actor, Permission.EDIT, job):
        yield (
            "edit",
            Entry(
                kind=_("Action"),
                title=_("Edit %s") % job.name,
                url=reverse("job_edit", args=[job.pk]),
                icon="pencil",
            ),
        )


def _run(job: Job) -> Entry:
    if not job.parameters:
        return _act(job, _("Run %s now"), "job_run", "play")
    return Entry(
        kind=_("Action"),
        title=_("Run %s with parameters") % job.name,
        url=reverse("job_run_with", args=[job.pk]),
        icon="play",
    )


def _act(job: Job, title: str, name: str, icon: str) -> Entry:
    return Entry(
        kind=_("Action"),
        title=title % job.name,
        url=reverse(name, args=[job.pk]),
        icon=icon,
        post=True,
        key=uuid4().hex,
    )


def _entry(found: Found) -> Entry:
    kinds = {Kind.JOB: _("Job"), Kind.EXECUTION: _("Run"), Kind.PAGE: _("Page")}
    title, detail = found.title, found.detail
    if found.kind == Kind.PAGE:
        title = _(found.title)
    elif found.kind == Kind.EXECUTION:
        detail = str(words.EXECUTION[found.detail].word)
    return Entry(
        kind=kinds[found.kind], title=title, url=found.url, icon=_ICONS[found.kind], detail=detail
    )
