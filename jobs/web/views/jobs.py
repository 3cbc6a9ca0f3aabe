"""The list of jobs."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from jobs.domain.preferences import FilterPage
from jobs.executors import EXECUTORS
from jobs.queries import registering
from jobs.queries.in_use import tags_in_use
from jobs.queries.jobs import STATES, JobFilter, job_page
from jobs.queries.workspaces import workspace_names
from jobs.web import freezing, guard, words
from jobs.web.filters import job_filter, query_of, tidied
from jobs.web.http import AuthedRequest
from jobs.web.kept import kept_filters
from jobs.web.live import region, tag_of
from jobs.web.rows import shown

_SORTABLE = {
    "state": "trouble",
    "name": "name",
    "next": "next",
    "success": "success",
    "last": "last",
}
_TOPICS = ("jobs", "executions")


@guard.page()
def job_list(request: AuthedRequest) -> HttpResponse:
    """Show the page with its filters."""
    now = timezone.now()
    chosen = job_filter(request)
    if elsewhere := tidied(request, query_of(chosen)):
        return elsewhere
    context = {
        "section": "jobs",
        "own_search": True,
        "types": [(name, words.JOB_TYPE.get(name, name)) for name in EXECUTORS],
        "tags": tags_in_use(request.actor),
        "workspaces": workspace_names(request.actor),
        "namespaces": _namespaces(request, chosen),
        "tag": tag_of(*_TOPICS, now=now),
        **kept_filters(request, FilterPage.JOBS, query_of(chosen, page=1)),
        **_table(request, chosen, now),
    }
    return render(request, "pages/jobs.html", context)


def _namespaces(request: AuthedRequest, chosen: JobFilter) -> list[tuple[str, int]]:
    """Return the namespaces to choose from, while the list has jobs of one."""
    if chosen.type != registering.TYPE and not chosen.namespace:
        return []
    return registering.namespaces(seen_by=request.actor)


@guard.page()
def table_region(request: AuthedRequest) -> HttpResponse:
    """Answer the table's poll, and the filters while somebody types."""
    now = timezone.now()
    chosen = job_filter(request)
    tag = tag_of(*_TOPICS, now=now)
    response = region(request, "partials/job_table.html", tag, lambda: _table(request, chosen, now))
    if request.htmx.source == "form":
        # Somebody types into the filter: the page's address follows, so that it can be shared.
        response["HX-Replace-Url"] = f"{reverse('jobs')}?{query_of(chosen)}"
    return response


def _table(request: AuthedRequest, chosen: JobFilter, now: datetime) -> dict[str, object]:
    page = job_page(chosen, now)
    freezes = freezing.open_ones(request, now)
    state_words = {"": "", **words.JOB_FILTER}
    chips = [
        (state, state_words[state], page.counts[state], query_of(chosen, state=state, page=1))
        for state in ("", *STATES)
    ]
    return {
        "chosen": chosen,
        "page": page,
        "rows": [shown(row, freezes) for row in page.rows],
        "last": page.first + len(page.rows) - 1,
        "chips": chips,
        "query": query_of(chosen),
        "sorts": {name: query_of(chosen, sort=sort, page=1) for name, sort in _SORTABLE.items()},
        "newer": query_of(chosen, page=page.page - 1) if page.page > 1 else None,
        "older": query_of(chosen, page=page.page + 1) if page.more else None,
        "chosen_words": _in_words(chosen),
    }


def _in_words(chosen: JobFilter) -> str:
    """Return the filters as a reader would say them, for the empty list."""
    parts = [
        str(words.JOB_FILTER[chosen.state]) if chosen.state else "",
        f"“{chosen.q}”" if chosen.q else "",
        str(words.JOB_TYPE.get(chosen.type, chosen.type)),
        chosen.tag,
        chosen.workspace,
        chosen.namespace,
    ]
    return ", ".join(part for part in parts if part)
