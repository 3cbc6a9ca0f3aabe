"""A typed client of Jobdeck's JSON API in one file, on the standard library; copy it.

deck = Jobdeck("http://127.0.0.1:8000", token)
job = deck.create({"name": "report", "type": "command", "spec": {"command": "date"}})
run = deck.run(job["id"], wait=30)
print(run["state"], deck.log(run["id"]))
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, TypedDict, cast

FINAL = {"succeeded", "failed", "timed_out", "cancelled", "skipped", "lost"}
ATTEMPTS = 4  # of a request that may be repeated


class Job(TypedDict):
    """The fields of a job that most scripts read; there are more."""

    id: int
    name: str
    type: str
    state: str
    version: int
    next_fire_at: str | None
    execution_count: int


class Execution(TypedDict):
    """The fields of an execution that most scripts read; there are more."""

    id: int
    job_id: int
    state: str
    due_at: str
    exit_code: int | None
    message: str
    result: Any


class ProblemError(Exception):
    """A refusal: what was wrong, and for a stale edit what has changed meanwhile."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        """Take the problem object."""
        super().__init__(f"{problem['status']} {problem['code']}: {problem['detail']}")
        self.status = int(problem["status"])
        self.code = str(problem["code"])
        self.fields: dict[str, str] = problem.get("fields", {})
        self.diff: list[dict[str, Any]] = problem.get("diff", [])


class Jobdeck:
    """One server, one token."""

    def __init__(self, url: str, token: str, *, timeout: float = 60) -> None:
        """Take the server's address and a token."""
        self._base = url.rstrip("/") + "/api/v1"
        self._token = token
        self._timeout = timeout

    def jobs(self, **filters: object) -> Iterator[Job]:
        """Yield all jobs that match, page by page: ``state``, ``search``, ``tag``."""
        return cast("Iterator[Job]", self._pages("/jobs", filters))

    def executions(self, **filters: object) -> Iterator[Execution]:
        """Yield all executions that match, newest first: ``job_id``, ``state``."""
        return cast("Iterator[Execution]", self._pages("/executions", filters))

    def job(self, job_id: int) -> Job:
        """Return one job."""
        return cast("Job", self._json("GET", f"/jobs/{job_id}"))

    def create(self, definition: Mapping[str, Any]) -> Job:
        """Create a job, once, even if the request has to be repeated."""
        return cast("Job", self._json("POST", "/jobs", definition))

    def change(self, job: Job, changes: Mapping[str, Any]) -> Job:
        """Change fields of a job as it was read; ProblemError ``stale`` when somebody was faster."""
        headers = {"If-Match": f'"{job["version"]}"'}
        return cast("Job", self._json("PATCH", f"/jobs/{job['id']}", changes, headers))

    def pause(self, job_id: int, reason: str = "") -> Job:
        """Stop a job's schedules."""
        return cast("Job", self._json("POST", f"/jobs/{job_id}/pause", {"reason": reason}))

    def resume(self, job_id: int) -> Job:
        """Let a job's schedules go on."""
        return cast("Job", self._json("POST", f"/jobs/{job_id}/resume"))

    def delete(self, job_id: int) -> None:
        """Delete a job; its history stays readable."""
        self._send("DELETE", f"/jobs/{job_id}")

    def run(
        self, job_id: int, *, wait: float = 0, parameters: Mapping[str, Any] | None = None
    ) -> Execution:
        """Start a job now; with ``wait``, return when it has ended or so many seconds are over."""
        body = {"parameters": dict(parameters)} if parameters else {}
        found = cast("Execution", self._json("POST", f"/jobs/{job_id}/trigger", body))
        end = time.monotonic() + wait
        while found["state"] not in FINAL and (rest := end - time.monotonic()) > 0:
            path = f"/executions/{found['id']}?wait={min(rest, 30):.1f}"
            found = cast("Execution", self._json("GET", path))
        return found

    def log(self, execution_id: int) -> str:
        """Return what an execution has printed so far."""
        return self._send("GET", f"/executions/{execution_id}/log").decode(errors="replace")

    def _pages(self, path: str, filters: Mapping[str, object]) -> Iterator[Any]:
        query = dict(filters)
        while True:
            page = self._json("GET", f"{path}?{urllib.parse.urlencode(query, doseq=True)}")
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]

    def _json(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        return json.loads(self._send(method, path, body, headers))

    def _send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        sent = {"Authorization": f"Bearer {self._token}", **(headers or {})}
        if method == "POST":  # the same key each time: what was done is not done again
            sent["Idempotency-Key"] = str(uuid.uuid4())
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(1, ATTEMPTS + 1):
            request = urllib.request.Request(self._base + path, data, sent, method=method)  # noqa: S310 - the address is the reader's own
            try:
                with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                    return bytes(answer.read())
            except urllib.error.HTTPError as refusal:
                problem = json.loads(refusal.read())
                if refusal.code not in (429, 503) or attempt == ATTEMPTS:
                    raise ProblemError(problem) from None
                time.sleep(min(float(refusal.headers.get("Retry-After", 1)), 10))
        raise AssertionError("unreachable")
