"""Write the hourly sums: of each ending on its queue and of its job, and of what the product does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache

from django.db import connection

from jobs.domain.histogram import LATENESS_BOUNDS, bucket_of
from jobs.domain.states import FAILURES, ExecutionState
from jobs.models.stat import DURATION_COLUMNS, LATE_COLUMNS, OUTCOMES, WAIT_COLUMNS
from jobs.services import revisions, sql

# What says how long a run takes: those that ended by themselves, or broke on the way.
MEASURED = frozenset({ExecutionState.SUCCEEDED, *FAILURES})


def hour_of(moment: datetime) -> datetime:
    """Return the hour in which ``moment`` lies."""
    return moment.replace(minute=0, second=0, microsecond=0)


def add_ending(
    job_id: int,
    *,
    queue: str,
    state: ExecutionState,
    at: datetime,
    run_seconds: float,
    wait_seconds: float,
) -> None:
    """Add an ending to the hour of its queue and to that of its job.

    Call it with the job locked: that orders the writers of the job's row, so that it needs no shards
    and stands in nobody's way. On PostgreSQL both are one statement.
    """
    hour = hour_of(at)
    measured = state in MEASURED
    seconds = [run_seconds, wait_seconds] if measured else [0.0, 0.0]
    run = bucket_of(run_seconds) if measured else None
    wait = bucket_of(wait_seconds) if measured else None
    ones = [int(state == outcome) for outcome in OUTCOMES]
    of_job = [job_id, hour, 1, *seconds, seconds[0]]
    of_queue = [hour, queue, revisions.shard(), *ones, *seconds, *seconds]
    if connection.vendor == "postgresql":
        sql.run(_both(state.value, run, wait), [*of_job, *of_queue])
    else:
        sql.run(_of_job(state.value, run), of_job)
        sql.run(_of_queue(run, wait), of_queue)


@cache
def _both(outcome: str, run: int | None, wait: int | None) -> str:
    return f"WITH one AS ({_of_job(outcome, run)}) {_of_queue(run, wait)}"


@cache
def _of_job(outcome: str, run: int | None) -> str:
    """Return the statement that adds one ending to the hour of its job.

    It names only the columns that grow: the others stay as they are, or null.
    """
    bucket = _bucket(DURATION_COLUMNS, run)
    return _upsert(
        "jobs_jobstat",
        keys=("job_id", "hour"),
        sums=(outcome, "run_seconds", "wait_seconds"),
        greatest=("longest_seconds",),
        buckets=bucket,
    )


@cache
def _of_queue(run: int | None, wait: int | None) -> str:
    """Return the statement that adds one ending to the hour of its queue."""
    return _upsert(
        "jobs_stat",
        keys=("hour", "queue", "shard"),
        sums=(*OUTCOMES, "run_seconds", "wait_seconds"),
        greatest=("longest_seconds", "longest_wait_seconds"),
        buckets=_bucket(DURATION_COLUMNS, run) | _bucket(WAIT_COLUMNS, wait),
    )


def _bucket(columns: Sequence[str], number: int | None) -> dict[str, int]:
    return {} if number is None else {columns[number]: 1}


def _upsert(
    table: str,
    *,
    keys: Sequence[str],
    sums: Sequence[str],
    greatest: Sequence[str],
    buckets: dict[str, int],
) -> str:
    """Return an insert that adds to the row where there is one; all names are this module's own.

    How much a bucket grows stands in the text.
    """
    names = [*keys, *sums, *greatest]
    values = ", ".join([*["%s"] * len(names), *(str(int(one)) for one in buckets.values())])
    changes = [f"{name} = {table}.{name} + excluded.{name}" for name in sums]
    changes += [
        f"{name} = CASE WHEN excluded.{name} > {table}.{name} THEN excluded.{name} "
        f"ELSE {table}.{name} END"
        for name in greatest
    ]
    changes += [f"{name} = coalesce({table}.{name}, 0) + excluded.{name}" for name in buckets]
    return (
        f"INSERT INTO {table} ({', '.join([*names, *buckets])}) VALUES ({values}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {', '.join(changes)}"
    )


def add_lateness(at: datetime, seconds: Iterable[float]) -> None:
    """Add how late due times were queued to the product's own figures of the hour."""
    late = [max(one, 0.0) for one in seconds]
    if not late:
        return
    counts = Counter(LATE_COLUMNS[bucket_of(one, LATENESS_BOUNDS)] for one in late)
    statement = _upsert(
        "jobs_enginestat",
        keys=("hour",),
        sums=("dispatched", "late_seconds"),
        greatest=("longest_late_seconds",),
        buckets=dict(sorted(counts.items())),
    )
    sql.run(statement, [hour_of(at), len(late), sum(late), max(late)])


def add_rescued(at: datetime, count: int) -> None:
    """Add how many executions were found without their worker."""
    if count:
        statement = _upsert(
            "jobs_enginestat", keys=("hour",), sums=("rescued",), greatest=(), buckets={}
        )
        sql.run(statement, [hour_of(at), count])
