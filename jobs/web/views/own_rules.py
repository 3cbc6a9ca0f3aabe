"""Rules that people make: the form with its trial against the past, and deleting."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.errors import ConflictError, InvalidError
from jobs.domain.permissions import Permission
from jobs.domain.zones import zone_names
from jobs.models import AlertRule
from jobs.queries import own_rules as past
from jobs.queries.alerts import channel_names
from jobs.queries.jobs import job_names
from jobs.services import own_rules
from jobs.web import guard
from jobs.web import rule_forms as drafts
from jobs.web.confirm import Confirm, Fact
from jobs.web.http import AuthedRequest, toast_on_page
from jobs.web.toasts import Toast

_SHOWN = 20


@guard.form(Permission.ADMINISTER)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the form of a new rule; try it, or make it."""
    if request.method != "POST":
        return _form(request, drafts.empty(), None)
    return _taken(request, None)


@guard.form(Permission.ADMINISTER)
def edit(request: AuthedRequest, rule_id: int) -> HttpResponse:
    """Show the form of a rule; try it, or save it."""
    row = own_rules.get(rule_id)
    if request.method != "POST":
        return _form(request, drafts.of(row), row)
    return _taken(request, row)


def _taken(request: AuthedRequest, row: AlertRule | None) -> HttpResponse:
    values = drafts.typed(request.POST.dict())
    given = drafts.definition(values)
    try:
        if request.POST.get("action") == "try":
            trial = own_rules.tried(given, actor=request.actor, now=timezone.now())
            return _form(request, values, row, trial=trial)
        saved = own_rules.save(row.pk if row else None, given, actor=request.actor)
    except (InvalidError, ConflictError) as error:
        fields = getattr(error, "fields", None) or {"name": error.message}
        return _form(request, values, row, errors=fields, status=422)
    toast = Toast(text=_("Saved the rule %s.") % saved.name, icon="pencil")
    return toast_on_page(request, toast, url=reverse("alert_rules"))


def _form(
    request: AuthedRequest,
    values: Mapping[str, str],
    row: AlertRule | None,
    *,
    trial: past.Trial | None = None,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "section": "alerts",
        "rule": row,
        "form": drafts.form_of(values, errors or {}),
        "trial": trial,
        "opened": trial.jobs[:_SHOWN] if trial else [],
        "channels": channel_names(),
        "names": job_names(without=None, seen_by=request.actor),
        "zones": sorted(zone_names()),
    }
    return render(request, "pages/rule_form.html", context, status=status)


@guard.form(Permission.ADMINISTER)
def delete(request: AuthedRequest, rule_id: int) -> HttpResponse:
    """Ask, and delete."""
    row = own_rules.get(rule_id)
    if request.method == "POST":
        name = own_rules.delete(rule_id, actor=request.actor)
        toast = Toast(text=_("Deleted %s.") % name, icon="trash-2")
        return toast_on_page(request, toast, url=reverse("alert_rules"))
    url = reverse("own_rule_delete", args=[row.pk])
    confirm = Confirm(
        title=_("Delete %s?") % row.name,
        facts=[Fact("octagon-alert", _("Its open alerts end."))],
        url=url,
        partial_url=url,
        back_url=reverse("alert_rules"),
        keep=_("Keep rule"),
        verb=_("Delete rule"),
    )
    return render(request, "pages/confirm.html", {"section": "alerts", "confirm": confirm})
