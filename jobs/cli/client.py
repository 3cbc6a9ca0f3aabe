"""Call the API: over HTTP with a token, or in this process on the server's own host."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any

from jobs.cli.errors import CliError, NotFoundError
from jobs.cli.transport import Answer, Remote, Transport, query_text
from jobs.domain.states import LIVE

Document = dict[str, Any]

_PREFIX = "/api/v1"
_TIMEOUT = 60.0
_WAIT = 10  # seconds that one request asks the server to wait; it may answer earlier
_PAUSE = 0.5  # between two requests for something that has not happened yet
_PAGE = 500
_LOG_BYTES = 4_000_000
_LONGEST_NAME = 200
_STANDALONE = "_standalone_"  # the jobs of no workspace


@dataclass
class Api:
    """The API as the commands use it; every refusal becomes a CliError with its own sentence."""

    url: str = ""
    token: str = ""
    workspace: str = ""

    @cached_property
    def _transport(self) -> Transport:
        """Return the way to the API, found at the first call: `--help` needs none."""
        if not self.url:
            from jobs.cli.local import Local

            return Local()
        if not self.token:
            raise CliError("JOBCTL_TOKEN is missing: a server at a URL asks for a token.")
        return Remote(self.url, self.token, timeout=_TIMEOUT)

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, object] | None = None,
        json_body: object = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the server's answer, also a refusal; ``content`` is sent as it is."""
        data = content if json_body is None else json.dumps(json_body).encode()
        sent = {"Content-Type": "application/json"} if data or method == "POST" else {}
        target = _PREFIX + path + query_text(params or {})
        return self._transport.request(
            method, target, headers={**sent, **(headers or {})}, content=data
        )

    def send(self, method: str, path: str, **options: Any) -> Answer:
        """Return the answer of the server; CliError when it refuses or cannot be reached."""
        answer = self.ask(method, path, **options)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise NotFoundError(refusal(answer))
        if not answer.is_success:
            raise CliError(refusal(answer))
        return answer

    def get(self, path: str, **query: Any) -> Document:
        """Return a document."""
        document: Document = self.send("GET", path, params=query).json()
        return document

    def post(
        self, path: str, *, body: object = None, content: bytes = b"", **query: Any
    ) -> Document:
        """Act; ``content`` is a body that the server shall judge as it is."""
        answer = self.send("POST", path, params=query, json_body=body, content=content)
        document: Document = answer.json()
        return document

    def pages(self, path: str, **query: Any) -> Iterator[Document]:
        """Yield everything that a list holds, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page["next_cursor"]

    def jobs(self, **query: Any) -> Iterator[Document]:
        """Yield the jobs of the workspace; without one those that stand alone."""
        try:
            for job in self.pages("/jobs", limit=_PAGE, **query, **self._room()):
                if self._is_here(job):
                    yield job
        except NotFoundError:
            if not self.workspace:
                raise
            raise CliError(f"workspace '{self.workspace}' not found") from None

    def job(self, name: str) -> Document:
        """Return the job called ``name``."""
        fits = 0 < len(name) <= _LONGEST_NAME and "\0" not in name
        # An impossible name is looked up as well: an unknown workspace is told before it.
        for job in self.jobs(**({"name": name} if fits else {"name": "-"})):
            if fits:
                return job
        if self.workspace:
            raise CliError(f"job '{name}' not found in workspace '{self.workspace}'")
        raise CliError(f"standalone job '{name}' not found")

    def _room(self) -> dict[str, str]:
        return {"workspace": self.workspace or _STANDALONE}

    def _is_here(self, job: Document) -> bool:
        """Say whether a job is in the workspace that was named, or in none."""
        return str(job["workspace"] or "").lower() == self.workspace.lower()

    def executions(self, job: Document, *, limit: int, state: str = "") -> list[Document]:
        """Return a job's newest executions; ``state`` may name several, with commas."""
        query = {"state": state} if state else {}
        page = self.get("/executions", job_id=job["id"], limit=limit, **query)
        items: list[Document] = page["items"]
        return items

    def live(self, job: Document) -> list[Document]:
        """Return what a job has waiting or running."""
        return self.executions(job, limit=_PAGE, state=",".join(LIVE))

    def until_ended(self, execution: Document, *, timeout: float | None = None) -> Document:
        """Return the execution when it has ended, or after ``timeout`` seconds as it is."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while is_live(execution) and (deadline is None or time.monotonic() < deadline):
            asked = time.monotonic()
            execution = self.get(f"/executions/{execution['id']}", wait=_WAIT)
            if is_live(execution) and time.monotonic() - asked < _PAUSE:
                time.sleep(_PAUSE)  # another request has the server's one place to wait
        return execution

    def log(self, execution_id: int, start: int, **query: str | int) -> tuple[bytes, int, bool]:
        """Return output from byte ``start``, where it goes on, and whether that was all.

        Of a few megabytes of the log at a time, so that neither side has to hold more.
        """
        wanted = {"from": start, "limit": _LOG_BYTES, **query}
        response = self.send("GET", f"/executions/{execution_id}/log", params=wanted)
        complete = response.headers["Log-Complete"] == "true"
        return response.content, int(response.headers["Log-Next"]), complete

    def search_logs(self, job: Document, text: str, **query: Any) -> Iterator[Document]:
        """Yield the lines with ``text`` of a job's executions, the newest first."""
        return self.pages(f"/jobs/{job['id']}/log-search", q=text, **query)

    def log_pieces(
        self, execution_id: int, *, follow: bool, tail: int = 0, attempt: int = 0
    ) -> Iterator[bytes]:
        """Yield what is printed so far; with ``follow`` also what comes, until the execution ends.

        The server holds the answer until there is something new. It does so for one request at a
        time; a second one is answered at once, and then it is this side that pauses.
        """
        start, complete = 0, False
        query: dict[str, int] = {"tail": tail, "attempt": attempt}
        while not complete:
            before, asked = start, time.monotonic()
            data, start, complete = self.log(execution_id, before, **query)
            query = {"attempt": attempt, **({"wait": _WAIT} if follow else {})}
            if data:
                yield data
            elif not complete and start == before:
                if not follow:
                    return
                if time.monotonic() - asked < _PAUSE:
                    time.sleep(_PAUSE)


def is_live(execution: Document) -> bool:
    """Say whether an execution still waits or runs."""
    return execution["state"] in LIVE


def refusal(answer: Answer) -> str:
    """Return the sentence of a problem object; of anything else, the status."""
    try:
        detail = answer.json()["detail"]
    except (CliError, KeyError, TypeError):
        return f"The server answered {answer.status} {answer.reason}."
    return str(detail)
