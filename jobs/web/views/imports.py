"""Import jobs: a text or a file, looked at job by job, then made paused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Permission
from jobs.domain.zones import zone_names
from jobs.queries.workspaces import workspace_names
from jobs.services import imports
from jobs.services.import_requests import MOST, parse_apply, parse_import
from jobs.services.imports import Deed, Item, Preview
from jobs.web import guard, import_words, schedules
from jobs.web import import_forms as drafts
from jobs.web.http import AuthedRequest, small_number
from jobs.web.import_forms import ImportDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One job of the text as the preview shows it; ``error`` is why it could not be made after all."""

    item: Item
    words: str
    notes: Sequence[str]
    chosen: bool
    error: str


@guard.form(Permission.EDIT)
def import_jobs(request: AuthedRequest) -> HttpResponse:
    """Show the form and what would be made of a text; make the chosen jobs, paused."""
    if request.method != "POST":
        tag = f"import-{timezone.now():%Y-%m-%d}"
        return _page(request, drafts.empty(request.viewer.zone, tag))
    draft = drafts.from_post(request.POST.dict())
    upload = request.FILES.get("file")
    try:
        if upload is not None:
            draft = drafts.with_file(draft, upload)
        elif request.POST.get("do") == "create" and draft.was_seen:
            return _made(request, draft)
        return _page(request, draft, found=_look(request, draft))
    except InvalidError as error:
        fields = error.fields or {"": error.message}
        return _page(request, draft, found=_seen(request, draft), errors=fields, status=422)


def _look(request: AuthedRequest, draft: ImportDraft) -> Preview:
    asked = parse_import(draft.request())
    return imports.preview(asked, actor=request.actor, now=timezone.now())


def _seen(request: AuthedRequest, draft: ImportDraft) -> Preview | None:
    """Return what the reader looked at before something went wrong, as it is now."""
    try:
        return _look(request, draft) if draft.was_seen else None
    except InvalidError:
        return None


def _made(request: AuthedRequest, draft: ImportDraft) -> HttpResponse:
    asked = parse_apply({**draft.request(), "chosen": _chosen(request) or None})
    if asked.chosen is None:
        return _page(request, draft, found=_look(request, draft), nothing=True, status=422)
    made = imports.make(asked, actor=request.actor, now=timezone.now())
    context = {"section": "new", "made": made, "tag": asked.tag}
    return render(request, "pages/jobs_imported.html", context)


def _chosen(request: AuthedRequest) -> list[int]:
    numbers = [small_number(text) for text in request.POST.getlist("chosen")[:MOST]]
    return [one for one in numbers if one]


def _page(
    request: AuthedRequest,
    draft: ImportDraft,
    *,
    found: Preview | None = None,
    errors: Mapping[str, str] | None = None,
    nothing: bool = False,
    status: int = 200,
) -> HttpResponse:
    """Show the form, below it the preview; a row that could not be made tells why."""
    wrong = dict(errors or {})
    rows = _rows(request, draft, found, wrong) if found is not None else []
    told = {name: text for name, text in wrong.items() if not name.startswith("chosen.")}
    context = {
        "section": "new",
        "form": drafts.form_of(draft, told),
        "draft": draft,
        "found": found,
        "kind": import_words.KIND[found.kind] if found is not None else "",
        "rows": rows,
        "new": found.count(Deed.CREATE) if found is not None else 0,
        "exists": found.count(Deed.EXISTS) if found is not None else 0,
        "refused": found.count(Deed.REFUSED) if found is not None else 0,
        "unmade": any(row.error for row in rows),
        "nothing": nothing,
        "changed": request.POST.get("do") == "create" and not draft.was_seen,
        "zones": sorted(zone_names()),
        "workspaces": workspace_names(request.actor),
    }
    return render(request, "pages/jobs_import.html", context, status=status)


def _rows(
    request: AuthedRequest, draft: ImportDraft, found: Preview, wrong: Mapping[str, str]
) -> list[Row]:
    """Return the rows; all that are new are chosen until the reader says otherwise."""
    chosen = set(_chosen(request)) if draft.was_seen else {one.number for one in found.items}
    return [
        Row(
            item=one,
            words=schedules.words(one.rules, shown=len(one.rules)) if one.definition else "",
            notes=[import_words.note(note) for note in one.notes],
            chosen=one.deed == Deed.CREATE and one.number in chosen,
            error=wrong.get(f"chosen.{one.number}", ""),
        )
        for one in found.items
    ]
