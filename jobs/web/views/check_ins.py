"""Check-ins: their list, one with how to call it, the form, pause, another key, and deleting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.domain.check_ins import CheckInState, Signal
from jobs.domain.errors import ConflictError, InvalidError, UnknownError
from jobs.domain.permissions import Permission
from jobs.domain.schedule import Schedule
from jobs.domain.states import ScheduleKind
from jobs.models import CheckIn, CheckInReport
from jobs.queries.check_ins import CheckInListing, get_check_in, list_check_ins, reports_of
from jobs.services import check_ins
from jobs.services.secret_box import SealedError
from jobs.web import check_in_forms as drafts
from jobs.web import formats, guard, schedules
from jobs.web.confirm import Confirm, Fact
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_on_page, toast_or_redirect
from jobs.web.toasts import Toast
from jobs.web.words import Badge, Text

_SEARCH_LIMIT = 200
STATE: dict[str, Badge] = {
    CheckInState.DOWN: Badge(gettext_lazy("Failed"), "octagon-alert", "bad"),
    CheckInState.LATE: Badge(gettext_lazy("Late"), "triangle-alert", "bad"),
    CheckInState.UP: Badge(gettext_lazy("Up"), "circle-check", "ok"),
    CheckInState.NEW: Badge(gettext_lazy("New"), "circle-dashed", ""),
    CheckInState.PAUSED: Badge(gettext_lazy("Paused"), "circle-pause", ""),
}
SIGNAL: dict[str, Text] = {
    Signal.START: gettext_lazy("Started"),
    Signal.SUCCESS: gettext_lazy("Succeeded"),
    Signal.FAIL: gettext_lazy("Failed"),
    Signal.LOG: gettext_lazy("Text"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A check-in in words."""

    row: CheckIn
    badge: Badge
    when: str
    grace: str
    paused: bool


@guard.page()
def check_in_list(request: AuthedRequest) -> HttpResponse:
    """Show the check-ins of one state or all."""
    now = timezone.now()
    given = request.GET
    state = given.get("state", "") if given.get("state") in set(CheckInState) else ""
    search = given.get("q", "").replace("\0", "").strip()[:_SEARCH_LIMIT]
    after = page_mark(request, "after")
    chosen = CheckInListing(
        state=CheckInState(state) if state else None, search=search, after=after
    )
    page = list_check_ins(chosen, now)
    filters = {name: value for name, value in (("state", state), ("q", search)) if value}
    context = {
        "section": "check_ins",
        "own_search": True,
        "rows": [shown(row, now) for row in page.rows],
        "states": [(one.value, badge.word) for one, badge in STATE_CHOICES],
        "query": {"state": state, "q": search},
        "filtered": bool(filters),
        "filter_words": ", ".join(
            ([f"“{search}”"] if search else []) + ([str(STATE[state].word)] if state else [])
        ),
        "older": urlencode({**filters, "after": page.next_after}) if page.next_after else None,
        "newest": urlencode(filters) if after else None,
    }
    return render(request, "pages/check_ins.html", context)


STATE_CHOICES = [(one, STATE[one]) for one in CheckInState]


def shown(row: CheckIn, now: datetime) -> Shown:
    """Return a check-in as pages show it."""
    when = (
        _("every %s") % formats.setting(row.period_seconds)
        if row.period_seconds is not None
        else _in_words(row)
    )
    return Shown(
        row=row,
        badge=STATE[row.standing.state(now)],
        when=when,
        grace=formats.setting(row.grace_seconds),
        paused=row.paused_at is not None,
    )


def _in_words(row: CheckIn) -> str:
    rule = Schedule(kind=ScheduleKind.CRON, expression=row.expression, timezone=row.timezone)
    return f"{schedules.words([rule])} ({row.expression}, {row.timezone})"


@guard.page()
def check_in_page(request: AuthedRequest, check_in_id: int) -> HttpResponse:
    """Show one check-in: its state, how it is called, and what it reported."""
    row = get_check_in(check_in_id)
    after = page_mark(request, "after")
    page = reports_of(row, after=after)
    context = {
        "section": "check_ins",
        "one": shown(row, timezone.now()),
        "address": (address := _address(request, row)),
        "command": _commands(address),
        "reports": [_report(one) for one in page.rows],
        "older": f"after={page.next_after}" if page.next_after else None,
        "newest": "" if after else None,
    }
    return render(request, "pages/check_in.html", context)


def _commands(address: str) -> str:
    """Return how a shell calls it: comments in words, commands ready to copy."""
    return "\n".join(
        (
            "# " + _("When it begins; its end must follow within the grace period"),
            f"curl -fsS -m 10 --retry 5 -o /dev/null {address}/start",
            "# "
            + _("When it has succeeded; with /fail it has failed, with /<number> by its exit code"),
            f"curl -fsS -m 10 --retry 5 -o /dev/null {address}",
            "# " + _("Both at once, with what the job printed"),
            "out=$(my-job 2>&1); code=$?",
            'printf %s "$out" | tail -c 10000 |',
            f"  curl -fsS -m 10 --retry 5 -o /dev/null --data-binary @- {address}/$code",
        )
    )


def _report(row: CheckInReport) -> dict[str, object]:
    failed = row.signal == Signal.FAIL
    return {"row": row, "word": SIGNAL.get(row.signal, row.signal), "failed": failed}


def _address(request: AuthedRequest, row: CheckIn) -> str:
    """Return the whole address for who may change it; nothing for others, or when it is sealed."""
    if not request.actor.may(Permission.EDIT):
        return ""
    try:
        key = check_ins.key_of(row, actor=request.actor)
    except SealedError:
        return ""
    return request.build_absolute_uri(reverse("ping", args=[key]))


@guard.form(Permission.EDIT)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the form of a new check-in; make it."""
    if request.method != "POST":
        return _form(request, drafts.empty(request.viewer.zone), None)
    values = drafts.typed(request.POST.dict())
    try:
        made, _key = check_ins.create(drafts.definition(values), actor=request.actor)
    except (InvalidError, ConflictError, UnknownError) as error:
        return _form(request, values, None, errors=_by_field(error), status=422)
    return _done(request, _("Created %s.") % made.name, made, icon="plus")


@guard.form(Permission.EDIT)
def edit(request: AuthedRequest, check_in_id: int) -> HttpResponse:
    """Show the form of a check-in; save it."""
    row = get_check_in(check_in_id)
    if request.method != "POST":
        return _form(request, drafts.of(row), row)
    values = drafts.typed(request.POST.dict())
    try:
        saved = check_ins.update(check_in_id, drafts.definition(values), actor=request.actor)
    except (InvalidError, ConflictError, UnknownError) as error:
        return _form(request, values, row, errors=_by_field(error), status=422)
    return _done(request, _("Saved %s.") % saved.name, saved, icon="pencil")


def _by_field(error: InvalidError | ConflictError | UnknownError) -> Mapping[str, str]:
    where = "workspace" if isinstance(error, UnknownError) else ""
    return error.fields or {where: error.message}


def _form(
    request: AuthedRequest,
    values: Mapping[str, str],
    row: CheckIn | None,
    *,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    form = drafts.form_of(values, errors or {})
    context = {"section": "check_ins", "check_in": row, "form": form}
    return render(request, "pages/check_in_form.html", context, status=status)


def _done(request: AuthedRequest, text: str, row: CheckIn, *, icon: str) -> HttpResponse:
    url = reverse("check_in", args=[row.pk])
    return toast_on_page(request, Toast(text=text, icon=icon), url=url)


@guard.action(Permission.PAUSE)
def pause(request: AuthedRequest, check_in_id: int) -> HttpResponse:
    """Await nothing for now."""
    row = check_ins.pause(check_in_id, actor=request.actor)
    return _acted(request, row, _("Paused %s. Nothing is awaited.") % row.name)


@guard.action(Permission.PAUSE)
def resume(request: AuthedRequest, check_in_id: int) -> HttpResponse:
    """Await reports again."""
    row = check_ins.resume(check_in_id, actor=request.actor)
    return _acted(request, row, _("Resumed %s.") % row.name)


@guard.action(Permission.EDIT)
def rotate(request: AuthedRequest, check_in_id: int) -> HttpResponse:
    """Give it another key."""
    check_ins.rotate_key(check_in_id, actor=request.actor)
    row = get_check_in(check_in_id)
    return _done(request, _("%s has another address now.") % row.name, row, icon="lock")


def _acted(request: AuthedRequest, row: CheckIn, text: str) -> HttpResponse:
    url = reverse("check_in", args=[row.pk])
    return toast_or_redirect(request, Toast(text=text, icon="circle-check"), default=url)


@guard.form(Permission.EDIT)
def delete(request: AuthedRequest, check_in_id: int) -> HttpResponse:
    """Ask, and delete."""
    return _delete(request, check_in_id, "pages/confirm.html")


@guard.form(Permission.EDIT)
def delete_dialog(request: AuthedRequest, check_in_id: int) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _delete(request, check_in_id, "partials/confirm_dialog.html")


def _delete(request: AuthedRequest, check_in_id: int, template: str) -> HttpResponse:
    row = get_check_in(check_in_id)
    if request.method == "POST":
        check_ins.delete(check_in_id, actor=request.actor)
        toast = Toast(text=_("Deleted %s.") % row.name, icon="trash-2")
        return toast_on_page(request, toast, url=reverse("check_ins"))
    fact = _("What still reports there is answered that nothing is known of it.")
    confirm = Confirm(
        title=_("Delete %s?") % row.name,
        facts=[Fact("octagon-alert", fact)],
        url=reverse("check_in_delete", args=[row.pk]),
        partial_url=reverse("p_check_in_delete", args=[row.pk]),
        back_url=reverse("check_in", args=[row.pk]),
        keep=_("Keep check-in"),
        verb=_("Delete check-in"),
    )
    return render(request, template, {"section": "check_ins", "confirm": confirm})
