"""One job: its page and its live regions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from jobs.domain.disclosure import definition_for
from jobs.domain.planned import Plan
from jobs.domain.states import FAILURES, JobState
from jobs.models import Job
from jobs.queries.dependencies import tree_of
from jobs.queries.executions import ExecutionFilter, Sample, history, sample
from jobs.queries.jobs import get_job, job_row
from jobs.queries.variables import unknown_in
from jobs.services import previews
from jobs.services.firing import rules_of
from jobs.services.stored_definitions import definition_of
from jobs.web import after, charts, figures, formats, freezing, guard, plans, rows, schedules, words
from jobs.web.filters import execution_filter, query_of
from jobs.web.http import AuthedRequest
from jobs.web.live import region, tag_of
from jobs.web.views.breakers import of_job
from jobs.web.views.files import note_of

HISTORY = 25
MOST_UPSTREAMS = 50
_TOPICS = ("jobs", "executions")


@guard.page()
def job_page(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show a job; a deleted one keeps its page."""
    now = timezone.now()
    job = get_job(job_id)
    found = sample(job.pk)
    context = {
        "section": "jobs",
        "tag": tag_of(*_TOPICS, now=now),
        **_header(request, job, now),
        **_stats(job, found),
        **_next(job, now),
        **_history(request, job),
        **_configuration(request, job),
        **note_of(job),
        "breaker": of_job(job, now),
        **_dependencies(request, job),
    }
    return render(request, "pages/job.html", context)


@guard.page()
def header_region(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Answer the header's poll."""
    now = timezone.now()
    tag = tag_of(*_TOPICS, now=now)
    return region(
        request, "partials/job_header.html", tag, lambda: _header(request, get_job(job_id), now)
    )


@guard.page()
def stats_region(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Answer the poll of the figures."""
    tag = tag_of(*_TOPICS, now=timezone.now())
    return region(
        request,
        "partials/job_stats.html",
        tag,
        lambda: _stats(get_job(job_id), sample(job_id)),
    )


@guard.page()
def next_region(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Answer the poll of the next runs."""
    now = timezone.now()
    tag = tag_of(*_TOPICS, now=now)
    return region(
        request,
        "partials/next_runs.html",
        tag,
        lambda: _next(get_job(job_id), now),
    )


@guard.page()
def dependencies_region(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Answer the poll of what the job waits for, and of what waits for it."""
    tag = tag_of(*_TOPICS, now=timezone.now())
    return region(
        request,
        "partials/job_dependencies.html",
        tag,
        lambda: _dependencies(request, get_job(job_id)),
    )


@guard.page()
def history_region(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Answer the poll of the history."""
    tag = tag_of(*_TOPICS, now=timezone.now())
    return region(
        request, "partials/job_history.html", tag, lambda: _history(request, get_job(job_id))
    )


def _header(request: AuthedRequest, job: Job, now: datetime) -> dict[str, object]:
    row = rows.shown(job_row(job, now), freezing.open_ones(request, now))
    failed = job.last_state in FAILURES  # a run that was killed since then has no error of its own
    return {"job": job, "row": row, "now": now, "error": job.last_error if failed else ""}


def _stats(job: Job, found: Sample) -> dict[str, object]:
    runs = [
        charts.Run(
            state=run.state,
            seconds=run.duration.total_seconds() if run.duration else 0,
            started_at=run.started_at,
        )
        for run in found.rows
    ]
    label = ngettext("Duration of the last run", "Duration of the last %(n)s runs", len(runs)) % {
        "n": len(runs)
    }
    outcome = charts.counted(run.state for run in runs)
    usual = _("median %(median)s, 95th percentile %(p95)s") % {
        "median": formats.duration(found.median_seconds),
        "p95": formats.duration(found.p95_seconds),
    }
    return {
        "job": job,
        "sample": found,
        "chart": figures.durations(runs, label=f"{label}: {outcome}, {usual}"),
        "highest": max((run.seconds for run in runs), default=0),
    }


def _next(job: Job, now: datetime) -> dict[str, object]:
    rules = rules_of(job.schedules.all())
    waits = job.counts_from_end and job.live_count > 0
    stopped = job.state != JobState.ACTIVE or job.deleted_at or waits
    plan = Plan() if stopped else previews.next_runs(job, now=now, count=plans.SHOWN)
    return {
        "job": job,
        "rules": [(schedules.words([rule]), schedules.written([rule])) for rule in rules],
        "plan": plans.shown(plan),
        "zone": next((rule.timezone for rule in rules), ""),
        "waits": waits,
        "after": after.of_job(job, shown=MOST_UPSTREAMS),
        "lacking": _lacking(job),
        "looked_at": now,
    }


def _lacking(job: Job) -> list[str]:
    """Return the jobs whose endings are still waited for, where some have come."""
    waits = after.rows_of(job)
    open_ones = [row.upstream.name for row in waits if row.met_by_execution_id is None]
    return open_ones if len(open_ones) < len(waits) else []


def _dependencies(request: AuthedRequest, job: Job) -> dict[str, object]:
    tree = tree_of(job, seen_by=request.actor)
    return {
        "job": job,
        "upstream": after.above(tree),
        "downstream": after.below(tree),
    }


def _history(request: AuthedRequest, job: Job) -> dict[str, object]:
    given = execution_filter(request)
    chosen = ExecutionFilter(job=job.pk, result=given.result, before=given.before)
    page = history(job, chosen, size=HISTORY)

    def query(**changes: object) -> str:
        return query_of(chosen, job=None, **changes)

    return {
        "job": job,
        "history": page,
        "chosen": chosen,
        "chips": [
            ("", _("All"), query(result="", before=None)),
            *(
                (result, words.RESULT[result], query(result=result, before=None))
                for result in ("failed", "skipped")
            ),
        ],
        "history_query": query(),
        "older": query(before=page.older) if page.older else None,
        "newest": query(before=None) if chosen.before else None,
    }


def _configuration(request: AuthedRequest, job: Job) -> dict[str, Any]:
    definition = definition_of(job)
    return {
        "definition": definition_for(request.actor, definition),
        "unknown": [one.name for one in unknown_in(definition, job.pk)],
        "overlap": words.OVERLAP[job.overlap],
        "misfire": words.MISFIRE[job.misfire],
        "retry": words.RETRY[job.retry_kind],
    }
