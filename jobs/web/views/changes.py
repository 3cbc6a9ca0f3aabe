"""The changes of one job: its versions, two of them side by side, and bringing one back."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.errors import InvalidError, JobdeckError, UnknownError
from jobs.domain.forecast import FireDiff
from jobs.domain.permissions import Permission, can
from jobs.models import Job, JobVersion
from jobs.queries.holds import workspace_mark
from jobs.queries.jobs import get_job
from jobs.queries.planning import HeldBack
from jobs.queries.versions import compared, get_version, list_versions
from jobs.services import previews, rollbacks
from jobs.services.stored_definitions import definition_of
from jobs.web import change_words, guard
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_on_page
from jobs.web.toasts import Toast

# What of a definition decides when it runs.
_DECIDES = ("schedules", "calendars", "tags", "workspace")
_PAIR = re.compile(r"([1-9][0-9]{0,8})\.\.([1-9][0-9]{0,8})")


@guard.page()
def changes(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show the versions, newest first; ``v=5..6`` shows two side by side."""
    job = get_job(job_id)
    before = page_mark(request, "before")
    page = list_versions(job, seen_by=request.actor, before=before)
    context = {
        "section": "jobs",
        "tab": "changes",
        "job": job,
        "rows": [_row(one.version, one.changes) for one in page.rows],
        "older": f"before={page.older}" if page.older else None,
        "newest": "" if before else None,
        "may_restore": _may_restore(request, job),
        **_compared(request, job),
    }
    return render(request, "pages/job_changes.html", context)


@guard.action(Permission.EDIT)
def restore(request: AuthedRequest, job_id: int, version: int) -> HttpResponse:
    """Bring a version back as the newest one."""
    job = get_job(job_id)
    saved = rollbacks.restore(
        job_id, version, actor=request.actor, expected_version=_expected(request)
    )
    if saved.version == job.version:
        text = _("%(name)s is as in version %(n)s already.")
    else:
        text = _("%(name)s is as in version %(n)s again.")
    toast = Toast(text=text % {"name": saved.name, "n": version}, icon="history")
    return toast_on_page(request, toast, url=reverse("job_changes", args=[job_id]))


def _may_restore(request: AuthedRequest, job: Job) -> bool:
    return can(request.actor, Permission.EDIT) and not job.deleted_at


def _expected(request: AuthedRequest) -> int | None:
    text = request.POST.get("current", "")
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def _row(version: JobVersion, found: Any) -> dict[str, Any]:
    return {
        "version": version,
        "names": change_words.names(found or []),
        "changes": None if found is None else change_words.rows(found),
    }


def _compared(request: AuthedRequest, job: Job) -> dict[str, Any]:
    """Return what two versions differ in, and what bringing the elder back would do to the runs."""
    text = request.GET.get("v", "")
    if not text:
        return {}
    match = _PAIR.fullmatch(text)
    try:
        if match is None:
            raise UnknownError(_("Compare two versions, such as ?v=1..2."))
        first, second = sorted((int(match[1]), int(match[2])))
        sides = get_version(job, first), get_version(job, second)
    except JobdeckError as error:
        return {"wrong": error.message}
    return {
        "sides": sides,
        "differs": change_words.rows(compared(*sides, request.actor)),
        "brings_back": second == job.version,
        "diff": _runs(job, sides[0], timezone.now()) if second == job.version else None,
        "preview_days": {"days": previews.DIFF_DAYS},
    }


def _runs(job: Job, version: JobVersion, now: datetime) -> FireDiff | None:
    """Compare the coming due times with those that the version brings back; None when alike."""
    then, present = rollbacks.laid_over(version), definition_of(job)
    if all(then.get(name) == present[name] for name in _DECIDES):
        return None
    stored = previews.stored_of(job)
    found = [previews.drafted(one, now=now, stored=stored) for one in then["schedules"]]
    entries = [one for one in found if not isinstance(one, InvalidError)]
    calendars, _gone = previews.known_calendars(then.get("calendars", []))
    room = then.get("workspace") or ""
    marks = [*then.get("tags", []), *([workspace_mark(room)] if room else [])]
    table = previews.timetable_of(entries, HeldBack.of_draft(marks, calendars), job=job)
    return previews.edit_diff(previews.stored_timetable(job), table, now=now)
