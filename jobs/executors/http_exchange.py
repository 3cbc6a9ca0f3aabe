"""One request with its redirects, made in a thread of its own: it tells what comes as it comes."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from jobs.domain.errors import InvalidError
from jobs.domain.masking import Mask, MaskedStream
from jobs.domain.states import Stream
from jobs.executors.base import Chunk
from jobs.executors.directives import MAX_LINE_BYTES, parse_json
from jobs.executors.http_decoding import Kind, TooLargeError, Unpacker
from jobs.executors.http_line import CutError, Line
from jobs.executors.http_request import REDIRECTS, Request, first_request, redirected, send
from jobs.executors.http_spec import HttpSpec
from jobs.executors.http_url import Target, follow

MAX_REDIRECTS = 5
READ_BYTES = 65_536
# Shown of an answer; the rest may be long, many or, like cookies, a secret.
_SHOWN_TEXT = (
    "age allow cache-control content-encoding content-language content-length"
    " content-range content-type date etag expires last-modified location retry-after"
    " server transfer-encoding vary via warning www-authenticate x-request-id"
)
_SHOWN = frozenset(_SHOWN_TEXT.split())
_SHOWN_LENGTH = 8000  # secrets are masked after the cut


@dataclass(slots=True)
class Outcome:
    """How the exchange ended: ``fault`` is the sentence of a failure, empty when all is well."""

    fault: str = ""
    message: str = ""  # the sentence of a success, where there is one
    result: Any = None
    metrics: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class Exchange(Thread):
    """A thread that ends on its own, at the latest when its line is cut."""

    def __init__(
        self, spec: HttpSpec, line: Line, mask: Mask, tell: Callable[[Chunk | Outcome], None]
    ) -> None:
        """Take where to report: pieces for the log, and at last an Outcome."""
        super().__init__(name="http-exchange", daemon=True)
        self._spec = spec
        self._line = line
        self._mask = mask
        self._tell = tell
        self._start = time.monotonic()
        self._at_line_start = True
        self._outcome = Outcome()

    def run(self) -> None:
        """Make the request and tell its outcome, whatever happens."""
        try:
            self._request_and_follow(first_request(self._spec))
        except Exception as error:  # noqa: BLE001 - the supervisor waits for an outcome
            self._outcome.fault = self._mask.text(_sentence(error))
        finally:
            self._line.close()
            self._tell(self._outcome)

    def _request_and_follow(self, request: Request) -> None:
        for _ in range(MAX_REDIRECTS + 1):
            following = self._one(request)
            if following is None:
                return
            request = following
        raise InvalidError(f"More than {MAX_REDIRECTS} redirects; the next one to {request.target}")

    def _one(self, request: Request) -> Request | None:
        """Make one request; return the next one when its answer is a redirect to follow."""
        self._line.check()
        self._note(f"> {request.method} {request.target}")
        connection = self._connect(request.target)
        try:
            client = http.client.HTTPConnection(request.target.host, request.target.port)
            client.sock = connection
            send(client, request)
            with client.getresponse() as response:
                self._note_head(request, response)
                location = response.getheader("Location")
                if self._spec.follow_redirects and location and response.status in REDIRECTS:
                    return redirected(request, response.status, location)
                self._judge(request, response)
                return None
        finally:
            connection.close()

    def _connect(self, target: Target) -> socket.socket:
        seconds = self._spec.connect_timeout_seconds
        try:
            connection = self._line.connect(target, seconds=seconds, verify=self._spec.verify_tls)
        except TimeoutError:
            raise InvalidError(
                f"No connection to {target.authority} within {seconds:g} s"
            ) from None
        except (OSError, UnicodeError) as error:
            raise InvalidError(_why_no_connection(target, error)) from None
        # From here on the job's own time limit counts, whose end cuts the line.
        connection.settimeout(None)
        return connection

    def _judge(self, request: Request, response: http.client.HTTPResponse) -> None:
        self._outcome.metrics["status"] = response.status
        kind = Kind(response.getheader("Content-Type") or "")
        body = self._body(response, kind)
        seconds = round(time.monotonic() - self._start, 6)
        self._outcome.metrics |= {"bytes": len(body), "seconds": seconds}
        self._note(f"< {len(body):,} bytes, {seconds:.3f} s")
        self._outcome.result = self._result(body, kind)
        if not self._spec.expects(response.status):
            self._outcome.fault = self._mask.text(self._unexpected(request, response))
        elif self._spec.json_condition is not None:
            self._outcome.fault = self._mask.text(self._condition_fault(body))

    def _body(self, response: http.client.HTTPResponse, kind: Kind) -> bytes:
        """Read the answer, and log it while it comes if it is text."""
        unpacker = Unpacker(
            response.getheader("Content-Encoding") or "", self._spec.max_response_bytes
        )
        shown = kind.is_text and unpacker.understood
        decoder = kind.decoder()
        stream = MaskedStream(self._mask)
        body = bytearray()
        try:
            while data := response.read1(READ_BYTES):
                self._line.check()
                piece = unpacker.feed(data)
                body += piece
                if shown:
                    self._show(stream.feed(_utf8(decoder.decode(piece))))
            unpacker.finish()
        finally:
            if shown:
                self._show(stream.feed(_utf8(decoder.decode(b"", final=True))))
                self._show(stream.finish())
                self._show(b"" if self._at_line_start else b"\n")
        # read1 ends quietly where the connection does; a length that was promised tells.
        if response.length:
            raise InvalidError(f"The answer broke off {response.length:,} bytes before its end")
        if body and not shown:
            self._note(f"the body is {kind.name}, not text, and is not shown")
        return bytes(body)

    def _result(self, body: bytes, kind: Kind) -> Any:
        """Return a small JSON answer, without secrets, as the result of the run."""
        if not kind.is_json or not 0 < len(body) <= MAX_LINE_BYTES:
            return None
        try:
            return self._mask.value(parse_json(kind.decoder().decode(body, final=True)))
        except (ValueError, RecursionError):
            return None

    def _condition_fault(self, body: bytes) -> str:
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return "Condition failed: the answer is not JSON"
        fault = self._spec.json_condition and self._spec.json_condition.fault_of(document)
        return f"Condition failed: {fault}" if fault else ""

    def _unexpected(self, request: Request, response: http.client.HTTPResponse) -> str:
        expected = ", ".join(map(str, self._spec.expected_status))
        fault = f"Unexpected status {response.status} {_printable(response.reason)}".rstrip()
        location = response.getheader("Location")
        if response.status in REDIRECTS and location:
            place = _place_of(request.target, location)
            return f"{fault}, a redirect to {place} that is not followed; expected {expected}"
        return f"{fault}; expected {expected}"

    def _note_head(self, request: Request, response: http.client.HTTPResponse) -> None:
        self._note(f"< {response.status} {response.reason}".rstrip())
        for name, value in response.getheaders():
            if name.lower() in _SHOWN:
                is_place = name.lower() == "location"
                shown = _place_of(request.target, value) if is_place else value[:_SHOWN_LENGTH]
                self._note(f"< {name.lower()}: {shown}")

    def _note(self, text: str) -> None:
        self._tell(Chunk(Stream.SYSTEM, _utf8(f"{self._mask.text(_printable(text))}\n")))

    def _show(self, data: bytes) -> None:
        if data:
            self._at_line_start = data.endswith(b"\n")
            self._tell(Chunk(Stream.STDOUT, data))


def _place_of(base: Target, location: str) -> str:
    try:
        return str(follow(base, location))
    except InvalidError as error:
        return f"an address that is refused ({error.message})"


def _why_no_connection(target: Target, error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"TLS: the certificate of {target.host} is not valid: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS with {target.authority} failed: {_reason(error)}"
        case socket.gaierror():
            return f"{target.host} could not be resolved: {_reason(error)}"
        case _:
            return f"No connection to {target.authority}: {_reason(error)}"


def _sentence(error: Exception) -> str:
    """Say what went wrong, without repeating text of the server or of the request."""
    match error:
        case InvalidError():
            return error.message
        case CutError():
            return "The request was ended"
        case TooLargeError():
            return f"Answer too large: more than {error.limit:,} bytes"
        case zlib.error():
            return "The compression of the answer is broken"
        case http.client.RemoteDisconnected():
            return "The server closed the connection without an answer"
        case http.client.IncompleteRead():
            return "The answer broke off before its end"
        case http.client.HTTPException():
            return f"The answer is not valid HTTP ({type(error).__name__})"
        case OSError():
            return f"The connection failed: {_reason(error)}"
        case _:
            return f"The request failed ({type(error).__name__})"


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
    return str(reason or type(error).__name__)


def _utf8(text: str) -> bytes:
    # UTF-16 and the like can hold half a character, which UTF-8 cannot.
    return text.encode("utf-8", "replace")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
