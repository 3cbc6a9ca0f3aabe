"""Channels: their list, the form, the test button, and deleting."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.domain.errors import ConflictError, InvalidError
from jobs.domain.permissions import Permission
from jobs.domain.said import spoken
from jobs.domain.zones import zone_names
from jobs.models import Channel
from jobs.queries.alerts import list_channels, unreached
from jobs.services import channels
from jobs.web import channel_forms as drafts
from jobs.web import guard
from jobs.web.alert_words import KIND, SEVERITY
from jobs.web.confirm import Confirm, Fact
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_on_page, toast_or_redirect
from jobs.web.toasts import Toast


@guard.page()
def channel_list(request: AuthedRequest) -> HttpResponse:
    """Show where alerts are told."""
    after = page_mark(request, "after")
    page = list_channels(after=after)
    silent = unreached(page.rows)
    context = {
        "section": "alerts",
        "rows": [
            {
                "row": row,
                "kind": KIND.get(row.kind, row.kind),
                "severity": SEVERITY[row.severity],
                "message": silent.get(row.pk),
            }
            for row in page.rows
        ],
        "older": f"after={page.next_after}" if page.next_after else None,
        "newest": "" if after else None,
    }
    return render(request, "pages/channels.html", context)


@guard.form(Permission.ADMINISTER)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the form of a new channel; make it."""
    if request.method != "POST":
        return _form(request, drafts.empty(request.GET.get("kind", "")), None)
    values = drafts.typed(request.POST.dict())
    try:
        made = channels.create(drafts.definition(values, None), actor=request.actor)
    except (InvalidError, ConflictError) as error:
        return _form(request, values, None, errors=_by_field(error), status=422)
    return _done(request, _("Created %s.") % made.name, icon="plus")


@guard.form(Permission.ADMINISTER)
def edit(request: AuthedRequest, channel_id: int) -> HttpResponse:
    """Show the form of a channel; save it."""
    row = channels.get(channel_id)
    if request.method != "POST":
        return _form(request, drafts.of(row), row)
    values = drafts.typed(request.POST.dict())
    try:
        saved = channels.update(channel_id, drafts.definition(values, row), actor=request.actor)
    except (InvalidError, ConflictError) as error:
        return _form(request, values, row, errors=_by_field(error), status=422)
    return _done(request, _("Saved %s.") % saved.name, icon="pencil")


def _by_field(error: InvalidError | ConflictError) -> Mapping[str, str]:
    return getattr(error, "fields", None) or {"name": error.message}


def _done(request: AuthedRequest, text: str, *, icon: str) -> HttpResponse:
    return toast_on_page(request, Toast(text=text, icon=icon), url=reverse("channels"))


def _form(
    request: AuthedRequest,
    values: Mapping[str, str],
    row: Channel | None,
    *,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "section": "alerts",
        "channel": row,
        "kind": "" if row is None else KIND.get(row.kind, row.kind),
        "kinds": drafts.kinds(values["kind"]) if row is None else [],
        "zones": sorted(zone_names()),
        "form": drafts.form_of(values, errors or {}, row),
    }
    return render(request, "pages/channel_form.html", context, status=status)


@guard.action(Permission.ADMINISTER)
def trial(request: AuthedRequest, channel_id: int) -> HttpResponse:
    """Send a test message at once."""
    why = channels.send_test(channel_id, actor=request.actor)
    name = channels.get(channel_id).name
    toast = (
        Toast(
            text=_("%(name)s was not told: %(why)s") % {"name": name, "why": spoken(why)},
            kind="bad",
        )
        if why
        else Toast(text=_("Told %s.") % name, icon="circle-check")
    )
    return toast_or_redirect(request, toast, default=reverse("channels"))


@guard.form(Permission.ADMINISTER)
def delete(request: AuthedRequest, channel_id: int) -> HttpResponse:
    """Ask, and delete."""
    return _delete(request, channel_id, "pages/confirm.html")


@guard.form(Permission.ADMINISTER)
def delete_dialog(request: AuthedRequest, channel_id: int) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _delete(request, channel_id, "partials/confirm_dialog.html")


def _delete(request: AuthedRequest, channel_id: int, template: str) -> HttpResponse:
    row = channels.get(channel_id)
    if request.method == "POST":
        channels.delete(channel_id, actor=request.actor)
        return _done(request, _("Deleted %s.") % row.name, icon="trash-2")
    fact = _("Nobody is told there any more; what still waits for it is dropped.")
    confirm = Confirm(
        title=_("Delete %s?") % row.name,
        facts=[Fact("octagon-alert", fact)],
        url=reverse("channel_delete", args=[row.pk]),
        partial_url=reverse("p_channel_delete", args=[row.pk]),
        back_url=reverse("channels"),
        keep=_("Keep channel"),
        verb=_("Delete channel"),
    )
    return render(request, template, {"section": "alerts", "confirm": confirm})
