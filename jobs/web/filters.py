"""Query strings into filters and back: unknown words are dropped, empty ones never shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext as _

from jobs.domain.states import Trigger
from jobs.executors import EXECUTORS
from jobs.queries.executions import RESULTS, ExecutionFilter
from jobs.queries.jobs import SORTS, STATES, JobFilter
from jobs.web.http import AuthedRequest
from jobs.web.periods import moment_of, stamp

_SEARCH_LIMIT = 200
_IN_ADDRESS = {"since": "from", "until": "to"}  # where it is called so on every page
_LARGEST_ID = 2**63 - 1


def _word(
    given: Mapping[str, str], name: str, allowed: Mapping[str, object] | tuple[str, ...]
) -> str:
    value = given.get(name, "")
    return value if value in allowed else ""


def _number(given: Mapping[str, str], name: str) -> int | None:
    value = given.get(name, "")
    if not (value.isascii() and value.isdigit()) or len(value) > 19:
        return None
    number = int(value)
    return number if 0 < number <= _LARGEST_ID else None


def job_filter(request: AuthedRequest) -> JobFilter:
    """Return what the query string of the jobs page asks for."""
    given = request.GET.dict()
    return JobFilter(
        q=given.get("q", "").replace("\0", "").strip()[:_SEARCH_LIMIT],
        state=_word(given, "state", STATES),
        type=_word(given, "type", EXECUTORS),
        tag=given.get("tag", "").replace("\0", "")[:_SEARCH_LIMIT],
        workspace=given.get("workspace", "").replace("\0", "")[:_SEARCH_LIMIT],
        namespace=given.get("namespace", "").replace("\0", "")[:_SEARCH_LIMIT],
        seen_by=request.actor,
        sort=_word(given, "sort", SORTS) or "trouble",
        page=min(_number(given, "page") or 1, 1_000_000),
    )


def execution_filter(request: AuthedRequest) -> ExecutionFilter:
    """Return what the query string of a list of executions asks for."""
    given = request.GET.dict()
    return ExecutionFilter(
        job=_number(given, "job"),
        result=_word(given, "result", RESULTS),
        trigger=_word(given, "trigger", tuple(Trigger)),
        workspace=given.get("workspace", "").replace("\0", "")[:_SEARCH_LIMIT],
        queue=given.get("queue", "").replace("\0", "").strip()[:_SEARCH_LIMIT],
        since=moment_of(given.get("from", ""), given.get("zone", "")),
        until=moment_of(given.get("to", ""), given.get("zone", "")),
        before=_number(given, "before"),
        seen_by=request.actor,
    )


def wrong_moment(request: AuthedRequest) -> str:
    """Return a sentence about a ``from`` or ``to`` that is no moment, and thus filters nothing."""
    for name in ("from", "to"):
        text = request.GET.get(name, "").strip()
        if text and moment_of(text) is None:
            return _("%s is no moment. Use a date and a time.") % repr(text[:40])
    return ""


def tidied(request: AuthedRequest, query: str) -> HttpResponseRedirect | None:
    """Lead a form's address, with all that was left open, to the one that says what was chosen.

    That one is short enough to be sent to somebody, and its moments name their zone.
    """
    if request.htmx or "" not in request.GET.values():
        return None
    return HttpResponseRedirect(f"{request.path}?{query}" if query else request.path)


def page_mark(request: HttpRequest, name: str) -> int | None:
    """Return the id at which a page of a list begins."""
    return _number(request.GET.dict(), name)


def query_of(chosen: JobFilter | ExecutionFilter, **changes: object) -> str:
    """Return the query string of ``chosen`` with some values changed; defaults are left out."""
    names = [name for name in type(chosen).__dataclass_fields__ if name != "seen_by"]
    values = {name: getattr(chosen, name) for name in names} | changes
    defaults = type(chosen)()
    kept = {
        _IN_ADDRESS.get(name, name): stamp(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if value not in (None, "") and value != getattr(defaults, name, None)
    }
    return urlencode(kept)
