"""Calendars: their list, the page of one, the form with its preview, and deleting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.calendar_text import text_of
from jobs.domain.calendars import parse_windows
from jobs.domain.errors import ConflictError, DuplicateError, InvalidError, JobdeckError
from jobs.domain.permissions import Permission
from jobs.domain.zones import zone_names
from jobs.models import Calendar
from jobs.queries.calendars import get_calendar, list_calendars
from jobs.queries.holds import rule_of
from jobs.services import calendars
from jobs.services.calendar_import import read_ics
from jobs.services.calendars import parse_calendar
from jobs.services.ical import MAX_BYTES
from jobs.web import calendar_forms as drafts
from jobs.web import calendars as shown_calendars
from jobs.web import guard
from jobs.web.calendar_forms import CalendarDraft
from jobs.web.confirm import Confirm, Fact
from jobs.web.filters import page_mark
from jobs.web.http import AuthedRequest, toast_on_page
from jobs.web.toasts import Toast

PAGE_SIZE = 25
_JOBS_SHOWN = 50


@guard.page()
def calendar_list(request: AuthedRequest) -> HttpResponse:
    """Show the calendars, filtered by a part of their name."""
    search = request.GET.get("q", "").replace("\0", "").strip()[:200]
    after = page_mark(request, "after")
    page = list_calendars(search=search, after=after, limit=PAGE_SIZE)
    query = {"q": search} if search else {}
    context = {
        "section": "calendars",
        "own_search": True,
        "search": search,
        "rows": shown_calendars.shown(page.rows, timezone.now()),
        "older": urlencode({**query, "after": page.next_after}) if page.next_after else None,
        "newest": urlencode(query) if after else None,
    }
    return render(request, "pages/calendars.html", context)


@guard.page()
def calendar_page(request: AuthedRequest, calendar_id: int) -> HttpResponse:
    """Show one calendar: what it holds back next, and which jobs name it."""
    row = get_calendar(calendar_id)
    now = timezone.now()
    jobs = row.jobs.present().order_by("name").values_list("pk", "name")
    context = {
        "section": "calendars",
        "one": shown_calendars.shown([row], now)[0],
        "spans": shown_calendars.next_stretches(rule_of(row), now),
        "zone": row.timezone,
        "lines": text_of(parse_windows(row.windows)),
        "jobs": jobs[:_JOBS_SHOWN],
    }
    return render(request, "pages/calendar.html", context)


@guard.form(Permission.EDIT)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the form of a new calendar; create it."""
    if request.method == "POST":
        return _posted(request, None)
    return _form(request, drafts.empty(request.viewer.zone), None)


@guard.form(Permission.EDIT)
def edit(request: AuthedRequest, calendar_id: int) -> HttpResponse:
    """Show the form of a calendar; save it."""
    row = get_calendar(calendar_id)
    if request.method == "POST":
        return _posted(request, row)
    return _form(request, drafts.of(row), row)


def _posted(request: AuthedRequest, row: Calendar | None) -> HttpResponse:
    draft = drafts.from_post(request.POST.dict())
    wanted = request.POST.get("do", "save")
    try:
        if wanted == "read":
            draft = _read(request.FILES.get("file"), draft)
        if wanted != "save":
            return _form(request, draft, row)
        return _saved(request, draft, row)
    except (InvalidError, ConflictError) as error:
        taken = isinstance(error, DuplicateError)
        status = 409 if isinstance(error, ConflictError) and not taken else 422
        return _form(request, draft, row, errors=_by_field(error), status=status)


def _read(upload: UploadedFile[bytes] | None, draft: CalendarDraft) -> CalendarDraft:
    """Return the draft with the windows of an uploaded file."""
    if upload is None:
        sentence = _("Choose a file first.")
        raise InvalidError(sentence, fields={"file": sentence})
    # One byte more than allowed is enough to be refused.
    content = upload.read(MAX_BYTES + 1)
    found = read_ics(content, timezone=draft.values["timezone"], now=timezone.now())
    lines = text_of(parse_windows(found.windows))
    values = {**draft.values, "windows": lines}
    return replace(draft, values=values, expanded_until=found.expanded_until)


def _saved(request: AuthedRequest, draft: CalendarDraft, row: Calendar | None) -> HttpResponse:
    definition = draft.definition()
    if row is None:
        saved = calendars.create(
            parse_calendar(definition), actor=request.actor, expanded_until=draft.expanded_until
        )
        text = _("Created %s. It holds nothing back until a job names it.")
    else:
        saved = calendars.update(
            row.pk,
            definition,
            actor=request.actor,
            expected_version=draft.version or None,
            expanded_until=draft.expanded_until,
        )
        text = _("Saved %s.") if saved.version != draft.version else _("%s has no change to save.")
    return toast_on_page(
        request, Toast(text=text % saved.name), url=reverse("calendar", args=[saved.pk])
    )


@guard.action(Permission.EDIT)
def preview(request: AuthedRequest) -> HttpResponse:
    """Answer while somebody types: the calendar in words, and what it holds back next."""
    draft = drafts.from_post(request.POST.dict())
    return render(request, "partials/calendar_preview.html", _preview(draft, timezone.now()))


def _preview(draft: CalendarDraft, now: datetime) -> dict[str, object]:
    try:
        # The name is nothing to look at yet.
        definition = parse_calendar({**draft.definition(), "name": "preview"})
    except InvalidError as error:
        return {"wrong": list(_by_field(error).values())}
    return dict(shown_calendars.preview_of(definition, now))


def _by_field(error: JobdeckError) -> dict[str, str]:
    return error.fields or {"": error.message}


def _form(
    request: AuthedRequest,
    draft: CalendarDraft,
    row: Calendar | None,
    *,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "section": "calendars",
        "calendar": row,
        "draft": draft,
        "form": drafts.form_of(draft, errors or {}),
        "zones": sorted(zone_names()),
        **_preview(draft, timezone.now()),
    }
    return render(request, "pages/calendar_form.html", context, status=status)


@guard.form(Permission.EDIT)
def delete(request: AuthedRequest, calendar_id: int) -> HttpResponse:
    """Ask, and delete."""
    return _delete(request, calendar_id, "pages/confirm.html")


@guard.form(Permission.EDIT)
def delete_dialog(request: AuthedRequest, calendar_id: int) -> HttpResponse:
    """Do the same in a dialog over the page."""
    return _delete(request, calendar_id, "partials/confirm_dialog.html")


def _delete(request: AuthedRequest, calendar_id: int, template: str) -> HttpResponse:
    row = get_calendar(calendar_id)
    if request.method == "POST":
        calendars.delete(calendar_id, actor=request.actor)
        toast = Toast(text=_("Deleted %s.") % row.name, icon="trash-2")
        return toast_on_page(request, toast, url=reverse("calendars"))
    context = {"section": "calendars", "confirm": _question(row)}
    return render(request, template, context)


def _question(row: Calendar) -> Confirm:
    jobs = shown_calendars.shown([row], timezone.now())[0].jobs
    fact = (
        _("Jobs still name it: it cannot be deleted until it is taken from them.")
        if jobs
        else _("No job names it. The ledger keeps what it has held back.")
    )
    return Confirm(
        title=_("Delete %s?") % row.name,
        facts=[Fact("calendar-off", fact)],
        url=reverse("calendar_delete", args=[row.pk]),
        partial_url=reverse("p_calendar_delete", args=[row.pk]),
        back_url=reverse("calendar", args=[row.pk]),
        keep=_("Keep calendar"),
        verb=_("Delete calendar"),
    )
