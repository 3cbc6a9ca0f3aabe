"""Turn due times into executions and omissions: each one gets exactly one verdict.

A batch is one transaction: jobs are locked (PostgreSQL: rows another dispatcher holds are skipped;
SQLite: one writer), decided, and their executions, omissions and next fire times are written
together. The committed execution is the queue entry.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from jobs import wake
from jobs.domain import schedule as rules
from jobs.domain.errors import JobdeckError
from jobs.domain.misfire import decide_misfire
from jobs.domain.overlap import OverlapAction, decide_overlap
from jobs.domain.states import (
    ExecutionState,
    JobState,
    Misfire,
    OmissionReason,
    Overlap,
    Trigger,
)
from jobs.models import Execution, Job, Omission, Schedule
from jobs.models.execution import LIVE_VALUES
from jobs.services import revisions
from jobs.services.dbtime import as_parameter
from jobs.services.firing import refresh_next_fire, rules_of
from jobs.services.handover import hand_over_on_commit
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.dispatch")

BATCH = 250  # keeps the longest write transaction at some tens of milliseconds
PENALTY = timedelta(minutes=1)  # how far a job that cannot be decided is pushed


@dataclass(slots=True, kw_only=True)
class Decisions:
    """What one batch decided, collected to be written in a few statements."""

    jobs: list[Job] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    omissions: list[tuple[Job, Omission]] = field(default_factory=list)
    extended: dict[int, Omission] = field(default_factory=dict)  # by id
    latest_due: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one call did."""

    jobs: int = 0
    executions: int = 0
    omissions: int = 0
    lag: timedelta | None = None  # how late the latest due time was decided


def dispatch_due(now: datetime, *, batch: int = BATCH) -> Tick:
    """Decide the due jobs of one batch; call again while ``jobs`` equals ``batch``."""
    with write_transaction():
        due = Job.objects.filter(next_fire_at__lte=now).order_by("next_fire_at")
        due = due.select_related("open_omission")
        if connection.vendor == "postgresql":
            due = due.select_for_update(skip_locked=True, of=("self",))
        jobs = list(due[:batch])
        if not jobs:
            return Tick()
        decided = decide(jobs, now)
        _write(decided)
    lag = None if decided.latest_due is None else now - decided.latest_due
    return Tick(
        jobs=len(jobs),
        executions=len(decided.executions),
        omissions=len(decided.omissions) + len(decided.extended),
        lag=lag,
    )


def settle_until(job: Job, now: datetime) -> None:
    """Give every due time of a locked job up to ``now`` its verdict before its schedules change.

    An active job's due times are dispatched as ever; a stopped job's are omissions with the reason.
    """
    decided = decide([job], now)
    _write(decided)


def decide(jobs: Sequence[Job], now: datetime) -> Decisions:
    """Decide all due times of ``jobs`` up to ``now``; one bad job never stops another."""
    schedules = defaultdict(list)
    for row in Schedule.objects.filter(job__in=jobs).order_by("job_id", "position"):
        schedules[row.job_id].append(row)
    decided = Decisions()
    for job in jobs:
        try:
            _decide_job(job, rules_of(schedules[job.pk]), now, decided)
        except (JobdeckError, ValueError, OverflowError, ArithmeticError):
            # A definition that the present code or zone data cannot read: say so, go on.
            log.exception(
                "Job %s could not be dispatched; next try in %s",
                job.name,
                PENALTY,
                extra={"job_id": job.pk},
            )
            job.next_fire_at = now + PENALTY
        decided.jobs.append(job)
    return decided


def _decide_job(
    job: Job, schedules: list[rules.Schedule], now: datetime, decided: Decisions
) -> None:
    if job.state != JobState.ACTIVE or job.deleted_at is not None:
        _omit_stopped(job, schedules, now, decided)
        refresh_next_fire(job, schedules)
        return
    verdict = decide_misfire(
        schedules,
        after=job.decided_until,
        now=now,
        first_due=job.next_fire_at,
        policy=Misfire(job.misfire),
        grace=timedelta(seconds=job.misfire_grace_seconds),
        limit=job.misfire_limit,
    )
    for step in verdict:
        if step.trigger is None:
            reason = step.reason or OmissionReason.MISFIRE
            _omit(job, decided, now, reason, step.first, step.last, step.count)
        else:
            _dispatch(job, decided, now, due_at=step.first, trigger=step.trigger)
        job.decided_until = max(job.decided_until, step.last)
        decided.latest_due = step.last
    refresh_next_fire(job, schedules)


def _omit_stopped(
    job: Job, schedules: list[rules.Schedule], now: datetime, decided: Decisions
) -> None:
    """Cover the due times of a stopped job, up to ``now``, by an omission with its reason."""
    count, first, last = rules.count_due(
        schedules, job.decided_until, now, last_finished_at=job.last_finished_at
    )
    if first is not None and last is not None:
        reason = (
            OmissionReason.AUTO_DISABLED
            if job.state == JobState.AUTO_DISABLED
            else OmissionReason.PAUSED
        )
        _omit(job, decided, now, reason, first, last, count, detail=job.state_reason)
    job.decided_until = max(job.decided_until, now)


def _dispatch(
    job: Job, decided: Decisions, now: datetime, *, due_at: datetime, trigger: Trigger
) -> None:
    """Make the execution for a due time, or the omission that its overlap policy asks for."""
    action = _overlap_action(job, decided)
    if action == OverlapAction.OMIT:
        in_the_way = job.executions.filter(state__in=LIVE_VALUES).order_by("pk").first()
        _omit(
            job,
            decided,
            now,
            OmissionReason.OVERLAP,
            due_at,
            due_at,
            1,
            detail="An earlier execution was still going on.",
            execution_id=in_the_way.pk if in_the_way else None,
        )
        return
    if action == OverlapAction.CANCEL_AND_QUEUE:
        job.executions.filter(state__in=LIVE_VALUES, cancel_requested_at=None).update(
            cancel_requested_at=now, cancel_requested_by="overlap policy cancel_running"
        )
    decided.executions.append(
        new_execution(
            job, due_at=due_at, trigger=trigger, now=now, held=action != OverlapAction.DISPATCH
        )
    )
    job.execution_count += 1
    job.open_omission_id = None


def _overlap_action(job: Job, decided: Decisions) -> OverlapAction:
    """Ask the policy; only the one that queues needs to know how many wait."""
    waiting = 0
    if job.overlap == Overlap.QUEUE and job.live_count:
        waiting = job.executions.filter(state__in=LIVE_VALUES, held=True).count()
        waiting += sum(row.held for row in decided.executions if row.job_id == job.pk)
    return decide_overlap(
        Overlap(job.overlap),
        live=job.live_count,
        waiting=waiting,
        max_parallel=job.max_parallel,
    )


def new_execution(
    job: Job,
    *,
    due_at: datetime,
    trigger: Trigger,
    now: datetime,
    held: bool = False,
    actor: str = "",
    idempotency_key: str = "",
) -> Execution:
    """Return an unsaved queued execution of the job's present version."""
    return Execution(
        job=job,
        version=job.version,
        due_at=due_at,
        trigger=trigger.value,
        actor=actor,
        idempotency_key=idempotency_key,
        state=ExecutionState.QUEUED.value,
        queue=job.queue,
        priority=job.priority,
        held=held,
        queued_at=now,
    )


def _omit(
    job: Job,
    decided: Decisions,
    now: datetime,
    reason: OmissionReason,
    first: datetime,
    last: datetime,
    count: int,
    *,
    detail: str = "",
    execution_id: int | None = None,
) -> None:
    """Extend the omission that covers the due time before, or begin one."""
    before = job.open_omission
    if (
        before is not None
        and before.reason == reason
        and before.detail == detail
        and before.execution_id == execution_id
    ):
        before.last_due_at = last
        before.count += count
        before.decided_at = now
        if isinstance(before.pk, int):  # else it begins in this very batch
            decided.extended[before.pk] = before
        return
    omission = Omission(
        job=job,
        reason=reason.value,
        detail=detail,
        execution_id=execution_id,
        first_due_at=first,
        last_due_at=last,
        count=count,
        decided_at=now,
    )
    decided.omissions.append((job, omission))
    job.open_omission = omission


_MOVE = (
    "UPDATE jobs_job SET next_fire_at = %s, decided_until = %s, execution_count = %s, "
    "open_omission_id = %s WHERE id = %s"
)


def _write(decided: Decisions) -> None:
    """Write a batch in a few statements, whatever its size, and wake the workers."""
    Execution.objects.bulk_create(decided.executions)
    Omission.objects.bulk_create([omission for _, omission in decided.omissions])
    for job, omission in decided.omissions:
        if job.open_omission is omission:
            job.open_omission = omission  # takes over the id that the insert gave it
    if decided.extended:
        Omission.objects.bulk_update(
            decided.extended.values(), ["last_due_at", "count", "decided_at"]
        )
    with connection.cursor() as cursor:
        cursor.executemany(_MOVE, [_moved(job) for job in decided.jobs])
    if decided.executions:
        revisions.bump("executions")
        wake.poke("queue")
        hand_over_on_commit(decided.executions)


def _moved(job: Job) -> list[Any]:
    return [
        None if job.next_fire_at is None else as_parameter(job.next_fire_at),
        as_parameter(job.decided_until),
        job.execution_count,
        job.open_omission_id,
        job.pk,
    ]
