"""Turn due times into executions and omissions: each one gets exactly one verdict.

A batch is one transaction: jobs are locked (PostgreSQL: rows another dispatcher holds are skipped;
SQLite: one writer), decided, and their executions, omissions and next fire times are written
together. The committed execution is the queue entry.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection

from jobs import conf, wake
from jobs.domain.states import Trigger
from jobs.models import Execution, Job, Omission, Schedule
from jobs.services import revisions, sql
from jobs.services.batch import Decisions
from jobs.services.decisions import cover_unreadable, decide_job
from jobs.services.handover import hand_over_on_commit
from jobs.services.versions import keep_facts
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.dispatch")

BATCH = 250  # keeps the longest write transaction at some tens of milliseconds
# What no decision looks at; decoding it would cost more than deciding.
NOT_NEEDED = ("spec", "environment", "recent", "description", "last_error", "working_dir")
PENALTY = timedelta(minutes=1)  # how far a job that cannot be decided is pushed


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one call did."""

    jobs: int = 0
    executions: int = 0
    omissions: int = 0
    lag: timedelta | None = None  # how late the latest due time was decided
    late_seconds: tuple[float, ...] = ()  # how late each scheduled due time was queued


def dispatch_due(now: datetime, *, batch: int = BATCH) -> Tick:
    """Decide the due jobs of one batch; call again while ``jobs`` equals ``batch``."""
    with write_transaction():
        due = Job.objects.filter(next_fire_at__lte=now).order_by("next_fire_at")
        due = due.select_related("open_omission").defer(*NOT_NEEDED)
        if connection.vendor == "postgresql":
            due = due.select_for_update(skip_locked=True, of=("self",))
        jobs = list(due[:batch])
        if not jobs:
            return Tick()
        decided = _decide(jobs, now)
        write(decided)
    lag = None if decided.latest_due is None else now - decided.latest_due
    return Tick(
        jobs=len(jobs),
        executions=len(decided.executions),
        omissions=len(decided.omissions) + len(decided.extended),
        lag=lag,
        late_seconds=tuple(
            (row.queued_at - row.due_at).total_seconds()
            for row in decided.executions
            if row.trigger == Trigger.SCHEDULE
        ),
    )


def settle_until(job: Job, now: datetime, *, for_good: bool = False) -> None:
    """Give every due time of a locked job up to ``now`` its verdict before its schedules change.

    An active job's due times are dispatched as ever; a stopped job's are omissions with the reason.
    ``for_good``: the caller goes on from ``now``, so what cannot be read is covered, too.
    """
    while True:
        before = job.decided_until
        write(_decide([job], now, for_good=for_good))
        # One decision hands out a bounded number of due times; what is left is still due.
        more = job.next_fire_at is not None and job.next_fire_at <= now
        if not more or job.decided_until == before:
            return


def settle_all(jobs: list[Job], now: datetime) -> None:
    """Do as `settle_until` for many locked jobs at once; what breakers guard is locked in one order."""
    while jobs:
        before = {job.pk: job.decided_until for job in jobs}
        write(_decide(jobs, now))
        jobs = [
            job
            for job in jobs
            if job.next_fire_at is not None
            and job.next_fire_at <= now
            and job.decided_until != before[job.pk]
        ]


def rows_of(jobs: list[Job]) -> dict[int, list[Schedule]]:
    """Return the jobs' schedules in their order."""
    schedules: dict[int, list[Schedule]] = defaultdict(list)
    for row in Schedule.objects.filter(job__in=jobs).order_by("job_id", "position"):
        schedules[row.job_id].append(row)
    return schedules


def _decide(jobs: list[Job], now: datetime, *, for_good: bool = False) -> Decisions:
    """Decide all due times of ``jobs`` up to ``now``; one bad job never stops another."""
    schedules = rows_of(jobs)
    decided = Decisions(now=now)
    decided.load(jobs)
    for job in jobs:
        try:
            decide_job(job, schedules[job.pk], decided)
        except DatabaseError:
            raise
        except Exception as error:
            # A definition that the present code or zone data cannot read: say so, go on.
            log.exception(
                "Job %s could not be dispatched; next try in %s",
                job.name,
                PENALTY,
                extra={"job_id": job.pk},
            )
            job.next_fire_at = now + PENALTY
            if for_good:
                cover_unreadable(job, schedules[job.pk], decided, error)
        decided.jobs.append(job)
    return decided


_QUEUE = (
    "INSERT INTO jobs_execution (job_id, version, due_at, trigger, actor, idempotency_key, state, "
    "attempt, queue, priority, held, wait_until, token, queued_at, cancel_requested_by, message, "
    "error, log_bytes, log_truncated, parameters, upstream, mutex, requires) VALUES (%s, %s, %s, "
    "%s, %s, %s, 'queued', 1, %s, %s, %s, %s, '', %s, '', '', '', 0, %s, %s, %s, %s, %s)"
)
_EXTEND = (
    "UPDATE jobs_omission SET last_due_at = %s, count = count + %s, decided_at = %s WHERE id = %s"
)
_MOVE = (
    "UPDATE jobs_job SET next_fire_at = %s, decided_until = %s, execution_count = %s, "
    "open_omission_id = %s WHERE id = %s"
)


def write(decided: Decisions) -> None:
    """Write a batch in a few statements, whatever its size, and wake the workers."""
    _insert_executions(decided.executions)
    Omission.objects.bulk_create([omission for _, omission in decided.omissions])
    for job, omission in decided.omissions:
        if job.open_omission is omission:
            job.open_omission = omission  # takes over the id that the insert gave it
    extended = decided.extended.values()
    sql.run_many(
        _EXTEND,
        [(row.last_due_at, added, row.decided_at, row.pk) for row, added in extended],
    )
    sql.run_many(_MOVE, [_moved(job) for job in decided.jobs])
    _write_counts(decided)
    if decided.executions:
        revisions.bump("executions")
        wake.poke("queue")


def _write_counts(decided: Decisions) -> None:
    """Keep how many executions limited schedules have made; the version remembers their end."""
    rows = {row.pk: row for row in decided.counted}
    Schedule.objects.bulk_update(rows.values(), ["fired_count", "exhausted_at"])
    ended = {row.job_id for row in rows.values() if row.exhausted_at is not None}
    for job in decided.jobs:
        if job.pk in ended:
            keep_facts(job)


def _insert_executions(rows: list[Execution]) -> None:
    """Queue the executions; only a transport beside the table needs to know their numbers."""
    if conf.broker_url():
        hand_over_on_commit(Execution.objects.bulk_create(rows))
        return
    sql.run_many(
        _QUEUE,
        [
            (
                row.job_id,
                row.version,
                row.due_at,
                row.trigger,
                row.actor,
                row.idempotency_key,
                row.queue,
                row.priority,
                row.held,
                row.wait_until,
                row.queued_at,
                False,
                sql.as_json(row.parameters),
                sql.as_json(row.upstream),
                row.mutex,
                row.requires,
            )
            for row in rows
        ],
    )


def _moved(job: Job) -> tuple[object, ...]:
    return (
        job.next_fire_at,
        job.decided_until,
        job.execution_count,
        job.open_omission_id,
        job.pk,
    )
