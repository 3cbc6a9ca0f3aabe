"""Logs: any window of one, its tail, the raw text, and a search through those of a job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from jobs.domain.needle import LONGEST_NEEDLE, Needle
from jobs.domain.states import TERMINAL, Stream
from jobs.models import Execution
from jobs.queries import logsearch
from jobs.queries.answers import require_answer
from jobs.queries.executions import get_execution
from jobs.queries.jobs import get_job
from jobs.queries.loglines import line_count
from jobs.queries.logrows import Chosen
from jobs.queries.logs import pieces
from jobs.web import guard, logview, periods
from jobs.web.ansi import Style, render_line
from jobs.web.http import AuthedRequest
from jobs.web.logmarkup import line_markup, markup
from jobs.web.periods import period_of

NEXT, PREVIOUS, STDERR = "next", "previous", "stderr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What of a log is asked for; ``line`` is None for its end."""

    stream: str = ""
    line: int | None = None
    text: str = ""
    step: str = ""
    missed: str = ""  # the step that led nowhere
    stopped: bool = False  # the step stopped at the line, for the next request to go on

    @property
    def needle(self) -> Needle | None:
        """Return what is looked for."""
        return Needle(self.text) if self.text else None

    def query(self, **changes: object) -> str:
        """Return the query string of this page with some values changed, those not set left out."""
        values = {"stream": self.stream, "line": self.line, "q": self.text, **changes}
        return urlencode({name: value for name, value in values.items() if value})


def asked(request: AuthedRequest) -> Asked:
    """Read an address."""
    stream, step = request.GET.get("stream", ""), request.GET.get("go", "")
    text = request.GET.get("q", "").strip("\r\n\0")[:LONGEST_NEEDLE]
    if step in (NEXT, PREVIOUS) and not text:
        step = ""
    return Asked(
        stream=stream if stream in set(Stream) else "",
        line=_number(request, "line") or None,
        text=text,
        step=step if step in (NEXT, PREVIOUS, STDERR) else "",
        missed=request.GET.get("missed", ""),
        stopped="stopped" in request.GET,
    )


def step_address(execution: Execution, wanted: Asked) -> str:
    """Return the address of the line that a step leads to."""
    step = _step(Chosen(execution.pk, wanted.stream), wanted)
    address = reverse("execution", args=[execution.pk])
    number = step.number or step.stopped_at
    if number is None:
        return f"{address}?{wanted.query(missed=wanted.step)}#log-tools"
    query = wanted.query(line=number, stopped=None if step.number else wanted.step)
    return f"{address}?{query}#L{number}"


def _step(chosen: Chosen, wanted: Asked) -> logsearch.Step:
    here = wanted.line or 0
    if wanted.step == STDERR:
        return logsearch.next_of_stream(chosen._replace(stream=Stream.STDERR.value), here)
    needle = Needle(wanted.text)
    if wanted.step == PREVIOUS:
        return logsearch.previous_match(chosen, needle, here or line_count(chosen.execution_id) + 1)
    return logsearch.next_match(chosen, needle, here)


def context(execution: Execution, wanted: Asked) -> dict[str, object]:
    """Return what the log's panel shows."""
    finished = execution.state in TERMINAL
    chosen = Chosen(execution.pk, wanted.stream)
    needle = wanted.needle
    if wanted.line is None:
        view = logview.newest(chosen, finished=finished, needle=needle)
    else:
        view = logview.around(chosen, wanted.line, finished=finished, needle=needle)
    return {
        **_shown(execution, wanted, view, finished=finished),
        "counted": logsearch.count(chosen, needle) if needle else None,
        "most": logsearch.MOST_COUNTED,
        "total": line_count(execution.pk),
        "streams": [
            (name, wanted.query(stream=name, line=None)) for name in ("", "stdout", "stderr")
        ],
    }


def _shown(
    execution: Execution, wanted: Asked, view: logview.View, *, finished: bool
) -> dict[str, object]:
    earlier = max((view.earlier or 0) - logview.LINES + logview.CONTEXT, 1)
    return {
        "execution": execution,
        "asked": wanted,
        "view": view,
        "lines": markup(
            view.lines, finished=finished or view.later is not None, target=wanted.line
        ),
        "pending": line_markup(view.pending) if view.pending else "",
        "finished": finished,
        "stream": wanted.stream,
        "links": {
            "earlier": wanted.query(line=earlier),
            "later": wanted.query(line=(view.later or 0) + logview.CONTEXT),
            "start": wanted.query(line=1),
            "end": wanted.query(line=None),
            "next": wanted.query(go=NEXT),
            "previous": wanted.query(go=PREVIOUS),
            "stderr": wanted.query(go=STDERR, stream=""),
            "skipped": wanted.query(line=view.skipped[0]) if view.skipped else "",
        },
    }


@guard.page()
def log_region(request: AuthedRequest, execution_id: int) -> HttpResponse:
    """Answer the log's tail: nothing while there is nothing new, no trigger any more at the end."""
    # The state first: once it is final, everything printed is in the table.
    execution = get_execution(execution_id)
    require_answer(request.actor, execution)
    wanted = asked(request)
    position = logview.Position(offset=_number(request, "from"), style=request.GET.get("style", ""))
    finished = execution.state in TERMINAL
    chosen = Chosen(execution_id, wanted.stream)
    view = logview.tail(chosen, position, finished=finished, needle=wanted.needle)
    grown = len(view.pending.text) + 1 if view.pending else 0
    if not view.lines and not finished and grown == _number(request, "shown"):
        return HttpResponse(status=204)
    found = _shown(execution, wanted, view, finished=finished)
    return render(request, "partials/log_tail.html", {**found, "shown": grown})


@guard.page()
def log_earlier(request: AuthedRequest, execution_id: int) -> HttpResponse:
    """Answer "Load earlier": the lines before those on the page."""
    execution = get_execution(execution_id)
    require_answer(request.actor, execution)
    wanted = asked(request)
    view = logview.before(
        Chosen(execution_id, wanted.stream), _number(request, "until"), needle=wanted.needle
    )
    return render(
        request, "partials/log_earlier.html", _shown(execution, wanted, view, finished=True)
    )


def _number(request: AuthedRequest, name: str) -> int:
    value = request.GET.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0


@guard.page()
def log_text(request: AuthedRequest, execution_id: int) -> StreamingHttpResponse:
    """Send the raw log as it was printed, piece by piece; ``download`` saves it as a file."""
    execution = get_execution(execution_id)
    require_answer(request.actor, execution)
    found = pieces(
        execution.pk,
        start=_number(request, "from"),
        stream=asked(request).stream,
        attempt=_number(request, "attempt"),
    )

    def body() -> Iterator[bytes]:
        for piece in found:
            yield piece.data

    response = StreamingHttpResponse(body(), content_type="text/plain; charset=utf-8")
    how = "attachment" if "download" in request.GET else "inline"
    name = f"{execution.job.name}-{execution.pk}.log"
    response["Content-Disposition"] = f'{how}; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@guard.page()
def job_logs(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Search what a job's executions of a period printed, newest first."""
    job = get_job(job_id)
    wanted = asked(request)
    period = period_of(request, timezone.now())
    found = None
    if wanted.text:
        found = logsearch.search_job(
            logsearch.JobSearchFilter(
                job_id=job.pk,
                text=wanted.text,
                actor=request.actor,
                stream=wanted.stream,
                since=period.start,
                until=period.end,
                after=_place(request.GET.get("after", "")),
            )
        )
    query = {**period.query, "q": wanted.text, "stream": wanted.stream}
    page = {
        "section": "jobs",
        "tab": "logs",
        "job": job,
        "asked": wanted,
        "period": period,
        "fields": {"from": periods.field(period.start), "to": periods.field(period.end)},
        "found": found,
        "matches": [_match(match, wanted) for match in found.found] if found else [],
        "older": urlencode({**query, "after": "-".join(map(str, found.following))})
        if found and found.following
        else None,
        "newest": urlencode(query) if "after" in request.GET else None,
    }
    return render(request, "pages/job_logs.html", page)


def _match(match: logsearch.JobMatch, wanted: Asked) -> dict[str, object]:
    """Return one line found, with the address at which it stands in its log."""
    line = match.line
    query = urlencode({"line": line.number, "q": wanted.text})
    text = line.data.decode("utf-8", "replace")
    return {
        "execution": match.execution,
        "line": line,
        "html": render_line(text, Style(), needle=wanted.needle),
        "address": f"{reverse('execution', args=[match.execution.pk])}?{query}#L{line.number}",
    }


def _place(text: str) -> tuple[int, int] | None:
    """Return the execution and line that ``17-230`` names."""
    execution, _sep, line = text.partition("-")
    if not (execution.isascii() and execution.isdigit() and line.isascii() and line.isdigit()):
        return None
    return int(execution[:18]), int(line[:18])
