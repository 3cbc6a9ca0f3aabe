"""Add up what history says of each hour: what the rollups must equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobs.domain.histogram import bucket_of, empty
from jobs.domain.states import TERMINAL, ExecutionState
from jobs.models import Execution
from jobs.models.stat import DURATION_COLUMNS, OUTCOMES, WAIT_COLUMNS
from jobs.services.rollups import MEASURED, hour_of

_ENDED = tuple(state.value for state in TERMINAL)
_MEASURED = frozenset(state.value for state in MEASURED)
_CHUNK = 2000
_SECONDS = ("run_seconds", "wait_seconds", "longest_seconds", "longest_wait_seconds")
# What each table keeps of an hour.
SUMS_OF_JOB = (*OUTCOMES, "run_seconds", "wait_seconds", "longest_seconds", *DURATION_COLUMNS)
SUMS_OF_QUEUE = (*SUMS_OF_JOB, "longest_wait_seconds", *WAIT_COLUMNS)


@dataclass(slots=True)
class Sums:
    """What ended in one hour."""

    outcomes: Counter[str] = field(default_factory=Counter)
    run_seconds: float = 0.0
    wait_seconds: float = 0.0
    longest_seconds: float = 0.0
    longest_wait_seconds: float = 0.0
    runs: list[int] = field(default_factory=empty)
    waits: list[int] = field(default_factory=empty)

    def add(self, state: str, *, ran: float, waited: float) -> None:
        """Count one ending, as `rollups.add_ending` does."""
        self.outcomes[state] += 1
        if state not in _MEASURED:
            return
        self.run_seconds += ran
        self.wait_seconds += waited
        self.longest_seconds = max(self.longest_seconds, ran)
        self.longest_wait_seconds = max(self.longest_wait_seconds, waited)
        self.runs[bucket_of(ran)] += 1
        self.waits[bucket_of(waited)] += 1

    def merge(self, other: Sums) -> None:
        """Add what ended elsewhere in the same hour."""
        self.outcomes += other.outcomes
        self.run_seconds += other.run_seconds
        self.wait_seconds += other.wait_seconds
        self.longest_seconds = max(self.longest_seconds, other.longest_seconds)
        self.longest_wait_seconds = max(self.longest_wait_seconds, other.longest_wait_seconds)
        self.runs = [one + two for one, two in zip(self.runs, other.runs, strict=True)]
        self.waits = [one + two for one, two in zip(self.waits, other.waits, strict=True)]

    def at_least(self, other: Sums) -> Sums:
        """Return the greater of each figure."""
        return Sums(
            outcomes=self.outcomes | other.outcomes,
            **{name: max(getattr(self, name), getattr(other, name)) for name in _SECONDS},
            runs=[max(pair) for pair in zip(self.runs, other.runs, strict=True)],
            waits=[max(pair) for pair in zip(self.waits, other.waits, strict=True)],
        )

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Sums:
        """Return the sums that the columns of a row hold."""
        return cls(
            outcomes=Counter({name: row.get(name) or 0 for name in OUTCOMES}),
            **{name: row.get(name) or 0.0 for name in _SECONDS},
            runs=[row.get(name) or 0 for name in DURATION_COLUMNS],
            waits=[row.get(name) or 0 for name in WAIT_COLUMNS],
        )

    def columns(self) -> dict[str, Any]:
        """Return the values of the columns; an empty bucket is null."""
        found: dict[str, Any] = {outcome: self.outcomes[outcome] for outcome in OUTCOMES}
        found |= {name: getattr(self, name) for name in _SECONDS}
        found |= {name: n or None for name, n in zip(DURATION_COLUMNS, self.runs, strict=True)}
        found |= {name: n or None for name, n in zip(WAIT_COLUMNS, self.waits, strict=True)}
        return found


def sums_of_job(job_id: int, *, since: datetime | None = None) -> dict[tuple[datetime, str], Sums]:
    """Return what ended of a job, by hour and queue, from its executions."""
    found: dict[tuple[datetime, str], Sums] = {}
    for state, queue, ended_at, ran, waited in _endings(job_id, since):
        key = (hour_of(ended_at), queue)
        if key not in found:
            found[key] = Sums()
        found[key].add(state, ran=ran, waited=waited)
    return found


def of_hours(sums: dict[tuple[datetime, str], Sums]) -> dict[datetime, Sums]:
    """Return the sums of each hour over all queues."""
    found: dict[datetime, Sums] = {}
    for (hour, _), one in sums.items():
        found.setdefault(hour, Sums()).merge(one)
    return found


def _endings(
    job_id: int, since: datetime | None
) -> Iterator[tuple[str, str, datetime, float, float]]:
    """Yield state, queue, end, seconds of running and of waiting for each ended execution.

    A later attempt waited for its back-off, not for a worker (`executions.settle`).
    """
    rows = Execution.objects.filter(job=job_id, state__in=_ENDED, finished_at__isnull=False)
    if since is not None:
        rows = rows.filter(finished_at__gte=since)
    values = rows.order_by("pk").values_list(
        "state", "queue", "attempt", "queued_at", "started_at", "finished_at"
    )
    found: Iterator[Any] = values.iterator(_CHUNK)  # all of these have ended
    for state, queue, attempt, queued_at, started_at, finished_at in found:
        began = started_at or finished_at
        waits_from = queued_at if attempt == 1 or state == ExecutionState.SKIPPED else began
        ran, waited = finished_at - began, began - waits_from
        yield state, queue, finished_at, max(ran.total_seconds(), 0), max(waited.total_seconds(), 0)
