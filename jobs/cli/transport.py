"""How a request gets to the API: over HTTP, with no more than the standard library.

A command shall answer at once: an HTTP library of its own costs more than the rest of the start.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlencode

from jobs.cli.errors import CliError


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server said; ``headers`` are found in upper and lower case alike."""

    status: int
    headers: Message
    content: bytes

    @property
    def is_success(self) -> bool:
        """Say whether it did what was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def reason(self) -> str:
        """Return the status in words."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return "unknown status"

    def json(self) -> Any:
        """Return the document; CliError when it is none: something else answers at that address."""
        try:
            return json.loads(self.content)
        except ValueError:
            raise CliError("The server's answer is not JSON. Is the URL that of Jobdeck?") from None


class Transport(Protocol):
    """A way to the API."""

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        """Return the answer to a request; ``target`` is path and query."""


def query_text(query: Mapping[str, object]) -> str:
    """Return a query with its question mark; nothing for none."""
    pairs = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in query.items()
    }
    return f"?{urlencode(pairs)}" if pairs else ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follow no redirect: the token is for the server that was named, and for no other."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        """Return no request to go on with."""


class Remote:
    """A server at a URL, asked with a token; proxies are those of the environment."""

    def __init__(self, url: str, token: str, *, timeout: float) -> None:
        """Take where the server is; ``timeout`` is in seconds."""
        if not url.startswith(("http://", "https://")):
            raise CliError(f"The URL {url!r} must begin with http:// or https://.")
        if not token.isascii() or not token.isprintable():
            raise CliError("The token cannot be used: it holds characters that no token has.")
        self._url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirect)

    def request(
        self, method: str, target: str, *, headers: Mapping[str, str], content: bytes
    ) -> Answer:
        """Return the answer to a request."""
        sent = {"Authorization": f"Bearer {self._token}", "Accept": "*/*", **headers}
        try:
            asked = urllib.request.Request(  # noqa: S310 - the constructor allows http(s) alone
                self._url + target, data=content or None, headers=sent, method=method
            )
            with self._opener.open(asked, timeout=self._timeout) as answer:
                return _answer(answer)
        except urllib.error.HTTPError as error:
            with error:
                return _answer(error)
        except urllib.error.URLError as error:
            raise CliError(f"Cannot reach {self._url}: {error.reason}") from error
        except (http.client.InvalidURL, ValueError) as error:
            raise CliError(f"The URL {self._url!r} cannot be used: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            raise CliError(f"Cannot reach {self._url}: {error}") from error


def _answer(response: Any) -> Answer:
    return Answer(status=response.status, headers=response.headers, content=response.read())
