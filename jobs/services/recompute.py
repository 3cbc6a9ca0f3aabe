"""Prove that the hourly sums equal history, and put right what does not.

Job by job, each in a snapshot of its own, so that the product may go on meanwhile. An hour from
which retention has removed executions keeps its sums: history cannot prove it any more. A version
before the sums of jobs removed them without a mark: up to where a job's history begins, no sum is
ever lowered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min, Sum
from django.utils import timezone

from jobs import conf
from jobs.models import Execution, Job, JobStat, Stat
from jobs.models.stat import FORGOTTEN
from jobs.queries.revisions import revision
from jobs.services import revisions
from jobs.services.history_sums import SUMS_OF_JOB, SUMS_OF_QUEUE, Sums, of_hours, sums_of_job
from jobs.services.rollups import hour_of
from jobs.services.writing import write_transaction

_BATCH = 200
# What was due when history begins may have ended later; what retention removes is a day old.
_MARGIN = timedelta(days=1)
_GREATEST = ("longest_seconds", "longest_wait_seconds")
Stored = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A number that is not what history says."""

    of: str  # "job 7" or "queue default"
    hour: datetime
    column: str
    stored: float
    counted: float

    def __str__(self) -> str:
        """Say it."""
        return (
            f"{self.of}, hour {self.hour:%Y-%m-%dT%H}Z: {self.column} is {self.stored:g}, "
            f"history says {self.counted:g}"
        )


@dataclass(slots=True)
class Report:
    """What was found, and how much was looked at."""

    differences: list[Difference] = field(default_factory=list)
    jobs: int = 0
    hours: int = 0
    left_out: int = 0  # hours that retention has opened, or that something still ends in
    at_rest: bool = True


def run(*, repair: bool, now: datetime | None = None) -> Report:
    """Compare all hourly sums with history; with ``repair`` write what history says."""
    now = now or timezone.now()
    before = revision("executions")
    report = Report()
    oldest = _oldest_kept(now)
    total: dict[tuple[datetime, str], Sums] = {}
    opened: set[datetime] = set()
    shortened = oldest  # what ended before may be gone from history, whatever its queue was
    jobs = Job.objects.order_by("pk").values_list("pk", "history_from", "pruned")
    for job_id, history_from, pruned in jobs.iterator():
        until = _shortened_until(history_from, pruned, now) or oldest
        shortened = max(shortened, until)
        found = _job(job_id, oldest, until, total, opened, report)
        if repair and found:
            _repair_job(job_id, found, now)
    report.at_rest = before == revision("executions")
    _queues(total, opened, oldest, shortened, now, report, repair=repair)
    if repair and report.differences:
        with write_transaction():
            revisions.bump("executions")
            revisions.bump("figures")
    return report


@contextmanager
def _snapshot() -> Iterator[None]:
    """Let all reads of the block see one moment."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost and connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield


def _oldest_kept(now: datetime) -> datetime:
    """Return the hour from which on sums are kept: older ones may have been forgotten."""
    oldest = hour_of(now - timedelta(days=conf.statistics_days())) + timedelta(hours=1)
    if Stat.objects.filter(hour=FORGOTTEN).exists():
        kept = Stat.objects.exclude(hour=FORGOTTEN).aggregate(first=Min("hour"))["first"]
        oldest = max(oldest, kept or oldest)
    return oldest


def _shortened_until(
    history_from: datetime | None, pruned: Mapping[str, int] | None, now: datetime
) -> datetime | None:
    """Return up to when executions of a job may be gone; None where all are there.

    Of runs that somebody started no due time is kept, only that they are gone.
    """
    if history_from is not None:
        return min(history_from + _MARGIN, now)
    return now - _MARGIN if pruned else None


def _job(
    job_id: int,
    oldest: datetime,
    until: datetime,
    total: dict[tuple[datetime, str], Sums],
    opened: set[datetime],
    report: Report,
) -> dict[datetime, Sums | None]:
    """Compare one job; return what its differing hours should be, None for no row at all."""
    with _snapshot():
        counted = sums_of_job(job_id, since=oldest)
        rows = JobStat.objects.filter(job=job_id, hour__gte=oldest)
        stored: dict[datetime, Stored] = {
            row["hour"]: row for row in rows.values("hour", "partial", *SUMS_OF_JOB)
        }
    for key, sums in counted.items():
        total.setdefault(key, Sums()).merge(sums)
    by_hour = of_hours(counted)
    partial = {hour for hour, row in stored.items() if row["partial"]}
    opened |= partial
    report.jobs += 1
    report.left_out += len(partial)
    wrong: dict[datetime, Sums | None] = {}
    for hour in sorted((by_hour.keys() | stored.keys()) - partial):
        report.hours += 1
        right = by_hour.get(hour)
        if hour < until:
            right = _no_less(right, stored.get(hour))
        found = _compare(f"job {job_id}", hour, stored.get(hour), right, SUMS_OF_JOB)
        report.differences += found
        if found:
            wrong[hour] = right
    return wrong


def _compare(
    of: str, hour: datetime, stored: Stored | None, counted: Sums | None, columns: Iterable[str]
) -> list[Difference]:
    """Return the columns that differ; sums of seconds were added in another order."""
    said = (counted or Sums()).columns()
    found = []
    for column in columns:
        is_, should = (stored or {}).get(column) or 0, said[column] or 0
        if not math.isclose(is_, should, rel_tol=1e-6, abs_tol=1e-5):
            found.append(Difference(of=of, hour=hour, column=column, stored=is_, counted=should))
    return found


def _no_less(counted: Sums | None, stored: Stored | None) -> Sums | None:
    """Return the greater of each figure: what history lacks may have been."""
    return (counted or Sums()).at_least(Sums.of(stored)) if stored else counted


def _repair_job(job_id: int, wrong: Mapping[datetime, Sums | None], now: datetime) -> None:
    """Write the hours of a job anew, some at a time; the present one with the job locked."""
    present = hour_of(now - timedelta(minutes=5))
    hours = sorted(wrong)
    for place in range(0, len(hours), _BATCH):
        batch = hours[place : place + _BATCH]
        with write_transaction():
            if Job.objects.select_for_update().filter(pk=job_id).first() is None:
                return
            right = {hour: wrong[hour] for hour in batch}
            if batch[-1] >= present:  # something may have ended since it was looked at
                again = of_hours(sums_of_job(job_id, since=present))
                right |= {hour: again.get(hour) for hour in batch if hour >= present}
            rows = JobStat.objects.filter(job=job_id, hour__in=batch)
            # What retention has opened meanwhile stays as it is.
            kept = set(rows.filter(partial=True).values_list("hour", flat=True))
            rows.filter(partial=False).delete()
            JobStat.objects.bulk_create(
                JobStat(job_id=job_id, hour=hour, **_only(sums, SUMS_OF_JOB))
                for hour, sums in right.items()
                if sums is not None and hour not in kept
            )


def _only(sums: Sums, columns: Iterable[str]) -> dict[str, Any]:
    found = sums.columns()
    return {name: found[name] for name in columns}


def _queues(
    total: Mapping[tuple[datetime, str], Sums],
    opened: set[datetime],
    oldest: datetime,
    shortened: datetime,
    now: datetime,
    report: Report,
    *,
    repair: bool,
) -> None:
    """Compare the sums of the queues; of the present hour only where nothing ended meanwhile."""
    added = {name: (Max if name in _GREATEST else Sum)(name) for name in SUMS_OF_QUEUE}
    rows = Stat.objects.filter(hour__gte=oldest).order_by().values("hour", "queue")
    stored: dict[tuple[datetime, str], Stored] = {
        (row["hour"], row["queue"]): row for row in rows.annotate(**_renamed(added))
    }
    unsure = hour_of(now - timedelta(minutes=5))
    for key in sorted(total.keys() | stored.keys()):
        hour, queue = key
        if hour in opened or (hour >= unsure and not report.at_rest):
            report.left_out += 1
            continue
        report.hours += 1
        row = {name.removeprefix("all_"): value for name, value in stored.get(key, {}).items()}
        right = total.get(key)
        if hour < shortened:
            right = _no_less(right, row)
        found = _compare(f"queue {queue}", hour, row, right, SUMS_OF_QUEUE)
        report.differences += found
        if found and repair and hour < unsure:
            _repair_queue(hour, queue, right)
        elif found and repair:
            _repair_present_queue(hour, queue)


def _renamed(added: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sums under names that no column has."""
    return {f"all_{name}": value for name, value in added.items()}


def _repair_queue(hour: datetime, queue: str, sums: Sums | None) -> None:
    with write_transaction():
        Stat.objects.filter(hour=hour, queue=queue).delete()
        if sums is not None:
            Stat.objects.create(hour=hour, queue=queue, shard=0, **_only(sums, SUMS_OF_QUEUE))


def _repair_present_queue(hour: datetime, queue: str) -> None:
    """Write an hour in which something may end any moment: nothing else writes meanwhile."""
    with write_transaction():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE jobs_stat IN SHARE ROW EXCLUSIVE MODE")
        ended = Execution.objects.filter(queue=queue, finished_at__gte=hour)
        sums = Sums()
        for job_id in ended.order_by().values_list("job_id", flat=True).distinct():
            of_job = sums_of_job(job_id, since=hour)
            sums.merge(of_job.get((hour, queue), Sums()))
        _repair_queue(hour, queue, sums)
