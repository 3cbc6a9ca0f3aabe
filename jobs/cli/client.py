"""Call the API: over HTTP with a token, or in this process on the server's own host."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from jobs.cli.errors import CliError
from jobs.domain.states import LIVE

Document = dict[str, Any]

_PREFIX = "/api/v1"
_TIMEOUT = 60.0
_WAIT = 10  # seconds that one request asks the server to wait; it may answer earlier
_PAUSE = 0.5  # between two requests for something that has not happened yet
_PAGE = 500
_LOG_BYTES = 4_000_000


@dataclass
class Api:
    """The API as the commands use it; every refusal becomes a CliError with its own sentence."""

    url: str = ""
    token: str = ""
    workspace: str = ""
    _open: list[httpx.Client] = field(default_factory=list, init=False)

    @cached_property
    def _http(self) -> httpx.Client:
        """Return the connection, made at the first call: `--help` needs none."""
        client = self._connect()
        self._open.append(client)
        return client

    def _connect(self) -> httpx.Client:
        if not self.url:
            from jobs.cli.local import local_client

            return local_client()
        if not self.token:
            raise CliError("JOBDECK_TOKEN is missing: a server at a URL asks for a token.")
        if not self.url.startswith(("http://", "https://")):
            raise CliError(f"The URL {self.url!r} must begin with http:// or https://.")
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=self.url.rstrip("/"), headers=headers, timeout=_TIMEOUT)

    def close(self) -> None:
        """Close the connection if there is one."""
        for client in self._open:
            client.close()

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Return the answer of the server; CliError when it refuses or cannot be reached."""
        try:
            response = self._http.request(method, _PREFIX + path, **options)
        except httpx.HTTPError as error:
            raise CliError(f"Cannot reach {self.url or 'the API'}: {error}") from error
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise CliError(f"The URL {self.url!r} or the token cannot be used: {error}") from error
        if response.is_success:
            return response
        raise CliError(_refusal(response))

    def get(self, path: str, **query: Any) -> Document:
        """Return a document."""
        document: Document = self.send("GET", path, params=query).json()
        return document

    def post(
        self, path: str, *, body: object = None, content: bytes = b"", **query: Any
    ) -> Document:
        """Act; ``content`` is a body that the server shall judge as it is."""
        data = json.dumps(body).encode() if body is not None else content
        headers = {"Content-Type": "application/json"}
        response = self.send("POST", path, params=query, content=data, headers=headers)
        document: Document = response.json()
        return document

    def jobs(self) -> Iterator[Document]:
        """Yield all jobs, page by page."""
        self._check_workspace()
        cursor: str | None = ""
        while cursor is not None:
            page = self.get("/jobs", limit=_PAGE, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page["next_cursor"]

    def job(self, name: str) -> Document:
        """Return the job called ``name``."""
        self._check_workspace()
        found: list[Document] = []
        if len(name) <= 200 and "\0" not in name and name:
            found = self.get("/jobs", name=name, limit=1)["items"]
        if not found:
            raise CliError(f"standalone job '{name}' not found")
        return found[0]

    def _check_workspace(self) -> None:
        """Refuse a workspace: every job stands alone until there are workspaces."""
        if self.workspace:
            raise CliError(f"workspace '{self.workspace}' not found")

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

    def search_logs(self, job: Document, text: str) -> Iterator[Document]:
        """Yield the lines with ``text`` of a job's executions, the newest first."""
        cursor: str | None = ""
        while cursor is not None:
            query = {"cursor": cursor} if cursor else {}
            page = self.get(f"/jobs/{job['id']}/log-search", q=text, **query)
            yield from page["items"]
            cursor = page["next_cursor"]

    def log_pieces(
        self, execution_id: int, *, follow: bool, tail: int = 0, attempt: int = 0
    ) -> Iterator[bytes]:
        """Yield what is printed so far; with ``follow`` also what comes, until the execution ends."""
        start, complete = 0, False
        query: dict[str, int] = {"tail": tail, "attempt": attempt}
        while not complete:
            before = start
            data, start, complete = self.log(execution_id, before, **query)
            query = {"attempt": attempt}
            if data:
                yield data
            elif not complete and start == before:
                if not follow:
                    return
                time.sleep(_PAUSE)


def is_live(execution: Document) -> bool:
    """Say whether an execution still waits or runs."""
    return execution["state"] in LIVE


def _refusal(response: httpx.Response) -> str:
    """Return the sentence of a problem object; of anything else, the status."""
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"The server answered {response.status_code} {response.reason_phrase}."
    return str(detail)
