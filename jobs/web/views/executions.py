"""Executions of all jobs, and one of them: what it does, printed and ended with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.states import TERMINAL, Stream, Trigger
from jobs.models import Attempt, Execution
from jobs.queries.executions import (
    RESULTS,
    ExecutionFilter,
    executions,
    get_execution,
    live_tag,
    ran_with,
    sample,
)
from jobs.queries.jobs import get_job
from jobs.queries.logs import pieces
from jobs.web import guard, logview, words
from jobs.web.filters import execution_filter, query_of
from jobs.web.http import AuthedRequest
from jobs.web.live import region, tag_of


@guard.page()
def execution_list(request: AuthedRequest) -> HttpResponse:
    """Show the page with its filters."""
    chosen = execution_filter(request)
    context = {
        "section": "executions",
        "tag": tag_of("executions", now=timezone.now()),
        "triggers": [(trigger.value, words.TRIGGER[trigger]) for trigger in Trigger],
        "job": get_job(chosen.job) if chosen.job else None,
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


@guard.page()
def execution_page(request: AuthedRequest, execution_id: int) -> HttpResponse:
    """Show one execution."""
    execution = get_execution(execution_id)
    stream = _stream(request)
    context = {
        "section": "executions",
        **_facts(execution),
        **_log(execution, stream),
        "ran_with": ran_with(execution),
    }
    return render(request, "pages/execution.html", context)


@guard.page()
def facts_region(request: AuthedRequest, execution_id: int) -> HttpResponse:
    """Answer the poll of everything but the log."""
    execution = get_execution(execution_id)
    return region(
        request, "partials/execution_swap.html", live_tag(execution), lambda: _facts(execution)
    )


def _facts(execution: Execution) -> dict[str, object]:
    live = execution.state not in TERMINAL
    job = execution.job
    return {
        "execution": execution,
        "job": job,
        "live": live,
        "tag": live_tag(execution),
        "attempts": _attempts(execution),
        "deadline": _deadline(execution) if live else None,
        "usual": sample(job.pk),
        "failures_after": job.consecutive_failures + 1,
        "result_text": _pretty(execution.result),
    }


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


def _stream(request: AuthedRequest) -> str:
    value = request.GET.get("stream", "")
    return value if value in set(Stream) else ""


def _log(execution: Execution, stream: str) -> dict[str, object]:
    finished = execution.state in TERMINAL
    return {
        "execution": execution,
        "view": logview.newest(execution.pk, finished=finished, stream=stream),
        "stream": stream,
        "finished": finished,
    }


@guard.page()
def log_region(request: AuthedRequest, execution_id: int) -> HttpResponse:
    """Answer the log's tail: nothing while there is nothing new, no trigger any more at the end."""
    execution = get_execution(execution_id)
    position = _position(request)
    stream = _stream(request)
    finished = execution.state in TERMINAL
    view = logview.tail(execution_id, position, finished=finished, stream=stream)
    shown = _number(request, "shown")
    growth = view.pending.offset + len(view.pending.html) if view.pending else 0
    if not view.lines and not finished and growth == shown:
        return HttpResponse(status=204)
    context = {"execution": execution, "view": view, "stream": stream, "finished": finished}
    return render(request, "partials/log_tail.html", {**context, "shown": growth})


@guard.page()
def log_earlier(request: AuthedRequest, execution_id: int) -> HttpResponse:
    """Answer "Load earlier": the lines before those on the page."""
    execution = get_execution(execution_id)
    stream = _stream(request)
    view = logview.before(execution_id, _number(request, "until"), stream=stream)
    context = {"execution": execution, "view": view, "stream": stream}
    return render(request, "partials/log_earlier.html", context)


def _position(request: AuthedRequest) -> logview.Position:
    line = request.GET.get("line", "")
    return logview.Position(
        offset=_number(request, "from"),
        number=_number(request, "line") if line else None,
        style=request.GET.get("style", ""),
    )


def _number(request: AuthedRequest, name: str) -> int:
    value = request.GET.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0


@guard.page()
def log_text(request: AuthedRequest, execution_id: int) -> StreamingHttpResponse:
    """Send the raw log as it was printed, piece by piece."""
    execution = get_execution(execution_id)
    found = pieces(execution.pk, start=_number(request, "from"), stream=_stream(request))

    def body() -> Iterator[bytes]:
        for piece in found:
            yield piece.data

    response = StreamingHttpResponse(body(), content_type="text/plain; charset=utf-8")
    name = f"{execution.job.name}-{execution.pk}.log"
    response["Content-Disposition"] = f'inline; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
