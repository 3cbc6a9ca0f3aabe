"""Backfills: the form with its list, a job's backfills, and one of them with its due times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.backfill import estimated_end
from jobs.domain.errors import ConflictError, InvalidError, JobdeckError, UnprocessableError
from jobs.domain.permissions import Permission
from jobs.domain.states import BackfillState, JobState, Overlap
from jobs.models import Backfill, Job
from jobs.queries.backfills import (
    ITEM_STATES,
    PAGE_SIZE,
    Progress,
    backfills_of,
    freeze_over,
    get_backfill,
    items_of,
    likely_end,
    obstacle_of,
    progress_of,
)
from jobs.queries.jobs import get_job
from jobs.services import backfills
from jobs.services.backfill_due import DueTime, Listing, what_now
from jobs.services.backfill_requests import BackfillRequest
from jobs.web import backfill_form as forms
from jobs.web import backfill_words as words
from jobs.web import figures, formats, guard
from jobs.web.confirm import Fact
from jobs.web.http import AuthedRequest, SeeOther, small_number, toast_on_page
from jobs.web.live import region, tag_of
from jobs.web.toasts import Toast
from jobs.web.words import OVERLAP

_TOPICS = ("jobs", "executions")


@guard.form(Permission.EXECUTE)
def new(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show the form, then the list of what would run; start the backfill."""
    job = get_job(job_id)
    if job.deleted_at:
        return SeeOther(reverse("job", args=[job.pk]))
    if request.method == "POST":
        return _start(request, job)
    if "from" not in request.GET:
        form = forms.empty(request.viewer.zone, timezone.now(), since=job.created_at)
        return _page(request, job, form)
    return _listed(request, job, request.GET.dict())


def _start(request: AuthedRequest, job: Job) -> HttpResponse:
    given = request.POST.dict()
    try:
        started = backfills.create(
            job.pk,
            forms.request_of(given),
            actor=request.actor,
            expected=small_number(given.get("expected", "")),
        )
    except (InvalidError, ConflictError, UnprocessableError) as error:
        return _listed(request, job, given, error=error)
    text = _("Started backfill #%d.") if started.created else _("Backfill #%d goes on already.")
    url = reverse("backfill", args=[started.backfill.pk])
    return toast_on_page(request, Toast(text=text % started.backfill.pk, icon="history"), url=url)


def _listed(
    request: AuthedRequest, job: Job, given: Mapping[str, str], error: JobdeckError | None = None
) -> HttpResponse:
    """Show the form with what was given, and the list where it is right."""
    form = forms.filled(given, request.viewer.zone)
    try:
        asked = forms.request_of(given)
        listing = backfills.preview(job.pk, asked, actor=request.actor)
    except InvalidError as wrong:
        problem = forms.add_errors(form, wrong)
        return _page(request, job, form, problem=problem, status=422)
    context = {"preview": _preview(job, asked, listing, _page_number(given))}
    status = 200 if error is None else guard.status_of(error)
    problem = "" if error is None else error.message
    return _page(request, job, form, problem=problem, status=status, **context)


def _page(
    request: AuthedRequest,
    job: Job,
    form: forms.BackfillForm,
    *,
    problem: str = "",
    status: int = 200,
    **context: object,
) -> HttpResponse:
    context = {"section": "jobs", "job": job, "form": form, "problem": problem, **context}
    return render(request, "pages/backfill_form.html", context, status=status)


def _page_number(given: Mapping[str, str]) -> int:
    text = given.get("page", "")
    return max(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _preview(job: Job, asked: BackfillRequest, listing: Listing, page: int) -> dict[str, object]:
    """Return the list of what would run, one page of it, with the consequences."""
    begin = (page - 1) * PAGE_SIZE
    values = forms.values_of(asked, listing.end)
    count = len(listing.items)
    return {
        "count": count,
        "listing": listing,
        "nothing": "" if count else backfills.nothing_to_run(listing, asked),
        "rows": [_row(item) for item in listing.items[begin : begin + PAGE_SIZE]],
        "first": begin + 1,
        "last": min(begin + PAGE_SIZE, count),
        "counts": [(words.now_badge(word), n) for word, n in listing.counts.items()],
        "facts": _consequences(job, asked, listing) if count else [],
        "values": values,
        "newer": forms.query_of(values, page=page - 1) if page > 1 else None,
        "older": forms.query_of(values, page=page + 1) if begin + PAGE_SIZE < count else None,
    }


def _row(item: DueTime) -> dict[str, object]:
    return {
        "due_at": item.due_at,
        "badge": words.now_badge(what_now(item.record)),
        "execution_id": item.record.execution_id,
    }


def _consequences(job: Job, asked: BackfillRequest, listing: Listing) -> list[Fact]:
    """Say what will be true when it is started."""
    abreast = _abreast(job, asked.max_parallel)
    facts = [
        Fact("file-code", _("Each run uses the present version, %d, of the job.") % job.version),
        Fact("play", _how_many(abreast)),
    ]
    if job.overlap != Overlap.ALLOW and job.state == JobState.ACTIVE:
        rule = _("What the schedule names while one of them runs goes by the rule of the job: %s.")
        facts.append(Fact("calendar-clock", rule % OVERLAP[job.overlap]))
    if job.state != JobState.ACTIVE:
        facts.append(Fact("circle-pause", _("The job is stopped and stays so.")))
    freeze = freeze_over(job, timezone.now())
    if freeze is not None:
        text = _("A freeze holds the job (%s): nothing starts before it ends.")
        facts.append(Fact("lock", text % freeze.reason))
    if job.auto_disable_after and job.state == JobState.ACTIVE:
        text = _("Failures count: %d in a row disable the schedules of the job.")
        facts.append(Fact("unplug", text % job.auto_disable_after))
    seconds = _likely_seconds(job, asked, len(listing.items), abreast)
    if seconds:
        text = _("It will take about %s, as the last run did and with this pace.")
        facts.append(Fact("history", text % formats.span(seconds)))
    return facts


def _how_many(abreast: int) -> str:
    if abreast == 1:
        return _("One at a time, and never beside another run of the job.")
    return _("Up to %d at a time, as far as the limit of the job leaves room.") % abreast


def _abreast(job: Job, most: int) -> int:
    return min(most, job.max_parallel) if job.overlap == Overlap.ALLOW else 1


def _likely_seconds(job: Job, asked: BackfillRequest, count: int, abreast: int) -> float:
    now = timezone.now()
    end = estimated_end(
        now,
        left=count,
        running=0,
        usual=timedelta(seconds=job.last_duration_seconds or 0),
        pace=timedelta(seconds=asked.pace_seconds),
        abreast=abreast,
    )
    return (end - now).total_seconds() if end else 0


@guard.page()
def job_backfills(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show a job's backfills."""
    now = timezone.now()
    job = get_job(job_id)
    context = {
        "section": "jobs",
        "tag": tag_of(*_TOPICS, now=now),
        **_table(request, job),
    }
    return render(request, "pages/backfills.html", context)


@guard.page()
def table_region(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Answer the poll of a job's backfills."""
    tag = tag_of(*_TOPICS, now=timezone.now())
    return region(
        request, "partials/backfill_table.html", tag, lambda: _table(request, get_job(job_id))
    )


def _table(request: AuthedRequest, job: Job) -> dict[str, object]:
    state = request.GET.get("state", "")
    state = state if state in words.STATE else ""
    before = _id(request.GET.get("before", ""))
    page = backfills_of(job.pk, state=state, before=before)
    return {
        "job": job,
        "rows": [_shown(row, progress) for row, progress in page.rows],
        "state": state,
        "before": before,
        "chips": [
            ("", _("All"), forms.query_of({})),
            *(
                (name, badge.word, forms.query_of({}, state=name))
                for name, badge in words.STATE.items()
            ),
        ],
        "query": forms.query_of({}, state=state),
        "older": forms.query_of({}, state=state, before=page.older) if page.older else None,
        "newest": forms.query_of({}, state=state) if before else None,
    }


def _shown(backfill: Backfill, progress: Progress) -> dict[str, object]:
    """Return what a list and the page's head show of a backfill."""
    share = progress.done / progress.total if progress.total else 1.0
    return {
        "backfill": backfill,
        "progress": progress,
        "badge": words.STATE[backfill.state],
        "chosen": words.CHOSEN[backfill.choice],
        "share": share,
        "bar": figures.progress(share),
    }


@guard.page()
def backfill_page(request: AuthedRequest, backfill_id: int) -> HttpResponse:
    """Show a backfill with its due times."""
    now = timezone.now()
    backfill = get_backfill(backfill_id)
    context = {
        "section": "jobs",
        "tag": tag_of(*_TOPICS, now=now),
        **_facts(backfill, now),
        **_items(request, backfill),
    }
    return render(request, "pages/backfill.html", context)


@guard.page()
def facts_region(request: AuthedRequest, backfill_id: int) -> HttpResponse:
    """Answer the poll of the head and the progress."""
    now = timezone.now()
    return region(
        request,
        "partials/backfill_facts.html",
        tag_of(*_TOPICS, now=now),
        lambda: _facts(get_backfill(backfill_id), now),
    )


@guard.page()
def items_region(request: AuthedRequest, backfill_id: int) -> HttpResponse:
    """Answer the poll of the due times."""
    tag = tag_of(*_TOPICS, now=timezone.now())

    def context() -> dict[str, object]:
        backfill = get_backfill(backfill_id)
        return {"live": _is_live(backfill), **_items(request, backfill)}

    return region(request, "partials/backfill_items.html", tag, context)


def _is_live(backfill: Backfill) -> bool:
    """Say whether anything can still change by itself."""
    return bool(backfill.finished_at is None or progress_of([backfill])[backfill.pk].live)


def _facts(backfill: Backfill, now: datetime) -> dict[str, object]:
    progress = progress_of([backfill])[backfill.pk]
    running = backfill.state == BackfillState.RUNNING
    return {
        **_shown(backfill, progress),
        "job": backfill.job,
        "running": running,
        "paused": backfill.state == BackfillState.PAUSED,
        "live": bool(backfill.finished_at is None or progress.live),
        "obstacle": obstacle_of(backfill, progress, now),
        "likely_end_at": likely_end(backfill, progress, now),
        "order": words.ORDER[backfill.order],
        "pace": forms.pace_words(backfill.pace_seconds),
        "abreast": _abreast(backfill.job, backfill.max_parallel),
    }


def _items(request: AuthedRequest, backfill: Backfill) -> dict[str, object]:
    state = request.GET.get("state", "")
    state = state if state in ITEM_STATES else ""
    after = _id(request.GET.get("after", ""))
    page = items_of(backfill, state=state, after=after)
    over = backfill.finished_at is not None
    return {
        "backfill": backfill,
        "job": backfill.job,
        "items": [
            (row, words.ITEM["dropped" if row.dropped else "gone" if over else "left"])
            for row in page.rows
        ],
        "chosen_state": state,
        "item_chips": [
            ("", _("All"), forms.query_of({})),
            *((name, words.GROUP[name], forms.query_of({}, state=name)) for name in ITEM_STATES),
        ],
        "item_query": forms.query_of({}, state=state, after=after),
        "older": forms.query_of({}, state=state, after=page.after) if page.after else None,
        "newest": forms.query_of({}, state=state) if after else None,
    }


def _id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 19 else None
