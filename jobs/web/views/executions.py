"""Executions of all jobs, and one of them: what it does, printed and ended with."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from django.http import FileResponse, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.disclosure import definition_for
from jobs.domain.permissions import Permission, can
from jobs.domain.preferences import FilterPage
from jobs.domain.states import TERMINAL, Trigger
from jobs.downloads import artifact_response
from jobs.models import Attempt, Execution
from jobs.queries.answers import sees_answer
from jobs.queries.dependencies import started_by, started_from
from jobs.queries.executions import (
    RESULTS,
    ExecutionFilter,
    executions,
    get_artifact,
    get_execution,
    live_tag,
    ran_with,
    sample,
)
from jobs.queries.jobs import get_job
from jobs.queries.waiting import waiting_of
from jobs.queries.workspaces import workspace_names
from jobs.services.parameter_definitions import shown
from jobs.web import guard, tree, waiting_words, words
from jobs.web.compared import compared
from jobs.web.connections import connections_of
from jobs.web.filters import execution_filter, query_of, tidied, wrong_moment
from jobs.web.http import AuthedRequest
from jobs.web.kept import kept_filters
from jobs.web.live import region, tag_of
from jobs.web.periods import field
from jobs.web.views import logs


@guard.page()
def execution_list(request: AuthedRequest) -> HttpResponse:
    """Show the page with its filters."""
    chosen, wrong = execution_filter(request), wrong_moment(request)
    if not wrong and (elsewhere := tidied(request, query_of(chosen))):
        return elsewhere
    context = {
        "section": "executions",
        "tag": tag_of("executions", now=timezone.now()),
        "wrong": wrong,
        "fields": {
            "from": field(chosen.since) if chosen.since else "",
            "to": field(chosen.until) if chosen.until else "",
        },
        "triggers": [(trigger.value, words.TRIGGER[trigger]) for trigger in Trigger],
        "workspaces": workspace_names(request.actor),
        "job": get_job(chosen.job, seen_by=request.actor) if chosen.job else None,
        **kept_filters(request, FilterPage.EXECUTIONS, query_of(chosen, before=None)),
        **_table(chosen),
    }
    return render(request, "pages/executions.html", context)


@guard.page()
def table_region(request: AuthedRequest) -> HttpResponse:
    """Answer the table's poll."""
    chosen = execution_filter(request)
    tag = tag_of("executions", now=timezone.now())
    return region(request, "partials/exec_table.html", tag, lambda: _table(chosen))


def _table(chosen: ExecutionFilter) -> dict[str, object]:
    page = executions(chosen)
    return {
        "chosen": chosen,
        "executions": page.rows,
        "chosen_words": _in_words(chosen),
        "query": query_of(chosen),
        "chips": [
            (
                result,
                words.RESULT.get(result, _("All")),
                query_of(chosen, result=result, before=None),
            )
            for result in ("", *RESULTS)
        ],
        "older": query_of(chosen, before=page.older) if page.older else None,
        "newest": query_of(chosen, before=None) if chosen.before else None,
    }


def _in_words(chosen: ExecutionFilter) -> str:
    """Return the filters as a reader would say them, for the empty list."""
    ends = [field(at).replace("T", " ") if at else "" for at in (chosen.since, chosen.until)]
    parts = [
        str(words.RESULT[chosen.result]) if chosen.result else "",
        str(words.TRIGGER[chosen.trigger]) if chosen.trigger else "",
        chosen.workspace,
        chosen.queue,
        " … ".join(ends).strip() if chosen.since or chosen.until else "",
    ]
    return ", ".join(part for part in parts if part)


@guard.page()
def execution_page(request: AuthedRequest, execution_id: int) -> HttpResponse:
    """Show one execution."""
    execution = get_execution(execution_id)
    asked = logs.asked(request)
    may_read = sees_answer(request.actor, execution)
    if asked.step and may_read:
        return redirect(logs.step_address(execution, asked))
    ran = ran_with(execution)
    context = {
        "section": "executions",
        "may_read": may_read,
        **_facts(execution, may_read=may_read),
        **(logs.context(execution, asked) if may_read else {}),
        "ran_with": ran,
        "ran_definition": definition_for(request.actor, ran.definition) if ran else {},
        "compared": compared(execution, request.actor),
        "started_by": _seen(request, started_by(execution)),
        "started": _seen(request, started_from(execution)),
    }
    return render(request, "pages/execution.html", context)


@guard.page()
def facts_region(request: AuthedRequest, execution_id: int) -> HttpResponse:
    """Answer the poll of everything but the log."""
    execution = get_execution(execution_id)
    return region(
        request,
        "partials/execution_swap.html",
        live_tag(execution),
        lambda: _facts(execution, may_read=sees_answer(request.actor, execution)),
    )


def _facts(execution: Execution, *, may_read: bool) -> dict[str, object]:
    result = execution.result if may_read else None
    live = execution.state not in TERMINAL
    waiting = waiting_of(execution, timezone.now()) if live else None
    job = execution.job
    return {
        "execution": execution,
        "job": job,
        "live": live,
        "waiting": waiting,
        "waits_for": waiting_words.of(waiting) if waiting else "",
        "tag": live_tag(execution),
        "attempts": _attempts(execution),
        "deadline": _deadline(execution) if live else None,
        "usual": sample(job.pk),
        "failures_after": job.consecutive_failures + 1,
        "result_text": _pretty(result),
        "result_tree": tree.of(result),
        "connections": connections_of(execution, result),
        "metrics": sorted((execution.metrics or {}).items()),
        "artifacts": list(execution.artifacts.all()),
        "given": shown(execution.parameters),
    }


def _seen(request: AuthedRequest, rows: list[Execution]) -> list[Execution]:
    """Leave out the executions of jobs that the reader may not see."""
    return [one for one in rows if can(request.actor, Permission.READ, one.job)]


def _attempts(execution: Execution) -> list[Attempt]:
    """Return the ended tries; a single one stands on the execution itself."""
    found = list(execution.attempts.all())
    return found if len(found) > 1 or execution.attempt > 1 else []


def _deadline(execution: Execution) -> datetime | None:
    limit = execution.job.timeout_seconds
    if execution.started_at is None or limit is None:
        return None
    return execution.started_at + timedelta(seconds=limit)


def _pretty(result: object) -> str:
    return "" if result is None else json.dumps(result, indent=2, ensure_ascii=False, default=str)


@guard.page()
def artifact(request: AuthedRequest, execution_id: int, artifact_id: int) -> FileResponse:
    """Send a file that the run left, as a download."""
    return artifact_response(get_artifact(execution_id, artifact_id))
