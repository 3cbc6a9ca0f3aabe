"""Links in messages: a page that says what one does, and a button that does it; no login."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from jobs.domain.errors import JobdeckError
from jobs.services import alert_links
from jobs.services.alert_links import Action, Link
from jobs.web import guard

METHODS = ("GET", "HEAD", "POST")


@never_cache
def link(request: HttpRequest, signed: str) -> HttpResponse:
    """Show what the link would do; do it when that is confirmed. Mail programs that look do nothing."""
    if request.method not in METHODS:
        return HttpResponseNotAllowed(METHODS)
    done = request.method == "POST"
    try:
        found = (
            alert_links.follow(signed, now=timezone.now()) if done else alert_links.opened(signed)
        )
    except JobdeckError as error:
        wrong = {"error": error.message}
        return render(request, "pages/alert_link.html", wrong, status=guard.status_of(error))
    context: dict[str, object] = {"link": found, "done": done, "sentence": _sentence(found)}
    return render(request, "pages/alert_link.html", context)


def _sentence(found: Link) -> str:
    if found.job is None:
        return _("Acknowledge this alert")
    name = {"name": found.job.name}
    if found.action == Action.RUN:
        return _("Run %(name)s again, now") % name
    return _("Pause %(name)s for 1 hour") % name
