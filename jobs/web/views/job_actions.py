"""What can be done with a job: run, pause, resume, delete."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Actor, Permission
from jobs.domain.said import spoken
from jobs.domain.states import JobState
from jobs.models import Execution, Job
from jobs.queries.jobs import PAGE_SIZE, chosen_jobs, get_job
from jobs.services import jobs as job_services
from jobs.services import many, triggers
from jobs.services.many import Deed
from jobs.web import consequences, formats, guard
from jobs.web.changes import said_of_many
from jobs.web.confirm import Confirm, Fact
from jobs.web.http import AuthedRequest, SeeOther, go_to, toast_on_page, toast_or_redirect
from jobs.web.toasts import Toast

_DEEDS = ("run", "pause", "resume", "delete")
_LOOK_FIRST = ("change", "delete")
_AT_ONCE = {"run": Deed.TRIGGER, "pause": Deed.PAUSE, "resume": Deed.RESUME}
# What takes a deed back, from whom it changed; one that was paused before it stays so.
_BACK = {"pause": ("resume", JobState.ACTIVE), "resume": ("pause", JobState.PAUSED)}


def _url(name: str, job: Job) -> str:
    return reverse(name, args=[job.pk])


@guard.action(Permission.EXECUTE)
def run(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Start one run now."""
    execution = triggers.trigger(
        job_id,
        actor=request.actor,
        idempotency_key=request.POST.get("key", "")[:200],
        force=request.POST.get("force") == "1",
    )
    toast = started(get_job(job_id), execution)
    return toast_or_redirect(request, toast, default=reverse("job", args=[job_id]))


def started(job: Job, execution: Execution) -> Toast:
    """Return what is told about a start."""
    if execution.held:
        text = _("%s waits for the run in progress:")
    elif job.state != JobState.ACTIVE:
        text = _("Started %s once. The job stays stopped:")
    else:
        text = _("Started %s:")
    return Toast(
        text=text % job.name,
        icon="play",
        link_text=_("run #%s") % execution.pk,
        link_url=reverse("execution", args=[execution.pk]),
    )


@guard.action(Permission.PAUSE)
def pause(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Pause the job; offer the way back."""
    planned_at = get_job(job_id).next_fire_at
    job = job_services.pause(
        job_id, actor=request.actor, reason=request.POST.get("reason", "")[:500]
    )
    if planned_at:
        text = _("Paused %(name)s. Its next run at %(at)s will not start.") % {
            "name": job.name,
            "at": formats.clock(planned_at, timezone.now()),
        }
    else:
        text = _("Paused %s.") % job.name
    toast = Toast(text=text, kind="info", undo_url=_url("job_resume", job))
    return toast_or_redirect(request, toast, default=_url("job", job))


@guard.action(Permission.PAUSE)
def resume(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Resume the job; offer the way back."""
    job = job_services.resume(job_id, actor=request.actor)
    if job.next_fire_at:
        text = _("Resumed %(name)s. Its next run is at %(at)s.") % {
            "name": job.name,
            "at": formats.clock(job.next_fire_at, timezone.now()),
        }
    else:
        text = _("Resumed %s.") % job.name
    toast = Toast(text=text, icon="power", undo_url=_url("job_pause", job))
    return toast_or_redirect(request, toast, default=_url("job", job))


@guard.action(Permission.EXECUTE)
def bulk(request: AuthedRequest) -> HttpResponse:
    """Run, pause or resume every selected job; one that cannot be is told and stops no other.

    What needs a look before, and all that a filter lets through, goes on to a page of its own.
    """
    if request.POST.get("do") in _LOOK_FIRST or request.POST.get("all"):
        return go_to(request, f"{reverse('jobs_change')}?{_selection(request)}")
    asked = request.POST if "do" in request.POST else request.GET  # the address of an undo
    wanted = asked.get("do", "")
    chosen = _AT_ONCE.get(wanted)
    ids = [int(pk) for pk in asked.getlist("id")[:PAGE_SIZE] if _is_id(pk)]
    if chosen is None or not ids:
        raise InvalidError(_("Nothing was selected."))
    back, before = _BACK.get(wanted, ("", ""))
    rows = chosen_jobs(ids, seen_by=request.actor, limit=PAGE_SIZE) if back else []
    changing = [job.pk for job in rows if job.state == before and asked is request.POST]
    outcomes = many.apply(chosen, ids, actor=request.actor)
    refused = [spoken(one.error.message) for one in outcomes if one.error is not None]
    text = " ".join([said_of_many(wanted, len(outcomes) - len(refused)), *refused[:3]])
    done = {one.job_id for one in outcomes if one.error is None}
    undo = [("do", back), *(("id", pk) for pk in changing if pk in done)]
    toast = Toast(
        text=text,
        kind="bad" if refused else "ok",
        undo_url=f"{reverse('jobs_bulk')}?{urlencode(undo)}" if len(undo) > 1 else "",
    )
    return toast_or_redirect(request, toast, default=reverse("jobs"))


def _selection(request: AuthedRequest) -> str:
    """Return what was selected for the page that shows it: the filter, never ids, for all of it."""
    wanted = request.POST.get("do", "")
    deed = [("do", wanted)] if wanted in _DEEDS else []
    if request.POST.get("all"):
        pairs = parse_qsl(request.POST.get("filter", "")[:4000])
        return urlencode([*deed, ("all", "1"), *pairs])
    ids = [("id", pk) for pk in request.POST.getlist("id")[:PAGE_SIZE] if _is_id(pk)]
    if not ids:
        raise InvalidError(_("Nothing was selected."))
    return urlencode([*deed, *ids])


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


@guard.form(Permission.DELETE)
def delete(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Ask, and delete when the name was typed."""
    return _delete(request, job_id, "pages/confirm.html")


@guard.form(Permission.DELETE)
def delete_dialog(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _delete(request, job_id, "partials/confirm_dialog.html")


def _delete(request: AuthedRequest, job_id: int, template: str) -> HttpResponse:
    job = get_job(job_id)
    if job.deleted_at:
        return SeeOther(_url("job", job))
    error = ""
    if request.method == "POST":
        typed = request.POST.get("name", "").strip()
        if typed == job.name:
            job_services.delete(job_id, actor=request.actor)
            toast = Toast(
                text=_("Deleted %s. Its history stays readable.") % job.name, icon="trash-2"
            )
            return toast_on_page(request, toast, url=reverse("jobs"))
        error = _("“%(typed)s” is not the name of the job. Type %(name)s.") % {
            "typed": typed[:100],
            "name": job.name,
        }
    context = {"section": "jobs", "confirm": _delete_question(job, error, request.actor)}
    return render(request, template, context, status=422 if error else 200)


def _delete_question(job: Job, error: str, reader: Actor) -> Confirm:
    facts = [
        Fact(
            "history",
            ngettext(
                "Its %(count)s run and the log stay readable under Executions.",
                "Its %(count)s runs and their logs stay readable under Executions.",
                job.execution_count,
            )
            % {"count": formats.count(job.execution_count)}
            if job.execution_count
            else _("It has never run."),
        ),
    ]
    if not job.live_count:
        facts.append(Fact("circle-stop", _("No run is in progress.")))
    facts += consequences.of_deleting([job], reader)[job.pk]
    if job.next_fire_at:
        at = formats.clock(job.next_fire_at, timezone.now())
        facts.append(Fact("calendar-clock", _("Its next run at %s will not start.") % at))
    return Confirm(
        title=_("Delete %s?") % job.name,
        facts=facts,
        url=_url("job_delete", job),
        partial_url=_url("p_job_delete", job),
        back_url=_url("job", job),
        keep=_("Keep job"),
        verb=_("Delete job"),
        type_name=job.name,
        error=error,
        hint=_("To stop it for a while, pause it.") if job.state == JobState.ACTIVE else "",
        instead=_("Pause instead") if job.state == JobState.ACTIVE else "",
        instead_url=_url("job_pause", job) if job.state == JobState.ACTIVE else "",
    )
