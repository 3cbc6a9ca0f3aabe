"""The door of every view: login, permission, and errors in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure

from jobs.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    JobdeckError,
    UnknownError,
)
from jobs.domain.permissions import Permission, require, require_somewhere
from jobs.domain.said import spoken
from jobs.queries import sight
from jobs.services import refusals
from jobs.services.people import actor_of
from jobs.web.http import AuthedRequest, toast_or_redirect
from jobs.web.toasts import Toast

P = ParamSpec("P")
View = Callable[Concatenate[AuthedRequest, P], HttpResponseBase]
Guarded = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

_STATUS = (
    (InvalidError, 400),
    (UnknownError, 404),
    (ForbiddenError, 403),
    (ConflictError, 409),
)

_REFUSED = "refused"  # no tag of a region

# Pages that show who has a role for some jobs only those jobs. Every other one without a job in its
# address is about the whole product, and needs the role for everything: so does a new one.
OWN_JOBS = frozenset(
    {
        "overview",
        "p_heartbeat",
        "p_totals",
        "p_attention",
        "p_timeline",
        "p_recent",
        "p_running",
        "tv",
        "p_tv",
        "jobs",
        "p_jobs",
        "jobs_bulk",
        "jobs_change",
        "job_new",
        "jobs_import",
        "p_job_preview",
        "executions",
        "p_executions",
        "timeline",
        "statistics",
        "p_timeline_lanes",
        "workspaces",
        "workspace",
        "tokens",
        "token_new",
        "token_revoke",
        "p_token_revoke",
        "password_change",
        "preferences",
        "filter_keep",
        "filter_drop",
        "search",
        "p_search",
        "keyboard",
        "alerts",
        "p_alerts",
        # What was missed is listed and run job by job, those that the reader may see and run.
        "missed",
        "missed_run",
        "missed_cancel",
        # Whoever may pause all jobs of a workspace or with a tag may freeze them: the service asks.
        "freezes",
        "p_freezes",
        "freeze_new",
        "p_freeze_preview",
        "freeze_edit",
        "freeze_lift",
        "p_freeze_lift",
        # Whoever edits a workspace may change it: the service asks for a role there.
        "workspace_edit",
        "workspace_disable",
        "workspace_enable",
        "p_workspace_standing",
        "workspace_deploy",
        "p_workspace_deploy",
        "workspace_plan",
        "workspace_destroy",
        "p_workspace_destroy",
        "workspace_cancel",
        "p_workspace_cancel",
    }
)


def page(permission: Permission = Permission.READ) -> Callable[[View[P]], Guarded[P]]:
    """Guard a view that shows something."""
    return _guard(("GET", "HEAD"), permission)


def action(permission: Permission) -> Callable[[View[P]], Guarded[P]]:
    """Guard a view that does something."""
    return _guard(("POST",), permission)


def form(permission: Permission) -> Callable[[View[P]], Guarded[P]]:
    """Guard a view that shows a form and takes it."""
    return _guard(("GET", "HEAD", "POST"), permission)


def _guard(methods: tuple[str, ...], permission: Permission) -> Callable[[View[P]], Guarded[P]]:
    def decorate(view: View[P]) -> Guarded[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            if not request.user.is_authenticated:
                return _login(request)
            request.actor = actor_of(  # type: ignore[attr-defined]
                request.user, address=request.META.get("REMOTE_ADDR", "")
            )
            authed: AuthedRequest = request  # type: ignore[assignment]
            try:
                authed.actor = sight.before(authed.actor, kwargs)
                _admit(authed, permission, kwargs)
                return view(authed, *args, **kwargs)
            except JobdeckError as error:
                return answer(authed, error)

        return guarded

    return decorate


def _admit(request: AuthedRequest, permission: Permission, parts: Mapping[str, object]) -> None:
    """Refuse who may not; where a list is cut to the reader's jobs, one of them is enough."""
    match = request.resolver_match
    if match is not None and match.url_name in OWN_JOBS and not sight.names_object(parts):
        require_somewhere(request.actor, permission)
    else:
        require(request.actor, permission)


def _login(request: HttpRequest) -> HttpResponse:
    """Send to the login page and back; a fragment's answer moves the whole page."""
    if request.headers.get("HX-Request") == "true":
        back = request.headers.get("HX-Current-URL", "/")
        path = "/" + back.split("/", 3)[3] if back.count("/") >= 3 else "/"
        query = urlencode({"next": path})
        return HttpResponse(headers={"HX-Redirect": f"{resolve_url(settings.LOGIN_URL)}?{query}"})
    return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")


def without_token(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form of a page that is too old; a press is answered where it was made."""
    if request.headers.get("HX-Request") != "true":
        return csrf_failure(request, reason)
    toast = Toast(text=_("This page was open for too long. Load it again and repeat."), kind="bad")
    return render(request, "partials/toasts_swap.html", {"toasts": [toast]}, status=403)


def status_of(error: JobdeckError) -> int:
    """Return the HTTP status for an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 422)


def answer(request: AuthedRequest, error: JobdeckError) -> HttpResponse:
    """Show an error: as a page where one was asked for, else as a message on the page acted from."""
    status = status_of(error)
    if isinstance(error, ForbiddenError):
        refusals.record(
            request.actor, method=str(request.method), path=request.path, reason=error.message
        )
    if request.method == "POST":
        return toast_or_redirect(request, Toast(text=error.message, kind="bad"), status=status)
    if request.htmx:
        # The region that polls shows it, and is drawn anew as soon as there is something to show.
        return HttpResponse(
            spoken(error.message),
            status=status,
            content_type="text/plain",
            headers={"HX-PTag": _REFUSED},
        )
    return render(request, "pages/error.html", {"error": error, "status": status}, status=status)
