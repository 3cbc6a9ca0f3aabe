"""Queues and workers: what waits for what, limits and pauses, who serves, and draining a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Permission
from jobs.models import Worker
from jobs.queries.waiting import QueueLook, clusters, queue_look, queue_looks, takes
from jobs.services import queues
from jobs.web import guard
from jobs.web.freeze_forms import with_errors
from jobs.web.http import AuthedRequest, toast_on_page, toast_or_redirect
from jobs.web.live import region, tag_of
from jobs.web.queue_forms import QueueForm, values_of
from jobs.web.toasts import Toast
from jobs.web.words import Badge

_TOPICS = ("workers", "executions")
_STATES = ("", "waiting", "paused", "unserved")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownWorker:
    """A cluster with the words of its state."""

    worker: Worker
    badge: Badge
    draining: bool


@guard.page()
def queue_list(request: AuthedRequest) -> HttpResponse:
    """Show the queues, of one state or all, and the clusters."""
    now = timezone.now()
    context = {"section": "queues", "tag": _tag(now), **_tables(request, now)}
    return render(request, "pages/queues.html", context)


@guard.page()
def tables_region(request: AuthedRequest) -> HttpResponse:
    """Answer the poll of both tables."""
    now = timezone.now()
    return region(request, "partials/queue_tables.html", _tag(now), lambda: _tables(request, now))


def _tag(now: datetime) -> str:
    # Waiting times and signs of life move without a counted write: drawn anew every five seconds.
    return tag_of(*_TOPICS, now=now, extra=str(int(now.timestamp()) // 5))


def _tables(request: AuthedRequest, now: datetime) -> dict[str, object]:
    asked = request.GET.get("state", "")
    state = asked if asked in _STATES else ""
    words = (_("All"), _("Waiting"), _("Paused"), _("Not served"))
    return {
        "queues": [look for look in queue_looks(now) if _is(look, state)],
        "workers": [shown(worker, now) for worker in clusters()],
        "state": state,
        "query": f"state={state}" if state else "",
        "chips": list(zip(_STATES, words, strict=True)),
    }


def _is(look: QueueLook, state: str) -> bool:
    return {
        "": True,
        "waiting": look.waiting > 0,
        "paused": look.paused,
        "unserved": bool(look.unserved),
    }[state]


def shown(worker: Worker, now: datetime) -> ShownWorker:
    """Return a cluster as the page shows it."""
    draining = worker.drain_requested_at is not None
    if takes(worker, now):
        badge = Badge(_("Working"), "circle-check", "ok")
    elif draining and not worker.busy:
        badge = Badge(_("Drained"), "circle-pause", "warn")
    elif draining or worker.state == "draining":
        badge = Badge(_("Draining"), "circle-pause", "warn")
    else:
        badge = Badge(_("Silent"), "triangle-alert", "bad")
    return ShownWorker(worker=worker, badge=badge, draining=draining)


@guard.form(Permission.EDIT)
def edit(request: AuthedRequest, name: str) -> HttpResponse:
    """Show the form of a queue's limits and description, and take it."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        values = {key: request.POST.get(key, "").strip() for key in QueueForm.base_fields}
        try:
            numbers = {key: values[key] or None for key in ("limit", "starts_per_minute")}
            row = queues.update(name, {**values, **numbers}, actor=request.actor)
        except InvalidError as error:
            errors = error.fields or {"": str(error)}
        else:
            toast = Toast(text=_("Saved queue %s.") % row.name, icon="circle-check")
            return toast_on_page(request, toast, url=reverse("queues"))
    else:
        look = queue_look(name, timezone.now())
        values = values_of(look.settings if look else None)
    context = {"section": "queues", "name": name, "form": with_errors(QueueForm(values), errors)}
    return render(request, "pages/queue_form.html", context, status=400 if errors else 200)


@guard.action(Permission.PAUSE)
def pause(request: AuthedRequest, name: str) -> HttpResponse:
    """Pause one."""
    row = queues.pause(
        name, actor=request.actor, reason=request.POST.get("reason", "").strip()[:500]
    )
    text = _("Paused queue %s. What runs goes on; what is due waits in it.") % row.name
    return toast_or_redirect(
        request, Toast(text=text, icon="circle-pause"), default=reverse("queues")
    )


@guard.action(Permission.PAUSE)
def resume(request: AuthedRequest, name: str) -> HttpResponse:
    """Resume one."""
    row = queues.resume(name, actor=request.actor)
    text = _("Queue %s goes on.") % row.name
    return toast_or_redirect(request, Toast(text=text, icon="play"), default=reverse("queues"))


@guard.action(Permission.PAUSE)
def drain(request: AuthedRequest, worker_id: int) -> HttpResponse:
    """Drain a cluster."""
    row = queues.drain(worker_id, actor=request.actor)
    text = ngettext(
        "%(name)s takes nothing new; %(n)d run goes on.",
        "%(name)s takes nothing new; %(n)d runs go on.",
        row.busy,
    ) % {"name": row.name, "n": row.busy}
    return toast_or_redirect(
        request, Toast(text=text, icon="circle-pause"), default=reverse("queues")
    )


@guard.action(Permission.PAUSE)
def undrain(request: AuthedRequest, worker_id: int) -> HttpResponse:
    """Let a drained cluster take work again."""
    row = queues.undrain(worker_id, actor=request.actor)
    text = _("%s takes work again.") % row.name
    return toast_or_redirect(request, Toast(text=text, icon="play"), default=reverse("queues"))
