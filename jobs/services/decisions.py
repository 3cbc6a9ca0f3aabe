"""Decide due times: each becomes an execution or is covered by an omission.

Works on jobs that the caller holds locked, and collects what is to be written; `dispatch` writes it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from jobs.domain import schedule as rules
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
from jobs.models import Execution, Job, Omission
from jobs.models.execution import LIVE_VALUES
from jobs.services import cancelling
from jobs.services.firing import refresh_next_fire

IN_THE_WAY = "An earlier execution was still going on."
REPLACED = "A newer due time took its place."


@dataclass(slots=True)
class Live:
    """What a job has in progress: how many wait behind another one, and the oldest."""

    waiting: int = 0
    oldest: int | None = None


@dataclass(slots=True, kw_only=True)
class Decisions:
    """What one batch decided, collected to be written in a few statements."""

    now: datetime
    live: dict[int, Live] = field(default_factory=dict)  # by job
    jobs: list[Job] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    omissions: list[tuple[Job, Omission]] = field(default_factory=list)
    # By id, with how many due times are new.
    extended: dict[int, tuple[Omission, int]] = field(default_factory=dict)
    latest_due: datetime | None = None

    def load_live(self, jobs: list[Job]) -> None:
        """Read what the jobs have in progress, in one query for the whole batch."""
        busy = [job.pk for job in jobs if job.live_count]
        rows = (
            Execution.objects.filter(job__in=busy, state__in=LIVE_VALUES)
            .values_list("job")
            .annotate(waiting=Count("pk", filter=Q(held=True)), oldest=Min("pk"))
            if busy
            else []
        )
        self.live = {job: Live(waiting, oldest) for job, waiting, oldest in rows}

    def of(self, job: Job) -> Live:
        """Return what ``job`` has in progress."""
        return self.live.setdefault(job.pk, Live())


def decide_job(job: Job, schedules: list[rules.Schedule], decided: Decisions) -> None:
    """Decide all due times of a job up to ``decided.now`` and name its next one."""
    if job.state != JobState.ACTIVE or job.deleted_at is not None:
        _omit_stopped(job, schedules, decided)
    else:
        _decide_active(job, schedules, decided)
    refresh_next_fire(job, schedules)


def _decide_active(job: Job, schedules: list[rules.Schedule], decided: Decisions) -> None:
    """Let the misfire policy say which due times count, and the overlap policy what they become."""
    steps = decide_misfire(
        schedules,
        after=job.decided_until,
        now=decided.now,
        first_due=job.next_fire_at,
        policy=Misfire(job.misfire),
        grace=timedelta(seconds=job.misfire_grace_seconds),
        limit=job.misfire_limit,
    )
    for step in steps:
        if step.trigger is None:
            reason = step.reason or OmissionReason.MISFIRE
            omit(job, decided, reason, step.first, step.last, step.count)
        else:
            _dispatch(job, decided, due_at=step.first, trigger=step.trigger)
        job.decided_until = max(job.decided_until, step.last)
        decided.latest_due = step.last
    if job.counts_from_end and not job.live_count:
        _count_from_now(job, schedules, decided.now)


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


def _dispatch(job: Job, decided: Decisions, *, due_at: datetime, trigger: Trigger) -> None:
    """Make the execution for a due time, or the omission that its overlap policy asks for."""
    live = decided.of(job)
    action = decide_overlap(
        Overlap(job.overlap),
        live=job.live_count,
        waiting=live.waiting,
        max_parallel=job.max_parallel,
    )
    if action == OverlapAction.OMIT:
        omit(
            job,
            decided,
            OmissionReason.OVERLAP,
            due_at,
            due_at,
            1,
            detail=IN_THE_WAY,
            execution_id=live.oldest,
        )
        return
    held = action != OverlapAction.DISPATCH
    if action == OverlapAction.CANCEL_AND_QUEUE:
        _withdraw_unwritten(job, decided)
        held = cancelling.make_room(job, by="its overlap policy", now=decided.now)
    live.waiting += held
    decided.executions.append(
        new_execution(job, due_at=due_at, trigger=trigger, now=decided.now, held=held)
    )
    job.execution_count += 1
    job.open_omission = None


def _withdraw_unwritten(job: Job, decided: Decisions) -> None:
    """Take back what this very batch made for the job: a newer due time replaces it."""
    mine = [row for row in decided.executions if row.job_id == job.pk]
    for row in mine:
        decided.executions.remove(row)
        job.execution_count -= 1
        omit(job, decided, OmissionReason.OVERLAP, row.due_at, row.due_at, 1, detail=REPLACED)


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


def omit(
    job: Job,
    decided: Decisions,
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
    why = (reason.value, detail, execution_id)
    if before is not None and why == (before.reason, before.detail, before.execution_id):
        before.last_due_at = last
        before.count += count
        before.decided_at = decided.now
        if isinstance(before.pk, int):  # else it begins in this very batch
            _, added = decided.extended.get(before.pk, (before, 0))
            decided.extended[before.pk] = (before, added + count)
        return
    omission = Omission(
        job=job,
        reason=reason.value,
        detail=detail,
        execution_id=execution_id,
        first_due_at=first,
        last_due_at=last,
        count=count,
        decided_at=decided.now,
    )
    decided.omissions.append((job, omission))
    job.open_omission = omission
