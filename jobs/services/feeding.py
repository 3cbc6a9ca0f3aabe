"""Start the due times of backfills one after the other, whenever their job has room.

Everything here and in `backfills` writes a backfill only with its job locked: dispatchers, endings
and people take turns, in one order. An execution and the item that it belongs to are committed
together, and its key can be used once: a crash or a second dispatcher never doubles it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection
from django.db.models import QuerySet

from jobs import wake
from jobs.domain.backfill import room
from jobs.domain.states import BackfillOrder, BackfillState, JobState, Overlap, Trigger
from jobs.models import Backfill, BackfillItem, Execution, Job
from jobs.queries.backfills import UNFINISHED, freeze_over, live_executions, not_started
from jobs.services import revisions
from jobs.services.batch import new_execution
from jobs.services.circuits import gates_of
from jobs.services.dispatch import settle_until
from jobs.services.handover import hand_over_on_commit
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.backfill")

BATCH = 25  # backfills that one step looks at, each in a transaction of its own
# An ending of the job wakes its backfills at once (`endings`); this finds what else made room: an
# edit of the job, the end of a freeze.
LOOK_AGAIN = timedelta(seconds=5)
# What is due by the schedule goes first; the dispatcher decides it within milliseconds.
SOON = timedelta(seconds=1)
PENALTY = timedelta(minutes=1)  # how far a backfill that cannot be fed is pushed


def feed(now: datetime) -> int:
    """Start what running backfills may start now; return how many were looked at."""
    due = Backfill.objects.filter(next_at__lte=now).order_by("next_at")
    found = list(due.values_list("pk", "job_id")[:BATCH])
    return sum(_feed(backfill_id, job_id, now) for backfill_id, job_id in found)


def _feed(backfill_id: int, job_id: int, now: datetime) -> bool:
    """Look after one backfill; False when another dispatcher or an ending holds its job."""
    try:
        with write_transaction():
            job = _locked(job_id)
            if job is None:
                return False
            backfill = Backfill.objects.filter(pk=backfill_id, next_at__lte=now).first()
            if backfill is not None:
                _look_after(job, backfill, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # one bad backfill never stops another, nor the dispatcher
        log.exception(
            "Backfill %d could not go on; next try in %s",
            backfill_id,
            PENALTY,
            extra={"backfill_id": backfill_id, "job_id": job_id},
        )
        Backfill.objects.filter(pk=backfill_id, next_at__lte=now).update(next_at=now + PENALTY)
    return True


def _locked(job_id: int) -> Job | None:
    """Lock the job, also a deleted one; None when somebody else holds it."""
    jobs = Job.objects.filter(pk=job_id).select_related("open_omission")
    if connection.vendor == "postgresql":
        jobs = jobs.select_for_update(skip_locked=True, of=("self",))
    return jobs.first()


def _look_after(job: Job, backfill: Backfill, now: datetime) -> None:
    """Start what may start, and say when to look again; end a backfill that is over."""
    if job.deleted_at is not None:
        end(backfill, BackfillState.CANCELLED, by="", now=now)
        return
    left = _left(backfill)
    if not left.exists():
        if live_executions(backfill).exists():
            _look_at(backfill, now + LOOK_AGAIN)
        else:
            end(backfill, BackfillState.FINISHED, by="", now=now)
        return
    waits_until = _waits_until(job, backfill, now)
    if waits_until is not None:
        _look_at(backfill, waits_until)
        return
    gates = gates_of(job, now)
    most = gates.room(job)
    free = _room(job, backfill) if most is None else min(_room(job, backfill), most)
    if free:
        items = list(left[: 1 if backfill.pace_seconds else free])
        gates.take(job, len(items))
        _start(job, backfill, items, now)
    pace = timedelta(seconds=backfill.pace_seconds)
    _look_at(backfill, now + (pace if free and pace else LOOK_AGAIN))


def _left(backfill: Backfill) -> QuerySet[BackfillItem]:
    """Return the items that are not over, in the order in which they start."""
    newest_first = backfill.order == BackfillOrder.NEWEST_FIRST
    items = not_started(backfill).filter(dropped=False)
    return items.order_by("-due_at" if newest_first else "due_at")


def _waits_until(job: Job, backfill: Backfill, now: datetime) -> datetime | None:
    """Return when to look again while nothing may start, whatever the room; else None."""
    if job.state == JobState.ACTIVE and job.next_fire_at is not None and job.next_fire_at <= now:
        return now + SOON
    if freeze_over(job, now) is not None:
        return now + LOOK_AGAIN
    if not backfill.pace_seconds:
        return None
    # An ending wakes a backfill that has to keep its pace, too.
    latest = BackfillItem.objects.filter(backfill=backfill, execution__isnull=False)
    queued_at = (
        latest.order_by("-execution_id").values_list("execution__queued_at", flat=True).first()
    )
    if queued_at is None:
        return None
    earliest = queued_at + timedelta(seconds=backfill.pace_seconds)
    return earliest if earliest > now else None


def _room(job: Job, backfill: Backfill) -> int:
    return room(
        Overlap(job.overlap),
        live=job.live_count,
        own=live_executions(backfill).count(),
        most=backfill.max_parallel,
        job_most=job.max_parallel,
    )


def _look_at(backfill: Backfill, moment: datetime) -> None:
    backfill.next_at = moment
    backfill.save(update_fields=["next_at"])


def key_of(backfill_id: int, due_at: datetime) -> str:
    """Return what makes a due time of a backfill one execution, whoever makes it."""
    return f"backfill {backfill_id} {due_at.isoformat()}"


def _start(job: Job, backfill: Backfill, items: Sequence[BackfillItem], now: datetime) -> None:
    """Make the items' executions and link them."""
    keys = {key_of(backfill.pk, item.due_at): item for item in items}
    known = Execution.objects.filter(job=job, idempotency_key__in=keys)
    made = {row.idempotency_key: row for row in known}
    fresh = [
        new_execution(
            job,
            due_at=item.due_at,
            trigger=Trigger.BACKFILL,
            now=now,
            actor=backfill.created_by,
            idempotency_key=key,
        )
        for key, item in keys.items()
        if key not in made
    ]
    made |= {row.idempotency_key: row for row in Execution.objects.bulk_create(fresh)}
    for key, item in keys.items():
        item.execution = made[key]
    BackfillItem.objects.bulk_update(items, ["execution"])
    job.execution_count += len(fresh)
    job.save(update_fields=["execution_count"])
    if job.counts_from_end:
        # Nothing is due until these end; what was due before gets its verdict first.
        settle_until(job, now)
    revisions.bump("executions")
    wake.poke("queue")
    hand_over_on_commit(fresh)


def end(backfill: Backfill, state: BackfillState, *, by: str, now: datetime) -> None:
    """End a backfill for good; what it has not started is given up. Call it with the job locked."""
    not_started(backfill).filter(dropped=False).update(dropped=True)
    backfill.state = state.value
    backfill.state_changed_at = now
    backfill.state_changed_by = by[:200]
    backfill.finished_at = now
    backfill.next_at = None
    backfill.save(
        update_fields=["state", "state_changed_at", "state_changed_by", "finished_at", "next_at"]
    )
    revisions.bump("executions")


def end_of_job(job: Job, *, by: str, now: datetime) -> None:
    """Cancel the unfinished backfills of a job that is deleted; call it with the job locked."""
    for backfill in Backfill.objects.filter(job=job, state__in=UNFINISHED):
        end(backfill, BackfillState.CANCELLED, by=by, now=now)
