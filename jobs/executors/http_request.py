"""Requests as they go over the line: the first one, and those that redirects ask for."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Mapping
from dataclasses import dataclass

from jobs import __version__
from jobs.domain.errors import InvalidError
from jobs.executors.http_secrets import basic
from jobs.executors.http_spec import HttpSpec
from jobs.executors.http_url import Target, follow, parse_url

REDIRECTS = frozenset({301, 302, 303, 307, 308})
# All that another server is told of the headers of a job: any other may hold a secret.
_HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
_OF_THE_BODY = frozenset({"content-type", "content-language", "content-encoding"})
_DEFAULTS = {"Accept": "*/*", "Accept-Encoding": "gzip", "User-Agent": f"Jobdeck/{__version__}"}


@dataclass(frozen=True, slots=True)
class Request:
    """One request to one server."""

    method: str
    target: Target
    headers: Mapping[str, str]
    body: bytes | None


def first_request(spec: HttpSpec) -> Request:
    """Return the request that a job describes."""
    target = parse_url(spec.url)
    body, kind = spec.payload()
    headers = _with_defaults(
        spec.headers, {**_DEFAULTS, **({"Content-Type": kind} if kind else {})}
    )
    if target.user is not None:
        headers["Authorization"] = basic(target.user, target.password)
    return Request(spec.method, target, headers, body)


def redirected(request: Request, status: int, location: str) -> Request:
    """Return the request that a redirect asks for; InvalidError when it leads nowhere good.

    As browsers do: 303, and 301 or 302 after a POST, ask with GET and without the body; 307 and 308
    repeat the request. Another server gets none of the headers that may hold a secret.
    """
    try:
        target = follow(request.target, location)
    except InvalidError as error:
        raise InvalidError(f"Redirect refused: {error.message}") from None
    method, body = request.method, request.body
    headers = dict(request.headers)
    if status == 303 or (status in {301, 302} and method == "POST"):
        method, body = "HEAD" if method == "HEAD" else "GET", None
        headers = {name: value for name, value in headers.items() if not _is(name, _OF_THE_BODY)}
    if target.origin != request.target.origin:
        kept = _HARMLESS | (_OF_THE_BODY if body is not None else frozenset())
        headers = {name: value for name, value in headers.items() if _is(name, kept)}
    return Request(method, target, headers, body)


def send(client: http.client.HTTPConnection, request: Request) -> None:
    """Write a request; the server may answer before it has read all of it."""
    target = request.target
    client.putrequest(
        request.method, target.request_target, skip_host=True, skip_accept_encoding=True
    )
    client.putheader("Host", target.authority)
    for name, value in request.headers.items():
        client.putheader(name, value)
    if request.body is not None or request.method in {"POST", "PUT", "PATCH"}:
        client.putheader("Content-Length", str(len(request.body or b"")))
    client.putheader("Connection", "close")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.endheaders(request.body)


def _with_defaults(given: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    named = {name.lower() for name in given}
    return {**{n: v for n, v in defaults.items() if n.lower() not in named}, **given}


def _is(name: str, names: frozenset[str]) -> bool:
    return name.lower() in names
