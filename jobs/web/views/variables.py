"""Variables and secrets: their list, what nobody has defined, the form, and deleting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.domain.disclosure import value_for
from jobs.domain.errors import ConflictError, InvalidError, JobdeckError
from jobs.domain.permissions import Permission
from jobs.models import Job, Variable
from jobs.queries.variables import (
    Naming,
    Undefined,
    get_variable,
    jobs_naming,
    list_variables,
    room_of,
    rooms_of,
    usage,
)
from jobs.queries.workspaces import workspace_names
from jobs.services import variables
from jobs.web import guard
from jobs.web import variable_forms as drafts
from jobs.web.confirm import Confirm, Fact
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_on_page
from jobs.web.toasts import Toast

PAGE_SIZE = 50
_SHOWN = 5  # jobs that a row or a question names
_UNDEFINED_SHOWN = 20
_JOBS_OFFERED = 500
_KINDS = ("plain", "secret")
_SCOPES = ("global", "workspace", "job")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownVariable:
    """One variable with the first jobs that name it, and how many more do."""

    variable: Variable
    value: str
    room: str  # the workspace whose jobs may name it
    jobs: list[Naming]
    more: int


@guard.page()
def variable_list(request: AuthedRequest) -> HttpResponse:
    """Show the variables, filtered, and the names that jobs use in vain."""
    query = _query(request)
    after = page_mark(request, "after")
    kind = query.get("kind")
    page = list_variables(
        search=query.get("q", ""),
        scope=query.get("scope", ""),
        secret=None if kind is None else kind == "secret",
        after=after,
        limit=PAGE_SIZE,
    )
    used, rooms = usage(), rooms_of(page.rows)
    context = {
        "section": "variables",
        "own_search": True,
        "query": query,
        "rows": [
            _shown(request, row, rooms.get(row.scope, ""), used.naming.get(row.pk, []))
            for row in page.rows
        ],
        "undefined": [_missing(one) for one in used.undefined[:_UNDEFINED_SHOWN]],
        "more_undefined": max(0, len(used.undefined) - _UNDEFINED_SHOWN),
        "older": urlencode({**query, "after": page.next_after}) if page.next_after else None,
        "newest": urlencode(query) if after else None,
    }
    return render(request, "pages/variables.html", context)


def _query(request: AuthedRequest) -> dict[str, str]:
    """Return the filters that say something."""
    given = {
        "q": request.GET.get("q", "").replace("\0", "").strip()[:200],
        "scope": request.GET.get("scope", ""),
        "kind": request.GET.get("kind", ""),
    }
    allowed = {"scope": _SCOPES, "kind": _KINDS}
    return {
        name: value
        for name, value in given.items()
        if value and (name not in allowed or value in allowed[name])
    }


def _shown(request: AuthedRequest, row: Variable, room: str, naming: list[Naming]) -> ShownVariable:
    return ShownVariable(
        variable=row,
        room=room,
        value=value_for(request.actor, row.name, row.value),
        jobs=naming[:_SHOWN],
        more=max(0, len(naming) - _SHOWN),
    )


def _missing(one: Undefined) -> dict[str, object]:
    more = max(0, len(one.jobs) - _SHOWN)
    return {"name": one.name, "count": len(one.jobs), "jobs": one.jobs[:_SHOWN], "more": more}


@guard.form(Permission.EDIT)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the form of a new variable; create it."""
    if request.method != "POST":
        given = drafts.empty(request.GET.get("name", ""), request.GET.get("job", ""))
        return _form(request, given, None)
    values = drafts.typed(request.POST.dict())
    try:
        wanted = variables.parse_variable(drafts.definition(values))
        made = variables.create(wanted, actor=request.actor)
    except (InvalidError, ConflictError) as error:
        return _form(request, values, None, errors=_by_field(error), status=422)
    return _done(request, _("Created %s.") % made.name, icon="plus")


@guard.form(Permission.EDIT)
def edit(request: AuthedRequest, variable_id: int) -> HttpResponse:
    """Show the form of a variable; save it."""
    row = get_variable(variable_id)
    if request.method != "POST":
        return _form(request, drafts.of(row), row)
    values = drafts.typed(request.POST.dict())
    try:
        changes = variables.parse_changes(drafts.changes(values, row))
        saved = variables.update(variable_id, changes, actor=request.actor)
    except (InvalidError, ConflictError) as error:
        return _form(request, values, row, errors=_by_field(error), status=422)
    return _done(request, _("Saved %s.") % saved.name, icon="pencil")


def _done(request: AuthedRequest, text: str, *, icon: str) -> HttpResponse:
    return toast_on_page(request, Toast(text=text, icon=icon), url=reverse("variables"))


def _by_field(error: JobdeckError) -> dict[str, str]:
    return error.fields or {"": error.message}


def _form(
    request: AuthedRequest,
    values: Mapping[str, str],
    row: Variable | None,
    *,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    names = Job.objects.present().order_by("name").values_list("name", flat=True)
    context = {
        "section": "variables",
        "variable": row,
        "form": drafts.form_of(values, errors or {}, row),
        "naming": jobs_naming(row) if row else [],
        "jobs": [] if row else names[:_JOBS_OFFERED],
        "room": room_of(row) if row else None,
        "workspaces": [] if row else workspace_names(request.actor),
    }
    return render(request, "pages/variable_form.html", context, status=status)


@guard.form(Permission.EDIT)
def delete(request: AuthedRequest, variable_id: int) -> HttpResponse:
    """Ask, and delete."""
    return _delete(request, variable_id, "pages/confirm.html")


@guard.form(Permission.EDIT)
def delete_dialog(request: AuthedRequest, variable_id: int) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _delete(request, variable_id, "partials/confirm_dialog.html")


def _delete(request: AuthedRequest, variable_id: int, template: str) -> HttpResponse:
    row = get_variable(variable_id)
    if request.method == "POST":
        # The question named the jobs: its answer is the confirmation.
        variables.delete(variable_id, actor=request.actor, confirmed=True)
        return _done(request, _("Deleted %s.") % row.name, icon="trash-2")
    context = {"section": "variables", "confirm": _question(row)}
    return render(request, template, context)


def _question(row: Variable) -> Confirm:
    return Confirm(
        title=_("Delete %s?") % row.name,
        facts=_facts(row, jobs_naming(row)),
        url=reverse("variable_delete", args=[row.pk]),
        partial_url=reverse("p_variable_delete", args=[row.pk]),
        back_url=reverse("variables"),
        keep=_("Keep it"),
        verb=_("Delete secret") if row.secret else _("Delete variable"),
    )


def _facts(row: Variable, naming: list[Naming]) -> list[Fact]:
    used = (
        Fact("octagon-alert", variables.consequence(row, naming))
        if naming
        else Fact("circle-check", _("No job names it."))
    )
    kept = _("Runs that have started keep what they were given.")
    lost = [Fact("lock", _("Its value cannot be read back, by nobody."))] if row.secret else []
    return [used, Fact("play", kept), *lost]
