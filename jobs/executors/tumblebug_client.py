"""Requests to a CB-Tumblebug server, one after the other over a line that can be cut."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from jobs import __version__
from jobs.domain.addresses import Allowed, parse_allowed
from jobs.domain.errors import InvalidError
from jobs.domain.tumblebug import TumblebugServer
from jobs.executors.http_line import Line
from jobs.executors.http_request import Request, send
from jobs.executors.http_secrets import basic
from jobs.executors.http_url import parse_url

CONNECT_SECONDS = 10.0
MAX_BYTES = 20_000_000
_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",
    "User-Agent": f"Jobdeck/{__version__}",
}


class BrokenError(Exception):
    """A request was sent, and the connection ended before its answer: it may go on there."""


class UnreachableError(Exception):
    """There is no connection: nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server answered; ``document`` is None where that is no JSON."""

    status: int
    reason: str
    document: Any

    @property
    def is_good(self) -> bool:
        """Say whether the status is a success."""
        return 200 <= self.status < 300

    @property
    def message(self) -> str:
        """Return the server's own sentence; empty where there is none."""
        found = self.document.get("message") if isinstance(self.document, dict) else ""
        return found if isinstance(found, str) else ""


def line_to(server: TumblebugServer) -> Line:
    """Return a line that reaches this server only, wherever the administrator has it."""
    return Line(_allowed(server))


def secrets_of(server: TumblebugServer) -> list[str]:
    """Return what must not be shown of the credentials."""
    pair = basic(server.user, server.password).partition(" ")[2] if server.user else ""
    return [word for word in (server.password, server.token, pair) if word]


class Client:
    """One server; not to be shared between threads, as its line has one connection at a time."""

    def __init__(self, server: TumblebugServer, line: Line) -> None:
        """Take the server and the line to it."""
        self._server = server
        self._line = line

    def get(self, path: str, *, read_seconds: float) -> Answer:
        """Ask for something."""
        return self._call("GET", path, None, {}, read_seconds)

    def post(
        self,
        path: str,
        *,
        query: Mapping[str, str],
        body: Mapping[str, Any],
        headers: Mapping[str, str],
        read_seconds: float,
    ) -> Answer:
        """Ask the server to do something."""
        where = f"{path}?{urlencode(query, safe=',')}" if query else path
        data = json.dumps(body).encode()
        return self._call(
            "POST", where, data, {"Content-Type": "application/json", **headers}, read_seconds
        )

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        read_seconds: float,
    ) -> Answer:
        """Make one request; UnreachableError before it, BrokenError after it was sent."""
        self._line.check()
        target = parse_url(self._server.url + path)
        request = Request(method, target, {**_HEADERS, **self._credentials(), **headers}, body)
        connection = self._connect(request)
        try:
            connection.settimeout(read_seconds)
            return self._exchange(request, connection)
        except TimeoutError as error:
            raise BrokenError(f"no answer within {read_seconds:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            self._line.check()  # cut by us: no fault of the server
            raise BrokenError(_why(error)) from error
        finally:
            connection.close()

    def _exchange(self, request: Request, connection: socket.socket) -> Answer:
        client = http.client.HTTPConnection(request.target.host, request.target.port)
        client.sock = connection
        send(client, request)
        with client.getresponse() as response:
            data = response.read(MAX_BYTES + 1)
            if len(data) > MAX_BYTES:
                raise InvalidError(f"CB-Tumblebug's answer has more than {MAX_BYTES:,} bytes")
            if response.length:
                raise http.client.IncompleteRead(b"")
            return Answer(
                status=response.status, reason=response.reason[:80], document=_parsed(data)
            )

    def _connect(self, request: Request) -> socket.socket:
        server = self._server
        try:
            return self._line.connect(
                request.target,
                seconds=CONNECT_SECONDS,
                verify=server.verify_tls,
                ca_file=server.ca_file,
            )
        except ssl.SSLCertVerificationError as error:
            fault = f"the certificate is not valid: {error.verify_message}"
        except (OSError, UnicodeError) as error:
            fault = _why(error)
        self._line.check()
        raise UnreachableError(f"No connection to {request.target.authority}: {fault}")

    def _credentials(self) -> dict[str, str]:
        server = self._server
        found = {}
        if server.token:
            found["Authorization"] = f"Bearer {server.token}"
        elif server.user:
            found["Authorization"] = basic(server.user, server.password)
        if server.credential_holder:
            found["x-credential-holder"] = server.credential_holder
        return found


def _allowed(server: TumblebugServer) -> tuple[Allowed, ...]:
    target = parse_url(server.url)
    place = f"[{target.host}]" if ":" in target.host else target.host
    return parse_allowed([f"{place}:{target.port}"])


def _parsed(data: bytes) -> Any:
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(data)
    return None


def _why(error: Exception) -> str:
    """Say what ended a connection, without text of the server."""
    match error:
        case TimeoutError():
            return "no answer in time"
        case http.client.RemoteDisconnected():
            return "it was closed without an answer"
        case http.client.IncompleteRead():
            return "the answer broke off"
        case http.client.HTTPException():
            return f"the answer is not valid HTTP ({type(error).__name__})"
    return str(getattr(error, "strerror", None) or type(error).__name__)
