"""What `jobctl` prints for a person: the lines and words of the seed's tool."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

Document = dict[str, Any]

NEVER = "Never"
_WORDS = {
    "": "pending",
    "succeeded": "success",
    "timed_out": "timeout",
    "lost": "failed",
}
_DESCRIPTION = 30


def as_json(value: object) -> str:
    """Return a document as the API sent it, for reading and for programs."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def moment(text: str | None) -> datetime | None:
    """Return a moment of a document in the local zone."""
    return None if text is None else datetime.fromisoformat(text).astimezone()


def stamp(text: str | None) -> str:
    """Return a moment of a document as local time; ``Never`` when there is none."""
    at = moment(text)
    return NEVER if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def status_word(job: Document) -> str:
    """Return where a job stands, in the seed's words."""
    if job["live_count"]:
        return "running"
    if job["state"] == "auto_disabled":
        return "disabled"
    last: str = job["last_state"]
    return _WORDS.get(last, last)


def job_list(jobs: Iterable[Document]) -> Iterator[str]:
    """Yield a line for each job, below a header."""
    yield _row("JOB NAME", "TYPE", "ENABLED", "DESCRIPTION")
    for job in jobs:
        enabled = {"active": "true", "paused": "false", "auto_disabled": "false (auto)"}
        yield _row(job["name"], job["type"], enabled[job["state"]], _cut(job["description"]))


def no_jobs(workspace: str) -> str:
    """Return what an empty list says."""
    if workspace:
        return f"No jobs defined for workspace '{workspace}'"
    return "No standalone jobs configured"


def status_list(jobs: Iterable[Document], *, workspace: str = "") -> Iterator[str]:
    """Yield a line with state and counts for each job."""
    yield f"Jobs in workspace '{workspace}':" if workspace else "Standalone jobs:"
    widths = "{:<20} {:<12} {:<8} {:<8} {}"
    yield widths.format("JOB NAME", "STATUS", "SUCCESS", "FAILED", "LAST RUN")
    for job in jobs:
        at = moment(job["last_started_at"])
        yield widths.format(
            job["name"],
            status_word(job),
            job["success_count"],
            job["failure_count"],
            NEVER if at is None else f"{at:%Y-%m-%d %H:%M}",
        )


def status_lines(job: Document, *, last_error: str) -> Iterator[str]:
    """Yield the labelled lines of one job, as the seed shows them."""
    yield f"Job: {job['name']}"
    yield f"Workspace: {job['workspace']}" if job["workspace"] else "Type: standalone"
    yield f"Status: {status_word(job)}"
    if job["state"] != "active":
        yield "Enabled: false"
    yield f"Run Count: {job['success_count'] + job['failure_count']}"
    yield f"Success Count: {job['success_count']}"
    yield f"Failure Count: {job['failure_count']}"
    yield f"Last Run: {stamp(job['last_started_at'])}"
    yield f"Last Success: {stamp(job['last_success_at'])}"
    yield f"Last Failure: {stamp(job['last_failure_at'])}"
    if last_error:
        yield f"Last Error: {clean(last_error)}"
    yield f"Next Run: {stamp(job['next_fire_at'])}"


def called(job: Document) -> str:
    """Return a job as the sentences of `run` and `kill` begin: ``Standalone job 'x'``."""
    return f"Job '{job['name']}'" if job["workspace"] else f"Standalone job '{job['name']}'"


def place(job: Document) -> str:
    """Return a job with the place where it is: ``job 'x' in workspace 'w'``."""
    if job["workspace"]:
        return f"job '{job['name']}' in workspace '{job['workspace']}'"
    return f"standalone job '{job['name']}'"


def _row(name: str, kind: str, enabled: str, description: str) -> str:
    return f"{name:<20} {kind:<10} {enabled:<15} {description}".rstrip()


def _cut(text: str) -> str:
    """Return the first line of a description, cut to its column."""
    line = clean(text.partition("\n")[0])
    return line if len(line) <= _DESCRIPTION else f"{line[: _DESCRIPTION - 3]}..."


def clean(text: str) -> str:
    """Return text that a terminal shows and does not obey: what a job says is anybody's."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
