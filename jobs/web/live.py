"""Live regions: one partial, one URL, and a 304 while nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.http import HttpResponse, HttpResponseNotModified
from django.shortcuts import render

from jobs.queries.revisions import revision
from jobs.web.http import AuthedRequest

# Some findings follow from time alone (a job becomes overdue, a run long), without any write. A
# region that shows them is drawn anew this often even when its counters stand still.
_REDRAWN_EVERY = 300


def tag_of(*topics: str, now: datetime, extra: str = "") -> str:
    """Return what a region of these topics depends on; one small query."""
    return f"{revision(*topics)}.{int(now.timestamp()) // _REDRAWN_EVERY}.{extra}"


def region(
    request: AuthedRequest, template: str, tag: str, context: Callable[[], dict[str, object]]
) -> HttpResponse:
    """Answer a poll: nothing when the reader's copy is current, else the partial."""
    response: HttpResponse
    if request.headers.get("HX-PTag") == tag:
        response = HttpResponseNotModified()
    else:
        response = render(request, template, {**context(), "tag": tag})
    response["HX-PTag"] = tag
    return response
