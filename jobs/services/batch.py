"""What one batch of decisions collects: executions and omissions, and what they were decided from.

The jobs are locked by the caller; `dispatch` writes it all in a few statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q

from jobs.domain import labels
from jobs.domain.errors import JobdeckError
from jobs.domain.overlap import OverlapAction, decide_overlap
from jobs.domain.states import ExecutionState, OmissionReason, Overlap, Trigger
from jobs.models import Execution, Job, Omission, Schedule
from jobs.models.execution import BESIDE_TRIGGERS, LIVE_VALUES
from jobs.queries.holds import HoldsByJob, holds_of
from jobs.services import cancelling
from jobs.services.circuits import Gates
from jobs.services.parameter_definitions import stored_defaults

IN_THE_WAY = "An earlier execution was still going on."
REPLACED = "A newer due time took its place."


@dataclass(slots=True)
class Live:
    """What a job has in progress: how many wait behind another one, and the oldest."""

    waiting: int = 0
    oldest: int | None = None


def behind(held: int, free: int) -> int:
    """Return how many wait behind another execution, of those that are not to be claimed yet.

    Where none may be claimed, the first of them waits for its moment (jitter) and for nobody.
    """
    return held if free else max(held - 1, 0)


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
    # By job, for those that a freeze or a calendar holds back.
    holds: HoldsByJob = field(default_factory=dict)
    # By job, why a calendar of it cannot be read: what it holds back nobody knows.
    faults: dict[int, JobdeckError] = field(default_factory=dict)
    gates: Gates = field(init=False)  # what circuit breakers let begin
    counted: list[Schedule] = field(default_factory=list)  # whose count of executions moved
    latest_due: datetime | None = None

    def __post_init__(self) -> None:
        """Begin with gates that hold nothing back."""
        self.gates = Gates(now=self.now)

    def load(self, jobs: list[Job]) -> None:
        """Read what deciding these jobs needs, in few queries for the whole batch."""
        self.gates.load(jobs)
        self._load_live(jobs)
        oldest = min((job.decided_until for job in jobs), default=self.now)
        after = min(oldest, self.now)
        breakers = self.gates.rows.values()
        self.holds = holds_of(jobs, after, self.now, faults=self.faults, breakers=breakers)

    def _load_live(self, jobs: list[Job]) -> None:
        """Read what the jobs have in progress, in one query for the whole batch."""
        busy = [job.pk for job in jobs if job.live_count]
        rows = (
            Execution.objects.filter(job__in=busy, state__in=LIVE_VALUES)
            .values_list("job")
            .annotate(
                held_ones=Count("pk", filter=Q(held=True)),
                free_ones=Count("pk", filter=Q(held=False)),
                oldest=Min("pk"),
            )
            if busy
            else []
        )
        self.live = {job: Live(behind(held, free), oldest) for job, held, free, oldest in rows}

    def check(self, job: Job) -> None:
        """Raise what is wrong with a calendar of the job."""
        if job.pk in self.faults:
            raise self.faults[job.pk]

    def of(self, job: Job) -> Live:
        """Return what ``job`` has in progress."""
        return self.live.setdefault(job.pk, Live())


def start(
    job: Job,
    decided: Decisions,
    *,
    due_at: datetime,
    trigger: Trigger,
    wait_until: datetime | None = None,
    actor: str = "",
    idempotency_key: str = "",
    upstream: Sequence[int] | None = None,
) -> bool:
    """Make the execution for a due time, or the omission that breaker or overlap policy ask for.

    Says whether it is an execution.
    """
    apart = trigger in BESIDE_TRIGGERS
    refusal = decided.gates.refusal(job)
    if refusal:
        reason = OmissionReason.BREAKER
        omit(job, decided, reason, due_at, due_at, 1, detail=refusal, apart=apart)
        return False
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
            apart=apart,
        )
        return False
    decided.gates.take(job)
    waits = action != OverlapAction.DISPATCH
    if action == OverlapAction.CANCEL_AND_QUEUE:
        _withdraw_unwritten(job, decided)
        waits = cancelling.make_room(job, by="its overlap policy", now=decided.now)
    live.waiting += waits
    decided.executions.append(
        new_execution(
            job,
            due_at=due_at,
            trigger=trigger,
            now=decided.now,
            held=waits or wait_until is not None,
            wait_until=wait_until,
            actor=actor,
            idempotency_key=idempotency_key,
            upstream=upstream,
        )
    )
    job.execution_count += 1
    if (
        not apart
    ):  # an event, or another job's end, is no due time of the stretch that it falls into
        job.open_omission = None
    return True


def _withdraw_unwritten(job: Job, decided: Decisions) -> None:
    """Take back what this very batch made for the job: a newer due time replaces it."""
    mine = [row for row in decided.executions if row.job_id == job.pk]
    for row in mine:
        decided.executions.remove(row)
        job.execution_count -= 1
        apart = row.trigger in BESIDE_TRIGGERS
        reason = OmissionReason.OVERLAP
        omit(job, decided, reason, row.due_at, row.due_at, 1, detail=REPLACED, apart=apart)


def new_execution(
    job: Job,
    *,
    due_at: datetime,
    trigger: Trigger,
    now: datetime,
    held: bool = False,
    wait_until: datetime | None = None,
    actor: str = "",
    idempotency_key: str = "",
    parameters: dict[str, Any] | None = None,
    upstream: Sequence[int] | None = None,
) -> Execution:
    """Return an unsaved queued execution of the job's present version.

    ``parameters`` are checked values as they are stored; None: the job's defaults.
    """
    return Execution(
        job=job,
        version=job.version,
        due_at=due_at,
        trigger=trigger.value,
        actor=actor,
        idempotency_key=idempotency_key,
        upstream=None if upstream is None else list(upstream),
        state=ExecutionState.QUEUED.value,
        queue=job.queue,
        priority=job.priority,
        mutex=job.mutex,
        requires=labels.joined(job.requires),
        held=held,
        wait_until=wait_until,
        queued_at=now,
        parameters=stored_defaults(job.parameters) if parameters is None else parameters,
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
    apart: bool = False,
) -> None:
    """Extend the omission that covers the due time before, or begin one.

    ``apart`` keeps it out of the row of due times: an event happens beside them.
    """
    before = None if apart else job.open_omission
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
    if not apart:
        job.open_omission = omission
