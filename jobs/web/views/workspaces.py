"""Workspaces: their list, one with its jobs, the forms, disabling and deleting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.errors import ConflictError, InvalidError, JobdeckError
from jobs.domain.permissions import Permission
from jobs.models import Workspace
from jobs.queries.deployments import standings_of
from jobs.queries.jobs import JobFilter, job_page
from jobs.queries.workspaces import (
    WorkspaceRow,
    get_workspace,
    list_workspaces,
    name_of_number,
    rows_of,
)
from jobs.services import workspaces
from jobs.web import freezing, guard, workspace_words
from jobs.web import workspace_forms as drafts
from jobs.web.confirm import Confirm, Fact, deletion
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_on_page, toast_or_redirect
from jobs.web.rows import shown
from jobs.web.toasts import Toast
from jobs.web.views.workspace_operations import standing_context
from jobs.web.words import Badge

PAGE_SIZE = 50


@guard.page()
def workspace_list(request: AuthedRequest) -> HttpResponse:
    """Show the workspaces in which the reader has a role."""
    search = request.GET.get("q", "").replace("\0", "").strip()[:200]
    after = page_mark(request, "after")
    page = list_workspaces(
        search=search,
        after=name_of_number(after) if after else "",
        limit=PAGE_SIZE,
        seen_by=request.actor,
    )
    query = urlencode({"q": search}) if search else ""
    older = urlencode({**({"q": search} if search else {}), "after": page.next_after or 0})
    context = {
        "section": "workspaces",
        "own_search": True,
        "search": search,
        "rows": _with_standings(page.rows),
        "older": older if page.next_after else None,
        "newest": query if after else None,
        "may_create": request.actor.sees_all and request.actor.may(Permission.EDIT),
    }
    return render(request, "pages/workspaces.html", context)


def _with_standings(rows: list[Workspace]) -> list[tuple[WorkspaceRow, Badge | None]]:
    """Return workspaces with where their infrastructure stands; None: they have none."""
    found = standings_of(rows)
    return [(one, workspace_words.badge_of(found[one.workspace.pk])) for one in rows_of(rows)]


@guard.page()
def workspace_page(request: AuthedRequest, name: str) -> HttpResponse:
    """Show one with its jobs."""
    now = timezone.now()
    row = get_workspace(name, seen_by=request.actor)
    number = page_mark(request, "page") or 1
    chosen = JobFilter(workspace=row.name, sort="name", page=number, seen_by=request.actor)
    context = {
        "section": "workspaces",
        "row": rows_of([row])[0],
        "workspace": row,
        "may_edit": _may(request, row, Permission.EDIT),
        "may_delete": request.actor.sees_all and request.actor.may(Permission.DELETE),
        **_jobs(request, chosen, now),
        **standing_context(request, row, now),
    }
    return render(request, "pages/workspace.html", context)


def _jobs(request: AuthedRequest, chosen: JobFilter, now: datetime) -> dict[str, object]:
    page = job_page(chosen, now)
    freezes = freezing.open_ones(request, now)
    return {
        "page": page,
        "jobs": [shown(one, freezes) for one in page.rows],
        "older": f"page={page.page + 1}" if page.more else None,
        "newer": f"page={page.page - 1}" if page.page > 1 else None,
    }


def _may(request: AuthedRequest, row: Workspace, permission: Permission) -> bool:
    return permission in request.actor.permissions_on(row.pk, ())


@guard.form(Permission.EDIT)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the form of a new workspace; create it."""
    if request.method != "POST":
        return _form(request, {"name": "", "description": ""}, None)
    typed = request.POST.dict()
    values = drafts.typed(typed)
    try:
        made = workspaces.create(workspaces.parse_workspace(values), actor=request.actor)
    except (InvalidError, ConflictError) as error:
        return _form(request, {**typed, "name": values["name"]}, None, error)
    return _done(request, _("Created %s.") % made.name, made)


@guard.form(Permission.EDIT)
def edit(request: AuthedRequest, name: str) -> HttpResponse:
    """Show the form of a workspace; save it."""
    row = get_workspace(name, seen_by=request.actor)
    workspaces.require_in(request.actor, Permission.EDIT, row)
    if request.method != "POST":
        told = drafts.operations_shown(row.config)
        return _form(request, {"description": row.description, **told}, row)
    typed = request.POST.dict()
    values = drafts.typed(typed, named=False, before=row.config)
    try:
        changes = workspaces.parse_changes(values)
        saved = workspaces.update(row.name, changes, actor=request.actor)
    except (InvalidError, ConflictError) as error:
        return _form(request, typed, row, error)
    return _done(request, _("Saved %s.") % saved.name, saved)


@guard.action(Permission.EDIT)
def disable(request: AuthedRequest, name: str) -> HttpResponse:
    """Hold back the jobs of a workspace."""
    changes = workspaces.parse_changes({"enabled": False})
    row = workspaces.update(name, changes, actor=request.actor)
    text = _("Disabled %s. Due times of its jobs are left out meanwhile.") % row.name
    return toast_or_redirect(
        request, Toast(text=text, icon="snowflake"), default=reverse("workspace", args=[row.name])
    )


@guard.action(Permission.EDIT)
def enable(request: AuthedRequest, name: str) -> HttpResponse:
    """Let the jobs of a workspace fire again."""
    changes = workspaces.parse_changes({"enabled": True})
    row = workspaces.update(name, changes, actor=request.actor)
    text = _("Enabled %s. Its jobs start again at their next due time.") % row.name
    return toast_or_redirect(
        request, Toast(text=text, icon="play"), default=reverse("workspace", args=[row.name])
    )


@guard.form(Permission.DELETE)
def delete(request: AuthedRequest, name: str) -> HttpResponse:
    """Ask, and delete."""
    return _delete(request, name, "pages/confirm.html")


@guard.form(Permission.DELETE)
def delete_dialog(request: AuthedRequest, name: str) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _delete(request, name, "partials/confirm_dialog.html")


def _delete(request: AuthedRequest, name: str, template: str) -> HttpResponse:
    row = get_workspace(name, seen_by=request.actor)
    if request.method == "POST":
        workspaces.delete(row.name, actor=request.actor)
        toast = Toast(text=_("Deleted %s.") % row.name, icon="trash-2")
        return toast_on_page(request, toast, url=reverse("workspaces"))
    return render(request, template, {"section": "workspaces", "confirm": _question(row)})


def _question(row: Workspace) -> Confirm:
    jobs = rows_of([row])[0].jobs
    inside = (
        Fact("octagon-alert", _("Jobs live in it: it is not deleted while they do."))
        if jobs
        else Fact("circle-check", _("No job lives in it."))
    )
    rights = Fact("user", _("Its variables and the roles for it go with it."))
    return deletion("workspace", row.name, facts=[inside, rights], verb=_("Delete workspace"))


def _done(request: AuthedRequest, text: str, row: Workspace) -> HttpResponse:
    url = reverse("workspace", args=[row.name])
    return toast_on_page(request, Toast(text=text, icon="circle-check"), url=url)


def _form(
    request: AuthedRequest,
    values: Mapping[str, str],
    row: Workspace | None,
    error: JobdeckError | None = None,
) -> HttpResponse:
    errors = {} if error is None else error.fields or {"": error.message}
    context = {
        "section": "workspaces",
        "workspace": row,
        "form": drafts.form_of(values, errors, named=row is None),
    }
    status = 200 if error is None else 422
    return render(request, "pages/workspace_form.html", context, status=status)
