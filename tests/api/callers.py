"""Callers of the API: somebody's token and plain calls with JSON in and out."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from jobs.domain.permissions import Role
from jobs.services import tokens
from tests.factories import make_user

PREFIX = "/api/v1"


class Answer:
    """An answer as a test reads it, streamed or not."""

    def __init__(self, response: HttpResponse) -> None:
        """Take Django's response and read it to the end."""
        self.status = response.status_code
        self.headers = response.headers
        streamed = getattr(response, "streaming_content", None)
        self.content = b"".join(streamed) if streamed is not None else response.content

    @property
    def json(self) -> Any:
        """Return the document."""
        return json.loads(self.content)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return the documents of JSON lines."""
        return [json.loads(line) for line in self.content.splitlines()]


class Caller:
    """Whoever holds a token; without one, a stranger."""

    def __init__(self, token: str = "", client: Client | None = None) -> None:
        """Take the token's value."""
        self.client = client or Client()
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def call(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> Answer:
        """Send a request; ``headers`` are named with underscores."""
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {**self.headers, **{name.replace("_", "-"): v for name, v in headers.items()}}
        where = path if path.startswith("/api") else PREFIX + path
        response = self.client.generic(
            method, where, data, content_type="application/json", headers=sent
        )
        return Answer(response)  # type: ignore[arg-type]  # the test client adds attributes

    def get(self, path: str, **headers: str) -> Answer:
        """Send a GET."""
        return self.call("GET", path, raw=None, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a POST."""
        return self.call("POST", path, body, raw=None, **headers)


def caller(role: Role | None, name: str = "") -> Caller:
    """Return somebody new in ``role``, with a token."""
    user = make_user(name or f"caller-{role}", role)
    _, value = tokens.create(user, "test")
    return Caller(value)
