"""Which execution and which moment a person means."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobs.cli.errors import CliError

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document

_LONGEST_ID = 18


def execution_number(target: str) -> int | None:
    """Return the execution that ``target`` numbers; None for a job's name."""
    number = target.removeprefix("#")
    fits = number.isascii() and number.isdecimal() and len(number) <= _LONGEST_ID
    return int(number) if fits else None


def latest(api: Api, target: str) -> Document:
    """Return the execution that is meant: that of a number, else the latest of the job."""
    number = execution_number(target)
    if number is not None:
        return api.get(f"/executions/{number}")
    job = api.job(target)
    found = api.executions(job, limit=1)
    if not found:
        raise CliError(f"job '{job['name']}' has not run yet")
    return api.get(f"/executions/{found[0]['id']}")


def given_moment(option: str, given: str | None) -> str | None:
    """Return a moment as the API takes it, of ISO 8601; one without an offset is on the local clock."""
    if given is None:
        return None
    at = _utc(given)
    if at is None:
        raise CliError(
            f"{option} {given[:60]!r} is no moment. Use ISO 8601, such as 2026-03-29T00:00:00Z."
        )
    return at


def moment_ago(option: str, given: str) -> str:
    """Return a moment as the API takes it, of ISO 8601 or of how long ago it was, such as 2h.

    One without an offset is on the local clock.
    """
    at = _utc(given)
    if at is not None:
        return at
    from jobs.domain.durations import parse_duration
    from jobs.domain.errors import JobdeckError

    try:
        return (datetime.now(UTC) - parse_duration(given)).isoformat()
    except (JobdeckError, OverflowError):
        raise CliError(
            f"{option} {given[:60]!r} is no moment. Use ISO 8601, such as 2026-03-29T00:00:00Z, "
            "or how long ago, such as 2h."
        ) from None


def _utc(given: str) -> str | None:
    try:
        return datetime.fromisoformat(given).astimezone(UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None
