"""Decide due times: each becomes an execution or is covered by an omission.

Works on jobs that the caller holds locked, and collects what is to be written in a `batch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from jobs.domain import schedule as rules
from jobs.domain.errors import JobdeckError
from jobs.domain.misfire import Step, decide_misfire
from jobs.domain.schedule import DueCount
from jobs.domain.states import JobState, Misfire, OmissionReason
from jobs.models import Job, Schedule
from jobs.services.batch import Decisions, omit, start
from jobs.services.firing import refresh_next_fire, rules_of


def decide_job(job: Job, rows: Sequence[Schedule], decided: Decisions) -> None:
    """Decide all due times of a job up to ``decided.now`` and name its next one.

    Raises when its schedules cannot be read, or the calendars of one that is not stopped.
    """
    schedules = rules_of(rows)
    if job.state != JobState.ACTIVE or job.deleted_at is not None:
        _omit_stopped(job, schedules, decided)
    else:
        schedules = _decide_active(job, rows, schedules, decided)
    refresh_next_fire(job, schedules)


def _decide_active(
    job: Job, rows: Sequence[Schedule], schedules: list[rules.Schedule], decided: Decisions
) -> list[rules.Schedule]:
    """Let holds and the misfire policy say which due times count, and overlap what they become.

    Returns the schedules as they are then: one that made its last execution names nothing more.
    """
    decided.check(job)
    while _take_steps(job, rows, schedules, decided):
        schedules = rules_of(rows)
    if job.counts_from_end and not job.live_count:
        _count_from_now(job, schedules, decided.now)
    return schedules


def _take_steps(
    job: Job, rows: Sequence[Schedule], schedules: Sequence[rules.Schedule], decided: Decisions
) -> bool:
    """Follow what is decided up to now; True when a schedule made its last execution on the way.

    It names nothing after that, so the rest is to be decided anew.
    """
    steps = decide_misfire(
        schedules,
        after=job.decided_until,
        now=decided.now,
        first_due=job.next_fire_at,
        policy=Misfire(job.misfire),
        grace=timedelta(seconds=job.misfire_grace_seconds),
        limit=job.misfire_limit,
        holds=decided.holds.get(job.pk, ()),
    )
    for step in steps:
        made = _follow(job, step, schedules, decided)
        job.decided_until = max(job.decided_until, step.last)
        decided.latest_due = step.last
        if made and _exhausts(rows, schedules, step.first, decided):
            return True
    return False


def _follow(job: Job, step: Step, schedules: Sequence[rules.Schedule], decided: Decisions) -> bool:
    """Turn one step into an execution or an omission; say whether it is an execution."""
    if step.trigger is None:
        reason = step.reason or OmissionReason.MISFIRE
        omit(job, decided, reason, step.first, step.last, step.count, detail=step.detail)
        return False
    return start(
        job,
        decided,
        due_at=step.first,
        trigger=step.trigger,
        wait_until=put_off(job, schedules, step.first, decided.now),
    )


def put_off(
    job: Job, schedules: Sequence[rules.Schedule], due_at: datetime, now: datetime
) -> datetime | None:
    """Return the moment to which jitter and spread put the start; None when it is not to wait."""
    if not any(rule.jitter_seconds or rule.spread_seconds for rule in schedules):
        return None
    moment = rules.start_at(schedules, due_at, seed=str(job.pk))
    return moment if moment > now else None


def _exhausts(
    rows: Sequence[Schedule],
    schedules: Sequence[rules.Schedule],
    due_at: datetime,
    decided: Decisions,
) -> bool:
    """Count the due time for schedules with a limit; say whether one has reached it."""
    if all(row.max_executions is None for row in rows):
        return False
    named = rules.naming(schedules, due_at)
    reached = False
    for row, rule in zip(rows, schedules, strict=True):
        if row.max_executions is None or rule not in named:
            continue
        row.fired_count += 1
        decided.counted.append(row)
        if row.fired_count >= row.max_executions:
            row.exhausted_at = due_at
            reached = True
    return reached


def _count_from_now(job: Job, schedules: list[rules.Schedule], now: datetime) -> None:
    """Let a completion interval that was left out go on from now.

    From the time that was missed it would be due again at once: a look for each period since then.
    """
    left = rules.count_due(schedules, job.decided_until, now, last_finished_at=job.last_finished_at)
    if not left.total:
        job.decided_until = max(job.decided_until, now)


def _omit_stopped(job: Job, schedules: list[rules.Schedule], decided: Decisions) -> None:
    """Cover the due times of a stopped job by an omission with its reason."""
    count, first, last = rules.count_due(
        schedules, job.decided_until, decided.now, last_finished_at=job.last_finished_at
    )
    if first is not None and last is not None:
        disabled = job.state == JobState.AUTO_DISABLED
        reason = OmissionReason.AUTO_DISABLED if disabled else OmissionReason.PAUSED
        omit(job, decided, reason, first, last, count, detail=job.state_reason)
    job.decided_until = max(job.decided_until, decided.now)


def cover_unreadable(
    job: Job, rows: Sequence[Schedule], decided: Decisions, error: Exception
) -> None:
    """Cover the due times of a job that cannot be read, and whose schedules change or end now.

    Nobody could decide them later. Where not even the schedules can be read, how many there were is
    unknown: one entry at the present moment says so.
    """
    now = decided.now
    try:
        found = rules.count_due(
            rules_of(rows), job.decided_until, now, last_finished_at=job.last_finished_at
        )
    except JobdeckError:
        found = DueCount(1, now, now)
    if found.first is not None and found.last is not None:
        detail = f"It could not be read: {error}"[:500]
        reason = OmissionReason.NO_DISPATCHER
        omit(job, decided, reason, found.first, found.last, found.total, detail=detail)
    job.decided_until = max(job.decided_until, now)
    job.next_fire_at = None
