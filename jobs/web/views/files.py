"""The configuration directory: its files, the faults in them, and what people changed beside them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs import conf
from jobs.domain.permissions import Permission
from jobs.models import Job, JobVersion
from jobs.queries.files import FileRow, FileState, counts, file_of, file_page
from jobs.queries.jobs import get_job
from jobs.services import checkouts, files
from jobs.services.provenance import short
from jobs.web import guard
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_or_redirect
from jobs.web.toasts import Toast
from jobs.web.words import Badge

_SIZE = 50
_BADGES: dict[str, Badge] = {
    FileState.APPLIED: Badge(gettext_lazy("Applied"), "circle-check", "ok"),
    FileState.BROKEN: Badge(gettext_lazy("Broken"), "octagon-x", "bad"),
    FileState.GONE: Badge(gettext_lazy("Gone"), "trash-2", "warn"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A job and the fields in which it is no longer as its file says."""

    job: Job
    fields: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """A file with its badge and what people changed of its jobs."""

    row: FileRow
    badge: Badge
    overrides: list[Override]


@guard.page()
def file_list(request: AuthedRequest) -> HttpResponse:
    """Show the files, broken ones first."""
    state = request.GET.get("state", "")
    state = state if state in _BADGES else ""
    search = request.GET.get("q", "").replace("\0", "").strip()[:200]
    number = page_mark(request, "page") or 1
    page = file_page(state=state, search=search, page=number, size=_SIZE)

    def link(**changes: object) -> str:
        chosen = {"state": state, "q": search, **changes}
        return urlencode({name: value for name, value in chosen.items() if value})

    found = counts()
    words = [("", _("All"), sum(found.values()))]
    words += [(one.value, str(_BADGES[one].word), found[one]) for one in FileState]
    context = {
        "section": "files",
        "own_search": True,
        "root": conf.config_dir(),
        "search": search,
        "pulls": checkouts.pulls(),
        "pullable": checkouts.is_pullable(),
        "state": state,
        "chips": [(value, word, count, link(state=value)) for value, word, count in words],
        "rows": [_shown(one) for one in page.rows],
        "any": bool(sum(found.values())),
        "older": link(page=number + 1) if page.more else None,
        "newer": link(page=number - 1) if number > 1 else None,
        "newest": None,
    }
    return render(request, "pages/files.html", context)


def _shown(row: FileRow) -> ShownFile:
    # A job that was never changed since it was made is as its file says.
    changed = [one for one in row.jobs if one.version > 1]
    found = [Override(job=one, fields=files.overrides_of(one)) for one in changed]
    return ShownFile(
        row=row, badge=_BADGES[row.state], overrides=[one for one in found if one.fields]
    )


@guard.action(Permission.EDIT)
def pull(request: AuthedRequest) -> HttpResponse:
    """Pull the checkout of the configuration directory, and apply what that changed."""
    row, outcome = files.pull(actor=request.actor)
    text = _("At commit %(commit)s: %(count)d files applied.") % {
        "commit": short(row.commit),
        "count": len(outcome.applied),
    }
    kind = "bad" if outcome.broken else "ok"
    return toast_or_redirect(
        request, Toast(text=text, icon="rotate-cw", kind=kind), default=reverse("files")
    )


def note_of(job: Job) -> dict[str, object]:
    """Return what a job's pages say about the file that defines it; nothing without one."""
    file = file_of(job)
    if file is None:
        return {}
    version = JobVersion.objects.filter(job=job, version=job.version).first()
    commit = short(version.commit) if version is not None else ""
    return {
        "file": file,
        "commit": commit,
        "overrides": files.overrides_of(job) if job.version > 1 else [],
    }


@guard.action(Permission.EDIT)
def give_back(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Give a job back to its file: what people changed is as the file says again."""
    job = get_job(job_id)
    files.give_back(job.pk, actor=request.actor)
    text = _("%(name)s is as its file says again.") % {"name": job.name}
    return toast_or_redirect(
        request, Toast(text=text, icon="rotate-cw"), default=reverse("job", args=[job.pk])
    )
