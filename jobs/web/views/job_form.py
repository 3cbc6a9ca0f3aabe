"""New job and edit: the form, its preview while somebody types, and saving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from jobs.domain.clock_changes import AHEAD
from jobs.domain.errors import (
    ConflictError,
    DuplicateError,
    InvalidError,
    JobdeckError,
    StaleError,
    StateError,
)
from jobs.domain.permissions import Permission, require, require_somewhere
from jobs.domain.said import said, spoken, told
from jobs.domain.zones import zone_names
from jobs.executors import EXECUTORS
from jobs.models import Calendar, Job
from jobs.queries.alerts import channel_names
from jobs.queries.breakers import shared_names
from jobs.queries.holds import workspace_mark
from jobs.queries.jobs import get_job, job_names, name_of_copy
from jobs.queries.planning import HeldBack
from jobs.queries.templates import template_names
from jobs.queries.workspaces import workspace_names
from jobs.registry import REGISTRY
from jobs.services import jobs as job_services
from jobs.services import judging, previews, triggers
from jobs.services.previews import Entry, Timetable
from jobs.services.stale import own_changes
from jobs.services.stored_definitions import definition_of
from jobs.web import (
    after,
    differences,
    draft_schedules,
    guard,
    kind_words,
    load_words,
    plans,
    registering_words,
    schedules,
    words,
)
from jobs.web import draft as drafts
from jobs.web.draft import Draft
from jobs.web.draft_failures import causes
from jobs.web.draft_forms import forms_of
from jobs.web.http import AuthedRequest, SeeOther, small_number, toast_on_page
from jobs.web.toasts import Toast
from jobs.web.views.files import note_of

_SHOW = "show:"
_SAVE_OVER = "save_over:"
_TYPES = {
    "script": ("file-code", gettext_lazy("A shell script")),
    "command": ("terminal", gettext_lazy("One command line")),
    "http": ("download", gettext_lazy("A web address")),
    "python": ("file-code", gettext_lazy("A registered job class")),
    "management_command": ("terminal", gettext_lazy("One of Django's commands")),
    "registerCspResources": ("download", gettext_lazy("Resources of a cloud, by CB-Tumblebug")),
    "template": ("file-code", gettext_lazy("OpenTofu or Terraform")),
}


@guard.form(Permission.EDIT)
def new(request: AuthedRequest) -> HttpResponse:
    """Show the empty form, or a copy of a job; create the job."""
    if request.method == "POST":
        return _posted(request, None)
    copied = _job_named(request, request.GET.get("copy", ""))
    if copied is not None:
        draft = drafts.from_definition(_shown_definition(copied), version=0)
        draft.values["name"] = name_of_copy(copied.name, copied.workspace_id)
    else:
        draft = drafts.empty(request.viewer.zone)
        draft.values["workspace"] = request.GET.get("workspace", "").replace("\0", "")[:100]
    return _page(request, draft, None)


@guard.form(Permission.EDIT)
def edit(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show the form of a job; save it."""
    job = get_job(job_id)
    if job.deleted_at:
        return SeeOther(reverse("job", args=[job.pk]))
    if request.method == "POST":
        return _posted(request, job)
    return _page(request, drafts.from_definition(_shown_definition(job), version=job.version), job)


def _shown_definition(job: Job) -> dict[str, Any]:
    """Return a job's definition; StateError when it has more than a form can send."""
    definition = definition_of(job)
    if len(definition["environment"]) > drafts.MOST_VARIABLES:
        raise StateError(
            said(
                "{name} has more than {most} environment variables, which a form cannot hold. Change "
                "it through the API or jobctl.",
                name=job.name,
                most=drafts.MOST_VARIABLES,
            )
        )
    return definition


def _posted(request: AuthedRequest, job: Job | None) -> HttpResponse:
    draft = _typed(request)
    wanted = request.POST.get("do", "save")
    if _changed_rows(draft, wanted, request.viewer.zone):
        return _page(request, draft, job)
    if wanted == "preview" or wanted.startswith(_SHOW):
        return _page(request, draft, job, errors=_errors(request, draft, job))
    try:
        return _saved(request, draft, job, wanted)
    except StaleError as error:
        return _page(request, draft, job, stale=error, status=409)
    except JobdeckError as error:
        if not isinstance(error, (InvalidError, ConflictError)):
            raise
        return _page(request, draft, job, errors=_by_field(error), status=_status(error))


def _typed(request: AuthedRequest) -> Draft:
    causes = ",".join(request.POST.getlist("retry_on"))
    return drafts.from_post(
        {**request.POST.dict(), "retry_on": causes}, calendars=request.POST.getlist("calendars")
    )


def _changed_rows(draft: Draft, wanted: str, zone: str) -> bool:
    """Add or remove a row; say whether that was asked for."""
    verb, __, which = wanted.partition(":")
    if verb == "add_schedule":
        draft.schedules.append(draft_schedules.new_schedule(zone))
    elif verb == "add_variable":
        draft.variables.append(drafts.new_variable())
    elif verb == "add_after":
        draft.after.append(drafts.new_after())
    elif verb == "remove_after":
        _remove(draft.after, which)
    elif verb == "remove_schedule":
        _remove(draft.schedules, which)
    elif verb == "remove_variable":
        _remove(draft.variables, which)
    else:
        return False
    return True


def _remove(rows: list[draft_schedules.Values], which: str) -> None:
    number = small_number(which)
    if number is not None and number < len(rows):
        del rows[number]


def _saved(request: AuthedRequest, draft: Draft, job: Job | None, wanted: str) -> HttpResponse:
    run = wanted == "save_run"
    if run:
        _require_run(request, job)
    paused = wanted == "save_paused" or run
    if draft.unclear():
        wrong = _errors(request, draft, job)
        raise InvalidError(" ".join(wrong.values()), fields=wrong)
    data = _data(request, draft, job)
    if job is None:
        definition = judging.parse_new(data, actor=request.actor)
        saved = job_services.create(definition, actor=request.actor, paused=paused)
        text = _("Created %s, paused.") if paused else _("Created %s.")
    else:
        version = draft.version
        if wanted.startswith(_SAVE_OVER):
            # What the reader changed goes onto the version that the refusal has shown, no later one.
            data = own_changes(job, version, data)
            version = small_number(wanted.removeprefix(_SAVE_OVER)) or version
        saved = job_services.update(
            job.pk, data, actor=request.actor, expected_version=version or None
        )
        text = _("Saved %s.") if saved.version != draft.version else _("%s has no change to save.")
    if run:
        return _started(request, saved, text % saved.name)
    return toast_on_page(
        request, Toast(text=text % saved.name), url=reverse("job", args=[saved.pk])
    )


def _require_run(request: AuthedRequest, job: Job | None) -> None:
    """Refuse before anything is saved who may not run what the form is about."""
    if job is None:
        require_somewhere(request.actor, Permission.EXECUTE)
    else:
        require(request.actor, Permission.EXECUTE, job)


def _started(request: AuthedRequest, job: Job, done: str) -> HttpResponse:
    """Start one run of what was saved, and show it; what cannot start is told, the job stays saved."""
    key = request.POST.get("key", "")[:100]
    if key:  # a form that was gone back to and changed asks for another run
        key = f"{key}-{job.version}"
    try:
        run = triggers.trigger(job.pk, actor=request.actor, idempotency_key=key)
    except JobdeckError as error:
        if isinstance(error, InvalidError) and job.parameters:
            text = _("%s Fill in its parameters to run it.") % done
            url = reverse("job_run_with", args=[job.pk])
            return toast_on_page(request, Toast(text=text, kind="info"), url=url)
        text = _("%(said)s It was not started: %(why)s") % {
            "said": done,
            "why": spoken(error.message),
        }
        return toast_on_page(
            request, Toast(text=text, kind="bad"), url=reverse("job", args=[job.pk])
        )
    text = _("%s This run was started once.") % done
    return toast_on_page(
        request, Toast(text=text, icon="play"), url=reverse("execution", args=[run.pk])
    )


def _data(request: AuthedRequest, draft: Draft, job: Job | None) -> dict[str, Any]:
    """Return what was typed, with what the form does not show of the job or of that it copies."""
    model = job or _job_named(request, request.POST.get("copy", ""))
    data = draft.definition()
    return data if model is None else drafts.completed(data, definition_of(model))


def _errors(request: AuthedRequest, draft: Draft, job: Job | None) -> dict[str, str]:
    """Return all that saving would refuse, and what a definition could not tell."""
    wrong = judging.wrong_with(
        _data(request, draft, job),
        actor=request.actor,
        job=job,
        before=definition_of(job) if job else None,
    )
    return {**wrong, **draft.unclear()}


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
    stale: StaleError | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    forms = forms_of(draft, errors or {})
    rows = _previews(draft, job, now)
    context = {
        "section": "jobs" if job else "new",
        "job": job,
        "forms": forms,
        "rows": list(zip(forms.schedules, rows, strict=True)),
        "version": draft.version,
        "key": request.POST.get("key", "")[:100] or uuid4().hex,
        "stale": stale,
        "diff": [differences.row(one) for one in stale.diff] if stale else [],
        "types": _types(),
        "chosen_type": draft.values["type"],
        "registered": [one.job_id for one in REGISTRY],
        "templates": template_names(),
        "zones": sorted(zone_names()),
        "intervals": words.INTERVALS,
        "calendars": _calendars(draft),
        "causes": [(one, words.RETRY_CAUSE[one], on) for one, on in causes(draft.values)],
        "breakers": shared_names(),
        "channels": channel_names(),
        "workspaces": workspace_names(request.actor),
        "others": job_names(without=job.pk if job else None, seen_by=request.actor),
        "copied": _job_named(request, request.POST.get("copy", "") or request.GET.get("copy", "")),
        "preview": _preview(request, draft, job, rows, now),
        "action": reverse("job_edit", args=[job.pk]) if job else reverse("job_new"),
        **(note_of(job) if job else {}),
    }
    return render(request, "pages/job_form.html", context, status=status)


def _types() -> list[tuple[str, object, str, object]]:
    """Return every job type there is, also those of other packages, with word, icon and hint."""
    other = ("file-code", "")
    order = [*_TYPES, *(name for name in EXECUTORS if name not in _TYPES)]
    return [(name, words.JOB_TYPE.get(name, name), *_TYPES.get(name, other)) for name in order]


@guard.action(Permission.EDIT)
def preview(request: AuthedRequest) -> HttpResponse:
    """Answer while somebody types: each schedule in words, and the next runs of all."""
    now = timezone.now()
    draft, job = _typed(request), _job_named(request, request.POST.get("job", ""))
    rows = _previews(draft, job, now)
    context = {
        "job": job,
        "rows": rows,
        "preview": _preview(request, draft, job, rows, now),
        "action": reverse("job_edit", args=[job.pk]) if job else reverse("job_new"),
        **_still_wrong(request, draft, job),
    }
    return render(request, "partials/schedule_preview.html", context)


def _still_wrong(request: AuthedRequest, draft: Draft, job: Job | None) -> dict[str, object]:
    """Return what of a form that was refused is still wrong, so that a correction is seen at once."""
    if not request.POST.get("refused"):
        return {}
    problems = forms_of(draft, _errors(request, draft, job)).problems
    return {"refused": True, "problems": problems}


def _job_named(request: AuthedRequest, number: str) -> Job | None:
    """Return the job that a request means by its number; None for what is no number."""
    known = number.isascii() and number.isdigit() and len(number) < 19
    return get_job(int(number), seen_by=request.actor) if known else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowPreview:
    """One schedule row in words, or why it is none."""

    words: str = ""
    error: str = ""
    entry: Entry | None = None
    limit: str = ""


def _previews(draft: Draft, job: Job | None, now: datetime) -> list[RowPreview]:
    """Return each row in words; what stays as it was keeps its grid and its count, as on saving."""
    stored = previews.stored_of(job)
    return [_row_preview(row, stored, now) for row in draft.schedules]


def _row_preview(row: draft_schedules.Values, stored: previews.Stored, now: datetime) -> RowPreview:
    if draft_schedules.is_blank(row):
        return RowPreview()
    entry = previews.drafted(draft_schedules.schedule_data(row), now=now, stored=stored)
    if isinstance(entry, InvalidError):
        wrong = (draft_schedules.plainer(row, *one) for one in entry.fields.items())
        return RowPreview(error=told(wrong))
    text = schedules.words([entry.rule])
    if draft_schedules.names_place(row):
        text = _("%(words)s, in %(zone)s") % {"words": text, "zone": entry.rule.timezone}
    return RowPreview(words=text, entry=entry, limit=row["max_executions"])


def _preview(
    request: AuthedRequest,
    draft: Draft,
    job: Job | None,
    rows: list[RowPreview],
    now: datetime,
) -> dict[str, object]:
    numbers = [n for n, row in enumerate(rows, start=1) if row.entry is not None]
    table = _timetable(draft, job, rows)
    rules = table.rules
    plan = previews.ahead(table, now=now, count=_shown_runs(request))
    load = previews.load_of(table, plan, job=job, now=now)
    before = previews.stored_timetable(job) if job else None
    changing = table.ended(now, now + AHEAD)
    return {
        "words": schedules.words(rules, shown=len(rules)) if rules else "",
        "after": after.words_of(
            [
                (row["job"], row["on"])
                for row in draft.used_after()
                if row["on"] in words.DEPENDENCY
            ],
            shown=drafts.MOST_ROWS,
        ),
        "zones": sorted({rule.timezone for rule in rules}),
        "zone": rules[0].timezone if rules else "",
        "plan": plans.shown(plan),
        "shown": _shown_runs(request),
        "many": plans.MANY,
        "few": plans.SHOWN,
        "load": load_words.sentences(load, table, now),
        "fields": kind_words.fields_of(draft.values["type"]),
        "advice": registering_words.advice(
            draft.values["type"],
            draft.definition()["spec"],
            rules,
            job_id=job.pk if job else None,
        ),
        "changes": plans.clock_notes(changing, now, numbers=numbers),
        "steady": plans.steady_zones(rules, now),
        "late": any(rule.jitter_seconds or rule.spread_seconds for rule in rules),
        "diff": previews.edit_diff(before, table, now=now) if before else None,
        "days": previews.DIFF_DAYS,
        "left_out": [number for number, row in enumerate(rows, start=1) if row.error],
    }


def _timetable(draft: Draft, job: Job | None, rows: list[RowPreview]) -> Timetable:
    """Return what is typed as the dispatcher would see it; a calendar that is gone is told elsewhere."""
    calendars, _wrong = previews.known_calendars(draft.calendars)
    entries = [row.entry for row in rows if row.entry is not None]
    return previews.timetable_of(entries, HeldBack.of_draft(_marks(draft), calendars), job=job)


def _marks(draft: Draft) -> list[str]:
    """Return all by which a freeze may mean the job."""
    room = draft.values["workspace"].strip()
    return [*draft.tags, *([workspace_mark(room)] if room else [])]


def _shown_runs(request: AuthedRequest) -> int:
    """Return how many runs the reader wants to see: five, or fifty."""
    wanted = request.POST.get("do", "")
    text = wanted.removeprefix(_SHOW) if wanted.startswith(_SHOW) else request.POST.get("runs")
    text = text or request.GET.get("runs")
    return plans.MANY if text == str(plans.MANY) else plans.SHOWN


def _calendars(draft: Draft) -> list[tuple[str, bool]]:
    """Return every calendar's name, and whether the job names it."""
    chosen = {name.lower() for name in draft.calendars}
    known = list(Calendar.objects.values_list("name", flat=True))
    gone = [name for name in draft.calendars if name.lower() not in {k.lower() for k in known}]
    return [(name, name.lower() in chosen) for name in [*known, *gone]]
