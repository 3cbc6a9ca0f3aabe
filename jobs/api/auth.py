"""Who is calling: a token, a name and password, a browser with its CSRF token, or this host."""

from __future__ import annotations

import math
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBasicAuth, HttpBearer
from ninja.security.http import DecodeError
from ninja.utils import check_csrf

from jobs import conf
from jobs.api import rights
from jobs.api.problems import HttpProblem
from jobs.domain.permissions import Actor, Role
from jobs.queries import sight
from jobs.services import access, people, tokens
from jobs.services.rates import RATES

# Only code in this process can put an object under this name into a WSGI environment: what comes
# over HTTP arrives as text under HTTP_* names.
LOCAL_ACTOR = "jobdeck.actor"
_LONGEST_TOKEN = 200
_LOCKED_SECONDS = 900  # as long as axes keeps an account and address apart


def unauthorized(detail: str, *, error: str = "") -> HttpProblem:
    """Return the refusal that asks for credentials."""
    challenge = 'Bearer realm="Jobdeck"' + (f', error="{error}"' if error else "")
    return HttpProblem(
        HTTPStatus.UNAUTHORIZED, "unauthorized", detail, headers={"WWW-Authenticate": challenge}
    )


def local_actor(request: HttpRequest) -> Actor | None:
    """Return whoever runs `jobctl` in this process; None for everything that came over HTTP."""
    actor = request.META.get(LOCAL_ACTOR)
    return actor if isinstance(actor, Actor) else None


class BearerToken(HttpBearer):
    """An API token in the Authorization header."""

    openapi_description = "A token of `manage.py create_token`, sent as `Authorization: Bearer …`."

    def __call__(self, request: HttpRequest) -> Actor | None:
        """Return the token's actor; a header that does not hold is refused, never passed over."""
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, value = header.partition(" ")
        if scheme.lower() == "basic":
            return None  # the next way takes it
        if scheme.lower() != "bearer":
            raise unauthorized("Send an API token as 'Authorization: Bearer <token>'.")
        return self.authenticate(request, value.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        """Return the token's owner with at most the token's role."""
        found = tokens.authenticate(token) if len(token) <= _LONGEST_TOKEN else None
        if found is None:
            raise unauthorized("This token is unknown, revoked or expired.", error="invalid_token")
        _check_rate(f"token {found.pk}")
        limit = Role(found.role) if found.role else None
        actor = people.actor_of(
            found.user,
            address=address_of(request),
            limit=limit,
            scopes=access.scopes_of(found.permissions),
            within=access.reach_of(found.limits),
        )
        return admitted(request, actor)


class BasicPassword(HttpBasicAuth):
    """A person's name and password, with each request; no session begins."""

    openapi_description = "A user name and password; wrong ones are throttled as at a login."

    def __call__(self, request: HttpRequest) -> Actor | None:
        """Return the person; a header that does not hold is refused, never passed over."""
        header = request.headers.get("Authorization", "")
        if header.partition(" ")[0].lower() != "basic":
            return None
        try:
            name, password = self.decode_authorization(header)
        except DecodeError:
            name, password = "", ""
        return self.authenticate(request, name, password)

    def authenticate(self, request: HttpRequest, username: str, password: str) -> Actor:
        """Return the person that name and password name."""
        user = authenticate(request, username=username, password=password) if username else None
        if getattr(request, "axes_locked_out", False):
            request.axes_locked_out = False  # type: ignore[attr-defined]  # or axes answers a page
            raise _too_many("Too many wrong passwords from here. Wait a while.", _LOCKED_SECONDS)
        if not isinstance(user, User):
            raise unauthorized("User name or password is wrong.")
        _check_rate(f"user {user.pk}")
        return admitted(request, people.actor_of(user, address=address_of(request)))


class SessionCookie(APIKeyCookie):
    """A signed-in browser; unsafe methods need the CSRF token of the page."""

    openapi_description = "The cookie of a signed-in browser; unsafe methods also need X-CSRFToken."

    def __call__(self, request: HttpRequest) -> Actor:
        """Return the signed-in person."""
        user = request.user
        if not isinstance(user, User) or not user.is_authenticated:
            raise unauthorized("Sign in, or send an API token as 'Authorization: Bearer <token>'.")
        if check_csrf(request) is not None:
            raise HttpProblem(
                HTTPStatus.FORBIDDEN,
                "csrf",
                "The CSRF token is missing or wrong. Send the page's token as X-CSRFToken.",
            )
        return admitted(request, people.actor_of(user, address=address_of(request)))

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        """Unused: the session middleware has read the cookie already."""
        return None


def address_of(request: HttpRequest) -> str:
    """Return the peer's address for the audit log; headers that anybody can send do not count."""
    return str(request.META.get("REMOTE_ADDR", ""))


def identify(request: HttpRequest) -> Actor:
    """Return who is calling; raise the refusal otherwise. For answers outside an operation."""
    return local_actor(request) or BEARER(request) or PASSWORD(request) or SESSION(request)


def _check_rate(caller: str) -> None:
    """Refuse who calls more often than the setting allows."""
    allowed = conf.api_rate()
    seconds = RATES.wait_for(caller, allowed)
    if seconds > 0:
        raise _too_many(f"More than {allowed} requests a minute. Wait a moment.", seconds)


def _too_many(detail: str, seconds: float) -> HttpProblem:
    headers = {"Retry-After": str(math.ceil(seconds))}
    return HttpProblem(HTTPStatus.TOO_MANY_REQUESTS, "too_many", detail, headers=headers)


def admitted(request: HttpRequest, actor: Actor) -> Actor:
    """Return the actor with what he may do here; who may not do it gets no further.

    UnknownError for an object that he may not see.
    """
    match = request.resolver_match
    actor = sight.before(actor, {} if match is None else match.kwargs)
    request.auth = actor  # type: ignore[attr-defined]  # a refusal is recorded with who was refused
    rights.admit(request, actor)
    return actor


BEARER = BearerToken()
PASSWORD = BasicPassword()
SESSION = SessionCookie()
WAYS: list[Callable[[HttpRequest], Actor | None]] = [local_actor, BEARER, PASSWORD, SESSION]
