"""What can be done with an execution: kill it, run its job again."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.domain.permissions import Permission
from jobs.domain.states import TERMINAL, ExecutionState
from jobs.models import Execution
from jobs.queries.executions import get_execution
from jobs.services import cancelling, triggers
from jobs.web import formats, guard
from jobs.web.confirm import Confirm, Fact
from jobs.web.http import AuthedRequest, SeeOther, toast_on_page, toast_or_redirect
from jobs.web.toasts import Toast


def _url(execution: Execution) -> str:
    return reverse("execution", args=[execution.pk])


@guard.action(Permission.EXECUTE)
def rerun(request: AuthedRequest, execution_id: int) -> HttpResponse:
    """Run the job again now, with its present configuration and the same parameters."""
    before = get_execution(execution_id)
    execution = triggers.again(
        execution_id, actor=request.actor, idempotency_key=request.POST.get("key", "")[:200]
    )
    text = _("Started %(name)s again as run #%(number)s.") % {
        "name": before.job.name,
        "number": execution.pk,
    }
    return toast_on_page(request, Toast(text=text, icon="rotate-cw"), url=_url(execution))


@guard.form(Permission.EXECUTE)
def kill(request: AuthedRequest, execution_id: int) -> HttpResponse:
    """Ask, and kill."""
    return _kill(request, execution_id, "pages/confirm.html")


@guard.form(Permission.EXECUTE)
def kill_dialog(request: AuthedRequest, execution_id: int) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _kill(request, execution_id, "partials/confirm_dialog.html")


def _kill(request: AuthedRequest, execution_id: int, template: str) -> HttpResponse:
    execution = get_execution(execution_id)
    if request.method == "POST":
        execution = cancelling.cancel(execution_id, actor=request.actor)
        text = (
            _("Run #%s is being killed.")
            if execution.state not in TERMINAL
            else _("Killed run #%s.")
        )
        toast = Toast(text=text % execution.pk, kind="info", icon="circle-stop")
        return toast_or_redirect(request, toast, default=_url(execution))
    if execution.state in TERMINAL:
        return SeeOther(_url(execution))
    return render(request, template, {"section": "executions", "confirm": _question(execution)})


def _question(execution: Execution) -> Confirm:
    name = {"number": execution.pk, "name": execution.job.name}
    return Confirm(
        title=_("Kill run #%(number)s of %(name)s?") % name,
        facts=_consequences(execution),
        url=reverse("execution_kill", args=[execution.pk]),
        partial_url=reverse("p_execution_kill", args=[execution.pk]),
        back_url=_url(execution),
        keep=_("Keep running"),
        verb=_("Kill run"),
    )


def _consequences(execution: Execution) -> list[Fact]:
    job = execution.job
    if execution.state == ExecutionState.RUNNING:
        first = _("SIGTERM now, SIGKILL after %s, to every process it started.") % (
            formats.setting(job.grace_seconds)
        )
    else:
        first = _("It has not started; it will not start any more.")
    facts = [Fact("circle-stop", first)]
    if execution.attempt < job.retry_max_attempts:
        facts.append(Fact("rotate-cw", _("A killed run is not tried again.")))
    if job.next_fire_at:
        facts.append(Fact("calendar-clock", _("The schedule goes on: the job stays active.")))
    return facts
