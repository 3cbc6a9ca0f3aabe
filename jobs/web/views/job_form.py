"""New job and edit: the form, its preview while somebody types, and saving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import ValidationError

from jobs.domain.errors import ConflictError, DuplicateError, InvalidError, JobdeckError
from jobs.domain.permissions import Permission
from jobs.domain.schedule import Schedule
from jobs.domain.zones import zone_names
from jobs.models import Job
from jobs.queries.jobs import get_job
from jobs.services import jobs as job_services
from jobs.services.definitions import ScheduleDefinition, definition_of, parse_definition
from jobs.services.problems import invalid_from
from jobs.web import draft as drafts
from jobs.web import guard, schedules, words
from jobs.web.draft import Draft
from jobs.web.http import AuthedRequest, SeeOther, toast_on_page
from jobs.web.plans import clock_changes, planned
from jobs.web.toasts import Toast

_TYPES = {
    "script": ("file-code", gettext_lazy("A shell script")),
    "command": ("terminal", gettext_lazy("One command line")),
}


@guard.form(Permission.EDIT)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the empty form, or a copy of a job; create the job."""
    if request.method == "POST":
        return _posted(request, None)
    copied = request.GET.get("copy", "")
    if copied.isascii() and copied.isdigit() and len(copied) < 19:
        draft = drafts.from_definition(definition_of(get_job(int(copied))), version=0)
        draft.values["name"] = ""
    else:
        draft = drafts.empty(request.viewer.zone)
    return _page(request, draft, None)


@guard.form(Permission.EDIT)
def edit(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show the form of a job; save it."""
    job = get_job(job_id)
    if job.deleted_at:
        return SeeOther(reverse("job", args=[job.pk]))
    if request.method == "POST":
        return _posted(request, job)
    return _page(request, drafts.from_definition(definition_of(job), version=job.version), job)


def _posted(request: AuthedRequest, job: Job | None) -> HttpResponse:
    draft = drafts.from_post(request.POST.dict())
    wanted = request.POST.get("do", "save")
    if _changed_rows(draft, wanted, request.viewer.zone):
        return _page(request, draft, job)
    if wanted == "preview":
        return _page(request, draft, job, errors=_errors(draft))
    try:
        return _saved(request, draft, job, paused=wanted == "save_paused")
    except JobdeckError as error:
        if not isinstance(error, (InvalidError, ConflictError)):
            raise
        return _page(request, draft, job, errors=_by_field(error), status=_status(error))


def _changed_rows(draft: Draft, wanted: str, zone: str) -> bool:
    """Add or remove a row; say whether that was asked for."""
    verb, __, which = wanted.partition(":")
    if verb == "add_schedule":
        draft.schedules.append(drafts.new_schedule(zone))
    elif verb == "add_variable":
        draft.variables.append(drafts.new_variable())
    elif verb == "remove_schedule":
        _remove(draft.schedules, which)
    elif verb == "remove_variable":
        _remove(draft.variables, which)
    else:
        return False
    return True


def _remove(rows: list[drafts.Values], which: str) -> None:
    if which.isascii() and which.isdigit() and int(which) < len(rows):
        del rows[int(which)]


def _saved(request: AuthedRequest, draft: Draft, job: Job | None, *, paused: bool) -> HttpResponse:
    doubled = draft.doubled()
    if doubled:
        raise InvalidError(" ".join(doubled.values()), fields=doubled)
    data = draft.definition()
    if job is None:
        saved = job_services.create(parse_definition(data), actor=request.actor, paused=paused)
        text = _("Created %s, paused.") if paused else _("Created %s.")
    else:
        saved = job_services.update(
            job.pk, data, actor=request.actor, expected_version=draft.version or None
        )
        text = _("Saved %s.") if saved.version != draft.version else _("%s has no change to save.")
    return toast_on_page(
        request, Toast(text=text % saved.name), url=reverse("job", args=[saved.pk])
    )


def _errors(draft: Draft) -> dict[str, str]:
    try:
        parse_definition(draft.definition())
    except InvalidError as error:
        return {**_by_field(error), **draft.doubled()}
    return draft.doubled()


def _by_field(error: JobdeckError) -> dict[str, str]:
    return error.fields or {"": error.message}


def _status(error: JobdeckError) -> int:
    """Return 409 for what another person's doing prevents, 422 for what was typed."""
    conflict = isinstance(error, ConflictError) and not isinstance(error, DuplicateError)
    return 409 if conflict else 422


def _page(
    request: AuthedRequest,
    draft: Draft,
    job: Job | None,
    *,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    forms = drafts.forms_of(draft, errors or {})
    context = {
        "section": "jobs" if job else "new",
        "job": job,
        "forms": forms,
        "rows": list(zip(forms.schedules, _previews(draft, job), strict=True)),
        "version": draft.version,
        "types": [
            (name, words.JOB_TYPE[name], symbol, text) for name, (symbol, text) in _TYPES.items()
        ],
        "chosen_type": draft.values["type"],
        "zones": sorted(zone_names()),
        "preview": _preview(draft, job),
        "action": reverse("job_edit", args=[job.pk]) if job else reverse("job_new"),
    }
    return render(request, "pages/job_form.html", context, status=status)


@guard.action(Permission.EDIT)
def preview(request: AuthedRequest) -> HttpResponse:
    """Answer while somebody types: each schedule in words, and the next runs of all."""
    draft = drafts.from_post(request.POST.dict())
    job = _edited(request)
    context = {"rows": _previews(draft, job), "preview": _preview(draft, job)}
    return render(request, "partials/schedule_preview.html", context)


def _edited(request: HttpRequest) -> Job | None:
    value = request.POST.get("job", "")
    known = value.isascii() and value.isdigit() and len(value) < 19
    return get_job(int(value)) if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPreview:
    """One schedule row in words, or why it is none."""

    words: str = ""
    error: str = ""
    rule: Schedule | None = None


def _previews(draft: Draft, job: Job | None) -> list[RowPreview]:
    """Return each row in words; an interval that stays as it was keeps its grid, as on saving."""
    now = timezone.now()
    stored = job.schedules.all() if job else []
    origins = {job_services.rule_key(row): row.anchor_at for row in stored}
    return [_row_preview(row, origins, now) for row in draft.schedules]


def _row_preview(
    row: drafts.Values, origins: Mapping[tuple[object, ...], datetime | None], now: datetime
) -> RowPreview:
    if drafts.is_blank(row):
        return RowPreview()
    try:
        parsed = ScheduleDefinition.model_validate(drafts.schedule_data(row))
    except ValidationError as error:
        return RowPreview(error=" ".join(invalid_from(error).fields.values()))
    key = (parsed.kind, parsed.seconds, parsed.anchor, parsed.timezone)
    rule = parsed.rule(anchor_at=origins.get(key, now))
    return RowPreview(words=schedules.words([rule]), rule=rule)


def _preview(draft: Draft, job: Job | None) -> dict[str, object]:
    now = timezone.now()
    rows = _previews(draft, job)
    rules = [row.rule for row in rows if row.rule is not None]
    return {
        "words": schedules.words(rules, shown=len(rules)) if rules else "",
        "zones": sorted({rule.timezone for rule in rules}),
        "zone": rules[0].timezone if rules else "",
        "plan": planned(rules, now=now, last_finished_at=job.last_finished_at if job else None),
        "changes": clock_changes(rules, now),
        "left_out": [number for number, row in enumerate(rows, start=1) if row.error],
    }
