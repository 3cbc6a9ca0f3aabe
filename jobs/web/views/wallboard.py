"""The wallboard: large figures for a screen that nobody touches. Behind a session, as every page."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from jobs.queries.pulse import pulse
from jobs.queries.wallboard import late, wallboard
from jobs.web import guard
from jobs.web.http import AuthedRequest
from jobs.web.live import region, tag_of
from jobs.web.middleware import THEMES

_TOPICS = ("jobs", "executions", "workers")


@guard.page()
def board(request: AuthedRequest) -> HttpResponse:
    """Show the screen; dark unless the address asks for ``theme=light``."""
    now = timezone.now()
    asked = request.GET.get("theme", "")
    theme = asked if asked in THEMES else "dark"
    context = {"theme": theme, "tag": _tag(request, now), **_figures(request, now)}
    return render(request, "pages/wallboard.html", context)


@guard.page()
def board_region(request: AuthedRequest) -> HttpResponse:
    """Answer the poll of the figures."""
    now = timezone.now()
    tag = _tag(request, now)
    return region(request, "partials/wallboard.html", tag, lambda: _figures(request, now))


def _tag(request: AuthedRequest, now: datetime) -> str:
    # Lateness and silence come with time alone, without a counted write.
    found = pulse(now)
    extra = f"{late(now, request.actor)}.{int(found.down)}{int(found.no_workers)}"
    return tag_of(*_TOPICS, now=now, extra=extra)


def _figures(request: AuthedRequest, now: datetime) -> dict[str, object]:
    return {"board": wallboard(now, request.actor), "pulse": pulse(now)}
