"""Headers that every page carries, and what the browser says about its reader."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import DatabaseError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone, translation

from jobs.domain.preferences import Density, ExecutionColumn, JobColumn, Language
from jobs.domain.zones import zone, zone_names
from jobs.models import Preference
from jobs.queries.room import room

log = logging.getLogger("jobs.web")

Handler = Callable[[HttpRequest], HttpResponse]

# No script, style, frame or request of another host, and none inline. `data:` is for the arrow that
# browsers draw in form controls.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
ZONE_COOKIE = "tz"
THEME_COOKIE = "theme"
LIVE_COOKIE = "live"
KEYS_COOKIE = "keys"
THEMES = ("light", "dark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """The reader's own settings: what this browser keeps in cookies, else what the person saved."""

    zone: str
    language: str  # empty: as this browser has chosen, or asks for
    theme: str  # empty: as the system
    live: bool
    keys: bool
    compact: bool = False
    job_columns: frozenset[str] = frozenset(JobColumn)
    execution_columns: frozenset[str] = frozenset(ExecutionColumn)


def known_zone(name: str) -> ZoneInfo | None:
    """Return the zone called ``name``; None for a name that the IANA database does not have."""
    return zone(name) if name in zone_names() else None


def viewer_of(request: HttpRequest) -> Viewer:
    """Read the reader's settings; a value that makes no sense counts as not given."""
    saved = _saved(request)
    zone = known_zone(saved.time_zone) or known_zone(request.COOKIES.get(ZONE_COOKIE, ""))
    theme = request.COOKIES.get(THEME_COOKIE) or saved.theme
    keys = request.COOKIES.get(KEYS_COOKIE) or ("on" if saved.single_keys else "off")
    return Viewer(
        zone=zone.key if zone else timezone.get_default_timezone_name(),
        language=saved.language if saved.language in list(Language) else "",
        theme=theme if theme in THEMES else "",
        live=request.COOKIES.get(LIVE_COOKIE) != "off",
        keys=keys != "off",
        compact=saved.density == Density.COMPACT,
        job_columns=_columns(saved.job_columns, JobColumn),
        execution_columns=_columns(saved.execution_columns, ExecutionColumn),
    )


def _saved(request: HttpRequest) -> Preference:
    """Return what the person saved; nothing is asked for a request without a session."""
    user = getattr(request, "user", None)
    if user is None or settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return Preference()
    try:
        return getattr(user, "preference", None) or Preference()
    except DatabaseError:
        return Preference()  # the view meets the same, and its answer says so


def _columns(names: object, known: type[JobColumn | ExecutionColumn]) -> frozenset[str]:
    """Return what is shown of a list; all unless something was chosen."""
    return frozenset(names if isinstance(names, list) else known)


class ViewerMiddleware:
    """Set ``request.viewer``; show the page in the reader's zone and in the reader's language."""

    def __init__(self, get_response: Handler) -> None:
        """Take the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the reader's zone and language active."""
        viewer = viewer_of(request)
        request.viewer = viewer  # type: ignore[attr-defined]
        # Without an own choice Django's LocaleMiddleware has found the browser's.
        language = viewer.language or translation.get_language() or settings.LANGUAGE_CODE
        request.LANGUAGE_CODE = language
        with timezone.override(zone(viewer.zone)), translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


class HeadersMiddleware:
    """Add the security headers, and keep pages with data out of every cache."""

    def __init__(self, get_response: Handler) -> None:
        """Take the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, with headers that a view has set itself left as they are."""
        response = self.get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class OutageMiddleware:
    """Say that the database is away or its disk is full, instead of that something broke."""

    def __init__(self, get_response: Handler) -> None:
        """Take the next handler."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let the view answer."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer a failure of the database; all others are ours."""
        if not isinstance(error, OperationalError):
            return None
        log.error("%s %s: the database did not answer: %s", request.method, request.path, error)
        again = request.get_full_path() if request.method == "GET" else ""
        context = {
            "full": room().full,
            "again": again,
            "kept": _typed(request),
            "viewer": getattr(request, "viewer", None),
        }
        pressed = not again and request.headers.get("HX-Request") == "true"
        text = render_to_string("partials/outage_swap.html" if pressed else "503.html", context)
        return HttpResponse(text, status=503, headers={"Retry-After": "5"})


# Pages whose fields may hold what is never sent back to a browser.
_SEALED = frozenset({"channel", "channel_new", "job_run_with"})


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """Return what a form sent, to be sent once more; nothing of a file, of a secret or a password."""
    page = request.resolver_match.url_name if request.resolver_match else ""
    sealed = page in _SEALED or bool(request.POST.get("secret"))
    if sealed or request.FILES or any("password" in name for name in request.POST):
        return []
    return [(name, value) for name, values in request.POST.lists() for value in values]


class BodyLimitMiddleware:
    """Refuse a body that no page of ours sends, before anybody reads or stores it."""

    def __init__(self, get_response: Handler) -> None:
        """Take the next handler."""
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Judge by the length that the request names; without one nothing is read."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()):
            return HttpResponse(
                "Content-Length is no number.", status=400, content_type="text/plain"
            )
        if len(length) > 9 or int(length) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            allowed = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
            text = f"The body is too large. Use {allowed} bytes or less."
            return HttpResponse(text, status=413, content_type="text/plain")
        return self._get_response(request)
