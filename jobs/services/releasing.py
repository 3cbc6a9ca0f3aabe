"""Let executions go that were not to be claimed yet: behind another one, or put off by jitter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.db.models import Q

from jobs import wake
from jobs.domain.states import ExecutionState, Overlap
from jobs.models import Execution, Job
from jobs.models.execution import LIVE_VALUES
from jobs.services import revisions
from jobs.services.handover import hand_over_on_commit
from jobs.services.writing import write_transaction

BATCH = 250


def release(job_id: int, overlap: str, now: datetime) -> None:
    """Release what a job holds, as far as its overlap policy and the clock allow.

    Call it with the job locked. Where one runs at a time, the oldest goes first: one that is put
    off lets nobody pass.
    """
    held = Execution.objects.filter(job=job_id, state=ExecutionState.QUEUED.value, held=True)
    if overlap == Overlap.ALLOW:
        ripe = held.filter(Q(wait_until=None) | Q(wait_until__lte=now))
        _let_go(list(ripe.values_list("pk", flat=True)))
        return
    live = Execution.objects.filter(job=job_id, state__in=LIVE_VALUES)
    if live.filter(held=False).exists():
        return
    oldest = held.order_by("pk").values_list("pk", "wait_until").first()
    if oldest is not None and (oldest[1] is None or oldest[1] <= now):
        _let_go([oldest[0]])


def release_put_off(now: datetime) -> int:
    """Release the executions whose start was put off until ``now``; return how many were looked at.

    One that is behind another execution by then waits for its end only.
    """
    with write_transaction():
        found = Execution.objects.filter(wait_until__lte=now).order_by("wait_until")
        ripe = list(found.values_list("pk", "job_id")[:BATCH])
        jobs = _locked({job_id for _, job_id in ripe})
        mine = [pk for pk, job_id in ripe if job_id in jobs]
        if not mine:
            return 0
        Execution.objects.filter(pk__in=mine).update(wait_until=None)
        alone = {pk for pk, job in jobs.items() if job.live_count == 1}
        _let_go(
            Execution.objects.filter(
                pk__in=mine, job__in=alone, state=ExecutionState.QUEUED.value, held=True
            ).values_list("pk", flat=True)
        )
        for pk, job in jobs.items():
            if pk not in alone:
                release(pk, job.overlap, now)
    return len(mine)


def _locked(ids: set[int]) -> dict[int, Job]:
    """Lock the jobs; one that another dispatcher holds is left to it."""
    jobs = Job.objects.filter(pk__in=ids).only(
        "overlap",
        "execution_count",
        "success_count",
        "failure_count",
        "cancelled_count",
        "skipped_count",
    )
    if connection.vendor == "postgresql":
        jobs = jobs.select_for_update(skip_locked=True)
    return {job.pk: job for job in jobs.order_by("pk")}


def _let_go(found: Iterable[int]) -> None:
    ids = list(found)
    if not ids:
        return
    Execution.objects.filter(pk__in=ids).update(held=False, wait_until=None)
    revisions.bump("executions")
    wake.poke("queue")
    hand_over_on_commit(Execution.objects.filter(pk__in=ids))
