"""Who is calling such an interface: credentials of any kind, or nobody where this host is trusted.

The samples of two of these interfaces send no credentials, so a request of this very host is taken
without any, while the server listens on loopback only and the setting ``OPEN_LOOPBACK`` allows it.
Bodies are read whatever their Content-Type is, so a page of another site could post here through
somebody's browser: what a browser says about where a request comes from must not speak against it.
"""

from __future__ import annotations

from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest

from jobs.api.auth import BEARER, PASSWORD, SESSION, address_of, local_actor, unauthorized
from jobs.api.problems import HttpProblem
from jobs.domain.permissions import Actor, Role

# What a browser or a script calls this host; a name that merely resolves to it does not count, or
# a page could reach us under a name of its own (DNS rebinding).
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_SAME = frozenset({"same-origin", "none"})
# Who is behind a proxy of this host is not on this host.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
CHALLENGE = 'Basic realm="Jobdeck", charset="UTF-8", Bearer realm="Jobdeck"'


def caller(request: HttpRequest, *, open_on_loopback: bool = True) -> Actor:
    """Return who is calling; raise the refusal otherwise.

    Credentials that are sent must hold: they are never passed over for the open mode.
    """
    local = local_actor(request)
    if local is not None:
        return local
    header = request.headers.get("Authorization")
    if header is not None:
        return _by_header(request)
    if isinstance(request.user, User) or not (open_on_loopback and is_open()):
        return _by_session(request)
    refuse_foreign(request)
    if not from_this_host(request):
        return _by_session(request)
    return Actor(name="loopback", role=Role.EDITOR, address=address_of(request))


def is_open() -> bool:
    """Say whether requests of this host need no credentials."""
    return bool(settings.OPEN_LOOPBACK)


def from_this_host(request: HttpRequest) -> bool:
    """Say whether the request was made on this host, and not by a proxy for somebody else."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(address_of(request)).is_loopback
    except ValueError:
        return False


def refuse_foreign(request: HttpRequest) -> None:
    """Refuse what a page of another site has made a browser send."""
    host = request.get_host()
    if _name_of(host) not in LOCAL_NAMES:
        raise _foreign(f"Host {host[:80]!r} is not this host.")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        raise _foreign(f"Origin {origin[:80]!r} is another site.")
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site.lower() not in _SAME:
        raise _foreign(f"Sec-Fetch-Site {site[:40]!r} is another site.")


def _foreign(reason: str) -> HttpProblem:
    sentence = f"{reason} Without credentials only this host is served. Send a token or a password."
    return HttpProblem(HTTPStatus.FORBIDDEN, "foreign", sentence)


def _name_of(host: str) -> str:
    """Return a Host header without its port."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdecimal() else host.lower()


def _by_header(request: HttpRequest) -> Actor:
    """Return whose token, or whose name and password, was sent."""
    try:
        actor = BEARER(request) or PASSWORD(request)
    except HttpProblem as refusal:
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            refusal.headers["WWW-Authenticate"] = CHALLENGE
        raise
    if actor is None:
        raise _unauthorized("Send an API token as 'Authorization: Bearer <token>'.")
    return actor


def _by_session(request: HttpRequest) -> Actor:
    if not isinstance(request.user, User):
        raise _unauthorized("Send an API token, a user name with its password, or sign in.")
    return SESSION(request)


def _unauthorized(detail: str) -> HttpProblem:
    refusal = unauthorized(detail)
    refusal.headers["WWW-Authenticate"] = CHALLENGE
    return refusal
