"""The starts of the last minute, where a queue limits them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from jobs.domain.starts import Minute, minute_of
from jobs.domain.states import ExecutionState

# PostgreSQL's own clock, as it stamps claims and starts; SQLite has none, and one host.
_NOW = "statement_timestamp()" if connection.vendor == "postgresql" else "NULL"
# When each attempt really started: where its attempt is kept, or else on its execution.
_STARTS = (
    f"SELECT {_NOW}, s.claimed_at, a.id, a.started_at, e.id, e.attempt = s.attempt, e.state, "  # noqa: S608 - a constant
    "e.started_at FROM jobs_queuestart s LEFT JOIN jobs_execution e ON e.id = s.execution_id "
    "LEFT JOIN jobs_attempt a ON a.execution_id = s.execution_id AND a.number = s.attempt "
    "WHERE s.queue = %s"
)


def minute(queue: str, per_minute: int) -> Minute:
    """Return what the last minute leaves of a queue's starts."""
    return _measured(queue, per_minute)[0]


def opens_in(queues: Iterable[str]) -> float | None:
    """Return in how many seconds the first of the queues may start again that used up its minute.

    None where none of them did; queues that are paused open by hand.
    """
    found: list[float] = []
    for queue, per_minute in _limited(list(queues)):
        left, now = _measured(queue, per_minute)
        seconds = left.opens_in(now)
        if seconds is not None:
            found.append(seconds)
    return min(found, default=None)


def _limited(queues: Sequence[str]) -> list[tuple[str, int]]:
    places = ", ".join(["%s"] * len(queues))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, starts_per_minute FROM jobs_queue WHERE starts_per_minute IS NOT NULL "  # noqa: S608 - constants
            f"AND paused_at IS NULL AND name IN ({places})",
            queues,
        )
        found: list[tuple[str, int]] = cursor.fetchall()
        return found


def _measured(queue: str, per_minute: int) -> tuple[Minute, datetime]:
    """Return what the last minute leaves, and the moment at which that was so."""
    with connection.cursor() as cursor:
        cursor.execute(_STARTS, [queue])
        found = cursor.fetchall()
    now = found[0][0] if found and found[0][0] is not None else timezone.now()
    starts = [at for row in found if (at := _started_at(row, now)) is not None]
    return minute_of(starts, per_minute, now), now


def _started_at(row: Sequence[Any], now: datetime) -> datetime | None:
    """Return when a claimed attempt started: now, when it is about to; None when it never did."""
    _, claimed_at, kept, kept_at, execution, is_latest, state, started_at = row
    if kept is not None:
        return _aware(kept_at)
    if execution is None or not is_latest:
        return _aware(claimed_at)
    return now if state == ExecutionState.CLAIMED else _aware(started_at)


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
