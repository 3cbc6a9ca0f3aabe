"""One change of many jobs: chosen, looked at, made, and undone where that can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Permission
from jobs.models import Job
from jobs.queries.jobs import chosen_jobs, matching_jobs
from jobs.services import imports, many, many_edits
from jobs.services.many import Deed, Outcome
from jobs.services.many_edits import EditOutcome
from jobs.services.many_requests import MOST
from jobs.web import change_forms, changes, guard
from jobs.web.changes import EDIT, NEEDS, Line, said_of_many
from jobs.web.filters import job_filter
from jobs.web.http import AuthedRequest, small_number

_DEEDS = {
    "run": Deed.TRIGGER,
    "pause": Deed.PAUSE,
    "resume": Deed.RESUME,
    "delete": Deed.DELETE,
}
_BACK = {"pause": "resume", "resume": "pause", EDIT: "undo"}  # what takes each back


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one job; ``version`` lets an edit be taken back."""

    job_id: int
    name: str
    error: str = ""
    version: int | None = None
    execution_id: int | None = None


@guard.form(Permission.EXECUTE)
def change(request: AuthedRequest) -> HttpResponse:
    """Show what would change; do it to the jobs that were shown."""
    return _done(request) if request.method == "POST" else _shown(request, request.GET)


def _shown(request: AuthedRequest, given: QueryDict, *, miscounted: str = "") -> HttpResponse:
    now = timezone.now()
    jobs, matching = _selected(request, given, now)
    do = given.get("do", "")
    lines: list[Line] | None = None
    wrong: InvalidError | None = None
    try:
        lines = _lines(request, given, jobs, now) if do else None
    except InvalidError as refused:
        wrong = refused
    ready = [line for line in lines or () if not line.error]
    context = {
        "section": "jobs",
        "jobs": jobs,
        "matching": matching,
        "more": matching - len(jobs),
        "do": do if do in NEEDS else "",
        "verbs": _verbs(request),
        "selection": _selection(given),
        "form": change_forms.shown(
            {name: given.get(name, "") for name in change_forms.FIELDS}, wrong
        ),
        "lines": lines,
        "ready": ready,
        "miscounted": miscounted,
        "key": uuid4().hex,
    }
    status = 422 if wrong or miscounted else 200
    return render(request, "pages/jobs_change.html", context, status=status)


def _selected(request: AuthedRequest, given: QueryDict, now: datetime) -> tuple[list[Job], int]:
    """Return the jobs that the address names, by their numbers or by a filter, and how many match."""
    if given.get("all"):
        return matching_jobs(job_filter(request), now, limit=MOST)
    numbers = [small_number(text) for text in given.getlist("id")]
    found = chosen_jobs(
        [one for one in numbers if one is not None], seen_by=request.actor, limit=MOST
    )
    return found, len(found)


def _selection(given: QueryDict) -> list[tuple[str, str]]:
    """Return what says which jobs are meant, for the form's hidden fields."""
    apart = {"do", "page", "sort", *change_forms.FIELDS}
    return [
        (name, value)
        for name, values in given.lists()
        if name not in apart
        for value in values[:MOST]
    ]


def _verbs(request: AuthedRequest) -> list[tuple[str, str]]:
    words = {
        EDIT: _("Change tags, queue or times"),
        "pause": _("Pause"),
        "resume": _("Resume"),
        "run": _("Run now"),
        "delete": _("Delete"),
    }
    may = request.actor.can_somewhere if request.actor.partial else request.actor.may
    return [(do, word) for do, word in words.items() if may(NEEDS[do])]


def _lines(request: AuthedRequest, given: QueryDict, jobs: list[Job], now: datetime) -> list[Line]:
    do = given.get("do", "")
    if do not in NEEDS:
        raise InvalidError(_("%s cannot be done to many jobs.") % repr(do[:40]))
    if do == EDIT:
        asked = many_edits.parse_edit(changes.edit_data(given))
        return changes.edited(many_edits.plan(jobs, asked, actor=request.actor, now=now))
    return changes.done_to(jobs, do, request.actor, now)


def _done(request: AuthedRequest) -> HttpResponse:
    do, versions = request.POST.get("do", ""), _versions(request)
    if not versions:
        raise InvalidError(_("Nothing was selected."))
    if do == "delete" and request.POST.get("count", "").strip() != str(len(versions)):
        text = _("Type %d, the number of jobs, to delete them.") % len(versions)
        given = QueryDict(mutable=True)
        given.setlist("id", [str(one) for one in versions])
        given["do"] = do
        return _shown(request, given, miscounted=text)
    rows = chosen_jobs(versions, seen_by=request.actor, limit=MOST)
    names = {job.pk: job.name for job in rows}
    results = [_named(one, names) for one in _outcomes(request, do, versions)]
    done = [one for one in results if not one.error]
    undo = _BACK.get(do, "")
    context = {
        "section": "jobs",
        "do": do,
        "results": results,
        "said": said_of_many(do, len(done)),
        "refused": len(results) - len(done),
        "undo": undo,
        "undoable": [one for one in done if undo and (do != EDIT or one.version)],
    }
    return render(request, "pages/jobs_changed.html", context)


def _versions(request: AuthedRequest) -> dict[int, int]:
    """Return the jobs that were shown, each with the version that was shown."""
    found: dict[int, int] = {}
    for text in request.POST.getlist("job")[:MOST]:
        number, _colon, version = text.partition(":")
        pk, shown = small_number(number), small_number(version)
        if pk is not None and shown is not None:
            found[pk] = shown
    return found


def _outcomes(
    request: AuthedRequest, do: str, versions: dict[int, int]
) -> Sequence[Outcome | EditOutcome]:
    if do == EDIT:
        asked = many_edits.parse_edit(changes.edit_data(request.POST))
        return many_edits.apply(versions, asked, actor=request.actor)
    if do == "undo":
        return many_edits.undo(versions, actor=request.actor)
    if do == "unimport":
        return imports.undo(versions, actor=request.actor)
    if do not in _DEEDS:
        raise InvalidError(_("%s cannot be done to many jobs.") % repr(do[:40]))
    return many.apply(
        _DEEDS[do], versions, actor=request.actor, key=request.POST.get("key", "")[:100]
    )


def _named(one: Outcome | EditOutcome, names: dict[int, str]) -> Result:
    return Result(
        job_id=one.job_id,
        name=names.get(one.job_id, _("Job %d") % one.job_id),
        error=one.error.message if one.error else "",
        version=one.version if isinstance(one, EditOutcome) else None,
        execution_id=one.execution_id if isinstance(one, Outcome) else None,
    )
