"""Dependencies at work: jobs that start when others have ended.

An ending of a job that others wait for leaves one row in its own transaction (`ended`). Here the
dispatcher takes these rows in order, locks the jobs that wait, and in one transaction marks what is
met, starts what has all it waits for, and removes the rows: nothing is lost or doubled by a crash.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connection
from django.db.models import QuerySet

from jobs.domain.dependencies import WORDS, Wait, after_ending
from jobs.domain.states import DependencyOutcome, ExecutionState, JobState, OmissionReason, Trigger
from jobs.models import Dependency, Job, Occurrence, Omission, Schedule
from jobs.models.event import AFTER, ENDED
from jobs.services import batch
from jobs.services.batch import Decisions
from jobs.services.decisions import decide_job
from jobs.services.dispatch import rows_of, write
from jobs.services.events import decide_moment
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.dispatch")

BATCH = 100  # endings of one transaction
MOST_JOBS = 250  # jobs that one transaction locks; as many as a batch of the dispatcher
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An ending that other jobs may wait for."""

    row: Occurrence
    job_id: int
    execution_id: int
    state: ExecutionState


def serve_ended(now: datetime) -> int:
    """Start what waits for the oldest endings that nobody has looked at; return how many there were.

    Call it until it returns 0. One dispatcher at a time: endings count in their order.
    """
    if not _open_endings().exists():
        return 0
    with write_transaction():
        found = _open_endings().order_by("pk")
        if connection.vendor == "postgresql":
            found = found.select_for_update()
        endings = [_ended(row) for row in found[:BATCH]]
        if endings:
            _serve(endings, now)
    return max(len(endings), 1)


def _open_endings() -> QuerySet[Occurrence]:
    return Occurrence.objects.filter(served_until__isnull=False, event__startswith=ENDED)


def _ended(row: Occurrence) -> Ended:
    return Ended(
        row=row,
        job_id=int(row.event.removeprefix(ENDED)),
        execution_id=int(row.key),
        state=ExecutionState(row.detail),
    )


def _serve(endings: Sequence[Ended], now: datetime) -> None:
    """Serve as many endings as one transaction may; of one with very many dependents, a part."""
    first = endings[0]
    so_far = first.row.served_until or 0
    waiting, left = _dependents(endings), 0
    if so_far or len(waiting) > MOST_JOBS:
        # Begun ones go on alone, also when there are fewer dependents by now: none starts twice.
        endings = [first]
        waiting = [pk for pk in _dependents(endings) if pk > so_far]
        left = len(waiting) - MOST_JOBS
        waiting = waiting[:MOST_JOBS]
    _give_verdicts(endings, waiting, now)
    if left > 0:
        first.row.served_until = waiting[-1]
        first.row.save(update_fields=["served_until"])
    else:
        Occurrence.objects.filter(pk__in=[one.row.pk for one in endings]).delete()


def _dependents(endings: Sequence[Ended]) -> list[int]:
    """Return the jobs that wait for any of the ended ones, in the order of their numbers."""
    rows = Dependency.objects.filter(upstream__in={one.job_id for one in endings})
    return list(rows.order_by("job_id").values_list("job_id", flat=True).distinct())


def _give_verdicts(endings: Sequence[Ended], waiting: Sequence[int], now: datetime) -> None:
    jobs = _locked(waiting)
    if not jobs:
        return
    # Read only now that their jobs are locked: nobody else changes them any more.
    rows: dict[int, list[Dependency]] = defaultdict(list)
    for row in Dependency.objects.filter(job__in=jobs).select_related("upstream").order_by("pk"):
        rows[row.job_id].append(row)
    decided = Decisions(now=now)
    decided.load(jobs)
    schedules = rows_of(jobs)
    for ending in endings:
        for job in jobs:
            _count(ending, job, rows[job.pk], schedules[job.pk], decided)
    touched = [row for mine in rows.values() for row in mine]
    Dependency.objects.bulk_update(touched, ["met_by_execution_id", "met_at"])
    decided.jobs += jobs
    write(decided)


def _locked(ids: Sequence[int]) -> list[Job]:
    """Lock the present jobs in the order of their numbers, as everybody who locks several."""
    jobs = Job.objects.present().filter(pk__in=ids).select_related("open_omission")
    if connection.vendor == "postgresql":
        jobs = jobs.select_for_update(of=("self",))
    return list(jobs.order_by("pk"))


def _count(
    ending: Ended,
    job: Job,
    rows: Sequence[Dependency],
    schedules: list[Schedule],
    decided: Decisions,
) -> None:
    """Let a job that waits learn of an ending; start it when that was the last that it waited for."""
    if not any(_concerns(row, ending) for row in rows):
        return
    waits = [_wait(row) for row in rows]
    after, brought = after_ending(
        waits, upstream=ending.job_id, execution=ending.execution_id, state=ending.state
    )
    words = _words(rows, brought)
    for row, before, wait in zip(rows, waits, after, strict=True):
        if wait.met_by is not None and before.met_by is None:
            row.met_at = ending.row.at
        elif brought:
            row.met_at = None
        row.met_by_execution_id = wait.met_by
    if brought:
        _start(ending, job, brought, words, schedules, decided)


def _concerns(row: Dependency, ending: Ended) -> bool:
    """Say whether a row waits for the job that ended, and did already when it ended."""
    if row.upstream_id != ending.job_id:
        return False
    counts_from = row.met_at if row.met_by_execution_id is None else None
    return counts_from is None or counts_from <= ending.row.at


def _wait(row: Dependency) -> Wait:
    return Wait(
        upstream=row.upstream_id,
        outcome=DependencyOutcome(row.outcome),
        met_by=row.met_by_execution_id,
    )


def _words(rows: Sequence[Dependency], brought: Sequence[int]) -> str:
    """Return ``load succeeded (#12), fetch ended (#13)``: what was waited for, and what brought it."""
    parts = [
        f"{row.upstream.name} {WORDS[DependencyOutcome(row.outcome)]} (#{number})"
        for row, number in zip(rows, brought, strict=False)
    ]
    return ", ".join(parts)[:500]


def _start(
    ending: Ended,
    job: Job,
    brought: tuple[int, ...],
    words: str,
    schedules: list[Schedule],
    decided: Decisions,
) -> None:
    """Give the moment of the last ending its verdict, and keep what named that moment."""
    at = _free_moment(job, ending.row.at, decided)
    Occurrence.objects.create(
        event=f"{AFTER}{job.pk}",
        at=at,
        detail=words,
        key=str(ending.execution_id),
        served_until=None,
    )
    try:
        if job.state == JobState.ACTIVE:
            decide_job(job, schedules, decided)  # what was due before goes first
        decide_moment(
            job,
            at,
            schedules,
            decided,
            actor="",
            key=f"after {ending.execution_id}",
            trigger=Trigger.DEPENDENCY,
            upstream=brought,
        )
    except DatabaseError:
        raise
    except Exception as error:
        # One job that cannot be read must not keep the others from starting.
        log.exception("Job %s could not be started", job.name, extra={"job_id": job.pk})
        reason, detail = OmissionReason.NO_DISPATCHER, f"It could not be read: {error}"[:500]
        batch.omit(job, decided, reason, at, at, 1, detail=detail, apart=True)


def _free_moment(job: Job, at: datetime, decided: Decisions) -> datetime:
    """Return a moment of the job's own for the verdict: runs that were cancelled at once end at once.

    Never a whole second: those are for the clock to name.
    """
    while (
        not at.microsecond
        or Occurrence.objects.filter(event=f"{AFTER}{job.pk}", at=at).exists()
        or Omission.objects.filter(job=job, first_due_at=at).exists()
        or any(one is job and row.first_due_at == at for one, row in decided.omissions)
    ):
        at += _TICK
    return at
