"""The rows of the list of jobs, each filled into the mould of its kind."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from django import template
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils.safestring import SafeString

from jobs.models import Freeze, Job
from jobs.templatetags.jobs import moment, result_badge, state_badge
from jobs.web import formats, words
from jobs.web.context import May
from jobs.web.mould import mould
from jobs.web.rows import ShownJob

register = template.Library()

_TEMPLATE = "partials/job_row.html"
_NONE = SafeString("")
_HOLES = (
    "about",
    "badge",
    "csrf_token",
    "duration",
    "executions",
    "frozen",
    "id",
    "key",
    "last",
    "list",
    "name",
    "next",
    "next_clock",
    "no_next",
    "path",
    "strip",
    "success",
    "url",
    "words",
    "written",
)


@register.simple_tag(takes_context=True)
def job_rows(context: Context, rows: Iterable[ShownJob]) -> SafeString:
    """Draw rows of the list for the reader of the page."""
    page = _Page(context)
    return SafeString("".join([page.row(row) for row in rows]))


class _Page:
    """What the rows of one page have in common."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._may: May = context["may"]
        self._columns = tuple(context["columns"])
        self._template = get_template(_TEMPLATE).template  # type: ignore[attr-defined]
        self._marks: dict[int, SafeString] = {}

    def row(self, row: ShownJob) -> str:
        """Return the markup of one row."""
        job = row.job
        drawn = mould(
            self._template,
            _HOLES,
            may=self._may,
            columns=self._columns,
            stopped=row.stopped,
            rests=bool(row.no_next),
            has_run=job.last_started_at is not None,
            asks=bool(job.parameters),
        )
        return drawn.filled({**self._common, **self._values(row, job)})

    @cached_property
    def _common(self) -> dict[str, str]:
        """Return what stands in the forms of every row."""
        acts = self._may.run or self._may.pause
        return {
            # Asked for only where it is shown: with it goes a cookie.
            "csrf_token": str(self._context["csrf_token"]) if acts else "",
            "list": f"{self._context['list_url']}?{self._context['query']}",
            "path": self._context["request"].path,
        }

    def _values(self, row: ShownJob, job: Job) -> dict[str, str]:
        return {
            "about": _about(job),
            "badge": _badge(row),
            "duration": formats.duration(job.last_duration_seconds),
            "executions": formats.count(job.execution_count),
            "frozen": self._mark(row.frozen) if row.frozen else _NONE,
            "id": str(job.pk),
            "key": row.key,
            "last": moment(job.last_started_at),
            "name": job.name,
            "next": moment(job.next_fire_at),
            "next_clock": moment(job.next_fire_at, "clock"),
            "no_next": row.no_next,
            "strip": row.strip,
            "success": formats.percent(job.success_rate),
            "url": row.url,
            "words": row.words,
            "written": row.written,
        }

    def _mark(self, freeze: Freeze) -> SafeString:
        """Return the mark of a freeze; the same one may hold every row."""
        if freeze.pk not in self._marks:
            drawn = render_to_string("partials/freeze_mark.html", {"freeze": freeze})
            self._marks[freeze.pk] = drawn
        return self._marks[freeze.pk]


def _badge(row: ShownJob) -> SafeString:
    if row.live:
        return result_badge(row.live, row.job.retry_max_attempts)
    return state_badge(row.standing, row.since)


def _about(job: Job) -> str:
    """Return workspace, kind and tags."""
    room = [job.workspace.name] if job.workspace else []
    return ", ".join([*room, str(words.JOB_TYPE.get(job.type, job.type)), *job.tags])
