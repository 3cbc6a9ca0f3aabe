"""What can be done with a backfill: pause, resume, cancel."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.domain.permissions import Permission
from jobs.models import Backfill
from jobs.queries.backfills import Progress, get_backfill, progress_of
from jobs.services import backfills
from jobs.web import formats, guard
from jobs.web.confirm import Confirm, Fact
from jobs.web.http import AuthedRequest, SeeOther, toast_or_redirect
from jobs.web.toasts import Toast


def _url(backfill: Backfill) -> str:
    return reverse("backfill", args=[backfill.pk])


@guard.action(Permission.EXECUTE)
def pause(request: AuthedRequest, backfill_id: int) -> HttpResponse:
    """Start nothing more; offer the way back."""
    backfill = backfills.pause(backfill_id, actor=request.actor)
    toast = Toast(
        text=_("Paused backfill #%d. What runs goes on.") % backfill.pk,
        kind="info",
        undo_url=reverse("backfill_resume", args=[backfill.pk]),
    )
    return toast_or_redirect(request, toast, default=_url(backfill))


@guard.action(Permission.EXECUTE)
def resume(request: AuthedRequest, backfill_id: int) -> HttpResponse:
    """Go on; offer the way back."""
    backfill = backfills.resume(backfill_id, actor=request.actor)
    toast = Toast(
        text=_("Backfill #%d goes on.") % backfill.pk,
        icon="play",
        undo_url=reverse("backfill_pause", args=[backfill.pk]),
    )
    return toast_or_redirect(request, toast, default=_url(backfill))


@guard.form(Permission.EXECUTE)
def cancel(request: AuthedRequest, backfill_id: int) -> HttpResponse:
    """Ask, and cancel."""
    return _cancel(request, backfill_id, "pages/confirm.html")


@guard.form(Permission.EXECUTE)
def cancel_dialog(request: AuthedRequest, backfill_id: int) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _cancel(request, backfill_id, "partials/confirm_dialog.html")


def _cancel(request: AuthedRequest, backfill_id: int, template: str) -> HttpResponse:
    backfill = get_backfill(backfill_id)
    if request.method == "POST":
        kill = request.POST.get("instead") == "1"  # the other button of the question
        backfills.cancel(backfill_id, actor=request.actor, kill=kill)
        text = _("Cancelled backfill #%d.") % backfill.pk
        return toast_or_redirect(
            request, Toast(text=text, kind="info", icon="circle-stop"), default=_url(backfill)
        )
    if backfill.finished_at is not None:
        return SeeOther(_url(backfill))
    progress = progress_of([backfill])[backfill.pk]
    context = {"section": "jobs", "confirm": _question(backfill, progress)}
    return render(request, template, context)


def _question(backfill: Backfill, progress: Progress) -> Confirm:
    address = reverse("backfill_cancel", args=[backfill.pk])
    return Confirm(
        title=_("Cancel backfill #%(number)d of %(name)s?")
        % {"number": backfill.pk, "name": backfill.job.name},
        facts=_consequences(progress),
        url=address,
        partial_url=reverse("p_backfill_cancel", args=[backfill.pk]),
        back_url=_url(backfill),
        keep=_("Keep backfill"),
        verb=_("Cancel backfill"),
        instead=_("Cancel and kill") if progress.live else "",
        instead_url=address if progress.live else "",
    )


def _consequences(progress: Progress) -> list[Fact]:
    left = ngettext(
        "%s due time that has not started is given up.",
        "%s due times that have not started are given up.",
        progress.left,
    )
    facts = [Fact("skip-forward", left % formats.count(progress.left))]
    if progress.live:
        live = ngettext(
            "%d run is in progress; it goes on, unless you kill it, too.",
            "%d runs are in progress; they go on, unless you kill them, too.",
            progress.live,
        )
        facts.append(Fact("play", live % progress.live))
    facts.append(Fact("history", _("What has run stays as it is.")))
    facts.append(
        Fact("rotate-cw", _("It cannot be resumed; a new backfill finds what is missing."))
    )
    return facts
