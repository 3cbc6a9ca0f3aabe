"""Freezes: their list, the form, and lifting one."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Permission
from jobs.domain.states import FreezeScope
from jobs.models import Freeze
from jobs.queries import freeze_preview
from jobs.queries.freezes import (
    Phase,
    consequences,
    get_freeze,
    past_freezes,
    phase_of,
)
from jobs.queries.in_use import tags_in_use
from jobs.queries.sway import sway_of
from jobs.services import freezes
from jobs.services.firing import rules_of
from jobs.services.freeze_requests import parse_changes, parse_freeze
from jobs.web import formats, freezing, guard
from jobs.web.confirm import Confirm, Fact
from jobs.web.filters import page_mark
from jobs.web.freeze_forms import (
    FreezeChangesForm,
    FreezeForm,
    changes_of,
    request_of,
    values_of,
    with_errors,
)
from jobs.web.http import AuthedRequest, small_number, toast_on_page
from jobs.web.live import region, tag_of
from jobs.web.timeline import link_to
from jobs.web.toasts import Toast

_PAST = "past"
_MOMENTS = ("starts_at", "ends_at", "duration_seconds")


@guard.page()
def freeze_list(request: AuthedRequest) -> HttpResponse:
    """Show what holds and what is planned, or what is over."""
    now = timezone.now()
    context = {"section": "freezes", "tag": _tag(now), **_table(request, now)}
    return render(request, "pages/freezes.html", context)


@guard.page()
def table_region(request: AuthedRequest) -> HttpResponse:
    """Answer the table's poll."""
    now = timezone.now()
    return region(request, "partials/freeze_table.html", _tag(now), lambda: _table(request, now))


def _tag(now: datetime) -> str:
    # What begins or ends does so without a write: drawn anew each minute.
    return tag_of("jobs", now=now, extra=str(int(now.timestamp()) // 60))


def _table(request: AuthedRequest, now: datetime) -> dict[str, object]:
    past = request.GET.get("show") == _PAST
    before = page_mark(request, "before") if past else None
    if past:
        page = past_freezes(now, before=before, seen_by=request.actor)
        rows, following = page.rows, page.next_after
    else:
        rows, following = freezing.seen_ones(request, now, request.actor), None
    return {
        "rows": freezing.shown(rows, now, request.actor),
        "past": past,
        "query": f"show={_PAST}" if past else "",
        "older": f"show={_PAST}&before={following}" if following else None,
        "newest": f"show={_PAST}" if before else None,
        "first_page": before is None,
    }


@guard.form(Permission.PAUSE)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the form of a new freeze; make it."""
    if request.method != "POST":
        return _form(request, _first_values(request), None, chosen=_chosen(request))
    data = request.POST.dict()
    if data.get("do") == "preview":
        return _form(request, data, None)
    try:
        asked = parse_freeze(request_of(data, request.viewer.zone))
        made = freezes.freeze(asked, actor=request.actor)
    except InvalidError as error:
        return _form(request, data, None, error=error)
    text = _("Frozen: %s.") if asked.starts_at is None else _("Planned: %s is frozen from then on.")
    toast = Toast(text=text % freezing.scope_words(made), icon="snowflake")
    return toast_on_page(request, toast, url=reverse("freezes"))


def _chosen(request: AuthedRequest) -> bool:
    """Say whether a new form was opened for something; an empty one has nothing to preview yet."""
    return any(request.GET.get(name) for name in ("tag", *_MOMENTS))


def _first_values(request: AuthedRequest) -> dict[str, str]:
    """Return what a new form begins with: the tag it was opened for, or what the reader may freeze."""
    tag = request.GET.get("tag", "")[:60]
    given = {name: request.GET.get(name, "")[:40] for name in _MOMENTS}
    return {**_first_target(request, tag), **given}


def _first_target(request: AuthedRequest, tag: str) -> dict[str, str]:
    sway = sway_of(request.actor, Permission.PAUSE)
    if tag or not (sway.everything or sway.workspaces):
        return {"scope": "tag", "target": tag or min(sway.tags, default="")}
    if sway.everything:
        return {"scope": "everything", "target": ""}
    return {"scope": "workspace", "target": min(sway.workspaces)}


@guard.form(Permission.PAUSE)
def edit(request: AuthedRequest, freeze_id: int) -> HttpResponse:
    """Show the form of a freeze that can still be changed; save it."""
    row = get_freeze(freeze_id, seen_by=request.actor)
    zone = request.viewer.zone
    if request.method != "POST":
        return _form(request, values_of(row, zone), row)
    data = request.POST.dict()
    if data.get("do") == "preview":
        return _form(request, data, row)
    try:
        changes = parse_changes(_typed_changes(data, row, zone))
        freezes.extend(freeze_id, changes, actor=request.actor)
    except InvalidError as error:
        return _form(request, data, row, error=error)
    return toast_on_page(
        request, Toast(text=_("Saved the freeze."), icon="snowflake"), url=reverse("freezes")
    )


def _typed_changes(data: dict[str, str], row: Freeze, zone: str) -> dict[str, object]:
    """Return what was changed; an untouched end stays, since its field has no seconds."""
    changes = changes_of(data, zone)
    if data.get("ends_at", "") == values_of(row, zone)["ends_at"]:
        del changes["ends_at"]
        if changes["duration_seconds"] is None:
            del changes["duration_seconds"]
    return changes


@guard.action(Permission.PAUSE)
def preview(request: AuthedRequest) -> HttpResponse:
    """Answer with what a freeze that is being written would hold back."""
    data = request.POST.dict()
    number = small_number(data.get("freeze", ""))
    row = None if number is None else get_freeze(number, seen_by=request.actor)
    return render(request, "partials/freeze_preview.html", _preview(request, data, row))


def _preview(request: AuthedRequest, data: dict[str, str], row: Freeze | None) -> dict[str, object]:
    """Return what the words say, or what is wrong with them; a reason is not asked for yet."""
    now, zone = timezone.now(), request.viewer.zone
    narrow = row is None and data.get("scope") != FreezeScope.EVERYTHING
    if narrow and not data.get("target", "").strip():
        return {"unnamed": True}
    written = {**data, "reason": data.get("reason", "").strip() or _("no reason yet")}
    try:
        if row is None:
            draft = freezes.draft(
                parse_freeze(request_of(written, zone)), actor=request.actor, now=now
            )
        else:
            changes = parse_changes(_typed_changes(written, row, zone))
            draft = freezes.changed(get_freeze(row.pk), changes, now=now)
        found = freeze_preview.preview(draft, now, rules_of=rules_of, seen_by=request.actor)
    except InvalidError as error:
        return {"wrong": list((error.fields or {"": error.message}).values())}
    return {"held": found, "window": link_to(found.start, found.until)}


def _form(
    request: AuthedRequest,
    values: dict[str, str],
    row: Freeze | None,
    *,
    error: InvalidError | None = None,
    chosen: bool = True,
) -> HttpResponse:
    form: forms.Form = FreezeChangesForm(values) if row else FreezeForm(values)
    if error is not None:
        form = with_errors(form, error.fields or {"": error.message})
    context = {
        **(_preview(request, values, row) if chosen else {"asleep": True}),
        "section": "freezes",
        "form": form,
        "freeze": row,
        "what": freezing.scope_words(row) if row else "",
        "tags": _places(request),
    }
    return render(request, "pages/freeze_form.html", context, status=422 if error else 200)


def _places(request: AuthedRequest) -> list[str]:
    """Return names to choose from; to a reader of some jobs those that he may freeze."""
    sway = sway_of(request.actor, Permission.PAUSE)
    return tags_in_use() if sway.everything else sorted(sway.tags | sway.workspaces)


@guard.form(Permission.PAUSE)
def lift(request: AuthedRequest, freeze_id: int) -> HttpResponse:
    """Ask, and lift."""
    return _lift(request, freeze_id, "pages/confirm.html")


@guard.form(Permission.PAUSE)
def lift_dialog(request: AuthedRequest, freeze_id: int) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _lift(request, freeze_id, "partials/confirm_dialog.html")


def _lift(request: AuthedRequest, freeze_id: int, template: str) -> HttpResponse:
    row = get_freeze(freeze_id, seen_by=request.actor)
    if request.method == "POST":
        lifted = freezes.lift(freeze_id, actor=request.actor)
        begun = lifted.ends_at != lifted.starts_at
        text = _("Lifted the freeze of %s.") if begun else _("Called off the freeze of %s.")
        toast = Toast(text=text % freezing.scope_words(row), icon="power")
        return toast_on_page(request, toast, url=reverse("freezes"))
    context = {"section": "freezes", "confirm": _question(row, timezone.now())}
    return render(request, template, context)


def _question(row: Freeze, now: datetime) -> Confirm:
    planned = phase_of(row, now) == Phase.PLANNED
    what = freezing.scope_words(row)
    if planned:
        title, verb, keep = _("Call off the freeze of %s?"), _("Call it off"), _("Keep it planned")
    else:
        title, verb, keep = _("Lift the freeze of %s?"), _("Lift freeze"), _("Keep it frozen")
    return Confirm(
        title=title % what,
        facts=[Fact("snowflake", row.reason), *([] if planned else _facts(row, now))],
        url=reverse("freeze_lift", args=[row.pk]),
        partial_url=reverse("p_freeze_lift", args=[row.pk]),
        back_url=reverse("freezes"),
        keep=keep,
        verb=verb,
        harmless=True,
    )


def _facts(row: Freeze, now: datetime) -> list[Fact]:
    found = consequences(row, now)
    firing = ngettext(
        "%(count)s job fires again at its next due time.",
        "%(count)s jobs fire again at their next due time.",
        found.firing,
    ) % {"count": formats.count(found.firing)}
    missed = ngettext(
        "The %(count)s due time that was left out is not made up for.",
        "The %(count)s due times that were left out are not made up for.",
        found.left_out,
    ) % {"count": formats.count(found.left_out)}
    return [
        Fact("calendar-clock", firing if found.firing else _("No job fires by it.")),
        Fact("history", missed if found.left_out else _("Nothing was left out so far.")),
    ]
