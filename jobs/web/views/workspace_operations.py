"""Deploying and destroying a workspace by hand, ending that, and where it stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.errors import StateError
from jobs.domain.permissions import Permission
from jobs.domain.said import said
from jobs.models import Execution, Workspace
from jobs.queries.deployments import Standing, standing_of
from jobs.queries.workspaces import get_workspace
from jobs.services import workspace_operations, workspaces
from jobs.web import guard, workspace_words
from jobs.web.confirm import Confirm
from jobs.web.http import AuthedRequest, toast_on_page, toast_or_redirect
from jobs.web.live import region, tag_of
from jobs.web.toasts import Toast

_PAGE, _DIALOG = "pages/confirm.html", "partials/confirm_dialog.html"
_TOPICS = ("jobs", "executions")
_LAST = 10  # operations that the page shows; the list of executions has all


@guard.page()
def standing_region(request: AuthedRequest, name: str) -> HttpResponse:
    """Answer the poll of where a workspace stands."""
    now = timezone.now()
    row = get_workspace(name, seen_by=request.actor)
    tag = tag_of(*_TOPICS, now=now)
    return region(
        request,
        "partials/workspace_standing.html",
        tag,
        lambda: standing_context(request, row, now),
    )


def standing_context(request: AuthedRequest, row: Workspace, now: datetime) -> dict[str, object]:
    """Return what the page shows of a workspace's infrastructure."""
    standing = standing_of(row)
    jobs = [one.job_id for one in standing.operations]
    last = Execution.objects.filter(job__in=jobs).select_related("job").order_by("-pk")[:_LAST]
    return {
        "workspace": row,
        "shown": workspace_words.shown(standing),
        "standing": standing,
        "operations": list(last),
        "may_operate": Permission.EXECUTE in request.actor.permissions_on(row.pk, ()),
        "tag": tag_of(*_TOPICS, now=now),
    }


@guard.form(Permission.EXECUTE)
def deploy(request: AuthedRequest, name: str) -> HttpResponse:
    """Ask, and deploy."""
    return _deploy(request, name, _PAGE)


@guard.form(Permission.EXECUTE)
def deploy_dialog(request: AuthedRequest, name: str) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _deploy(request, name, _DIALOG)


def _deploy(request: AuthedRequest, name: str, template: str) -> HttpResponse:
    mode = (request.POST.get("mode") or request.GET.get("mode", ""))[:100]

    def act(row: Workspace) -> str:
        made = workspace_operations.deploy(row.name, actor=request.actor, mode=mode)
        return _("Deploying %(name)s: run #%(number)d.") % {"name": row.name, "number": made.pk}

    return _ask_or_act(
        request,
        name,
        template,
        lambda row, standing: workspace_words.deploy_question(row, standing, mode),
        act,
    )


@guard.action(Permission.EXECUTE)
def plan(request: AuthedRequest, name: str) -> HttpResponse:
    """Find out what a deployment would change; it changes nothing, so that nobody is asked."""
    made = workspace_operations.plan(name, actor=request.actor)
    words = _("Comparing %(name)s: run #%(number)d.")
    toast = Toast(text=words % {"name": name, "number": made.pk}, icon="sliders-horizontal")
    return toast_or_redirect(request, toast, default=reverse("workspace", args=[name]))


@guard.form(Permission.EXECUTE)
def destroy(request: AuthedRequest, name: str) -> HttpResponse:
    """Ask, and destroy."""
    return _destroy(request, name, _PAGE)


@guard.form(Permission.EXECUTE)
def destroy_dialog(request: AuthedRequest, name: str) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _destroy(request, name, _DIALOG)


def _destroy(request: AuthedRequest, name: str, template: str) -> HttpResponse:
    def act(row: Workspace) -> str:
        made = workspace_operations.destroy(row.name, actor=request.actor)
        words = _("Destroying what %(name)s has deployed: run #%(number)d.")
        return words % {"name": row.name, "number": made.pk}

    return _ask_or_act(request, name, template, workspace_words.destroy_question, act)


@guard.form(Permission.EXECUTE)
def cancel(request: AuthedRequest, name: str) -> HttpResponse:
    """Ask, and end what goes on."""
    return _cancel(request, name, _PAGE)


@guard.form(Permission.EXECUTE)
def cancel_dialog(request: AuthedRequest, name: str) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _cancel(request, name, _DIALOG)


def _cancel(request: AuthedRequest, name: str, template: str) -> HttpResponse:
    def act(row: Workspace) -> str:
        if not workspace_operations.cancel(row.name, actor=request.actor):
            raise StateError(
                said("Workspace {name} is neither being deployed nor destroyed.", name=row.name)
            )
        return _("Asked the operation of %(name)s to end.") % {"name": row.name}

    return _ask_or_act(request, name, template, workspace_words.cancel_question, act)


def _ask_or_act(
    request: AuthedRequest,
    name: str,
    template: str,
    question: Callable[[Workspace, Standing], Confirm],
    act: Callable[[Workspace], str],
) -> HttpResponse:
    row = get_workspace(name, seen_by=request.actor)
    workspaces.require_in(request.actor, Permission.EXECUTE, row)
    if request.method == "POST":
        toast = Toast(text=act(row), icon="circle-check")
        return toast_on_page(request, toast, url=reverse("workspace", args=[row.name]))
    confirm = question(row, standing_of(row))
    return render(request, template, {"section": "workspaces", "confirm": confirm})
