"""Backfills: look at what one would run, start it, pause, resume and cancel it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from jobs import wake
from jobs.domain.errors import (
    ConflictError,
    InvalidError,
    StateError,
    UnknownError,
    UnprocessableError,
)
from jobs.domain.permissions import Actor, Permission, require_somewhere
from jobs.domain.said import said, said_word, told
from jobs.domain.states import BackfillOrder, BackfillState
from jobs.models import Backfill, BackfillItem, Job
from jobs.queries.backfills import UNFINISHED, get_backfill, in_unfinished, live_executions
from jobs.services import access, audit, cancelling, feeding, revisions
from jobs.services.backfill_due import Listing, list_due
from jobs.services.backfill_requests import BackfillRequest
from jobs.services.jobs import locked
from jobs.services.writing import write_transaction

Choose = Callable[[Job, BackfillRequest, datetime], Listing]


@dataclass(frozen=True, slots=True)
class Started:
    """A backfill, and whether this very request made it."""

    backfill: Backfill
    created: bool


def preview(
    job_id: int, request: BackfillRequest, *, actor: Actor, now: datetime | None = None
) -> Listing:
    """Return what a backfill would run, without making anything."""
    require_somewhere(actor, Permission.EXECUTE)
    job = _present(job_id)
    access.require_on(actor, Permission.EXECUTE, job)
    return _listing(job, request, now or timezone.now())


def create(
    job_id: int,
    request: BackfillRequest,
    *,
    actor: Actor,
    expected: int | None = None,
    choose: Choose | None = None,
) -> Started:
    """Start a backfill; while an equal one is unfinished, answer that one.

    ``expected`` is how many due times the person saw: ConflictError when there are others by now.
    ``choose`` lists the due times in another way. UnprocessableError when nothing is to be run.
    """
    require_somewhere(actor, Permission.EXECUTE)
    now = timezone.now()
    job = _present(job_id)
    access.require_on(actor, Permission.EXECUTE, job)
    # Looked up before the lock: it may take a second, and a dispatcher waits for a locked job.
    listing = (choose or _listing)(job, request, now)
    with write_transaction():
        job = locked(job_id)
        known = _equal(job, request, listing)
        if known is not None:
            return Started(known, created=False)
        taken = in_unfinished(job, listing.start, listing.end)
        due = [item.due_at for item in listing.items if item.due_at not in taken]
        _check(due, listing, request, expected)
        backfill = _save(job, request, listing, due, actor, now)
        _tell(backfill, actor, "backfill.create", note=f"{len(due)} due times")
    return Started(backfill, created=True)


def _present(job_id: int) -> Job:
    job = Job.objects.present().filter(pk=job_id).first()
    if job is None:
        raise UnknownError(said("Job {id} does not exist.", id=job_id))
    return job


def _listing(job: Job, request: BackfillRequest, now: datetime) -> Listing:
    end = request.end or now
    if end > now or request.start > now:
        name, moment = ("to", end) if end > now else ("from", request.start)
        sentence = said(
            "{moment} has not passed yet. Use a moment up to {now}.",
            moment=moment.isoformat(),
            now=now.isoformat(),
        )
        raise InvalidError(told([f"{name}:", sentence]), fields={name: sentence})
    return list_due(job, start=request.start, end=end, only=request.only, basis=request.schedule)


def _equal(job: Job, request: BackfillRequest, listing: Listing) -> Backfill | None:
    """Return the unfinished backfill of the same window and choice."""
    return Backfill.objects.filter(
        job=job,
        starts_at=listing.start,
        ends_at=listing.end,
        choice=request.only.value,
        state__in=UNFINISHED,
    ).first()


def _check(
    due: list[datetime], listing: Listing, request: BackfillRequest, expected: int | None
) -> None:
    if expected is not None and expected != len(due):
        raise ConflictError(
            said(
                "You saw {expected:,} due times; there are {number:,} by now. "
                "Look at the list again.",
                expected=expected,
                number=len(due),
            )
        )
    if not due:
        raise UnprocessableError(nothing_to_run(listing, request))


def nothing_to_run(listing: Listing, request: BackfillRequest) -> str:
    """Return why a window has nothing for a backfill."""
    if not listing.looked_at:
        return said("No due time lies in this window. Choose another one.")
    busy = sum(listing.elsewhere.values())
    parts = [
        said("Of {number:,} due times in this window none is to be run", number=listing.looked_at)
    ]
    if request.only != "all":
        parts.append(said("as {choice}", choice=said_word(request.only)))
    if busy:
        numbers = ", ".join(f"#{number}" for number in sorted(listing.elsewhere))
        parts.append(
            said(
                "({number:,} belong to backfill {numbers}, which is not finished)",
                number=busy,
                numbers=numbers,
            )
        )
    return told([told(parts), "."], "")


def _save(
    job: Job,
    request: BackfillRequest,
    listing: Listing,
    due: list[datetime],
    actor: Actor,
    now: datetime,
) -> Backfill:
    backfill = Backfill.objects.create(
        job=job,
        starts_at=listing.start,
        ends_at=listing.end,
        choice=request.only.value,
        order=request.order.value,
        max_parallel=request.max_parallel,
        pace_seconds=request.pace_seconds,
        state=BackfillState.RUNNING.value,
        state_changed_at=now,
        state_changed_by=actor.name[:200],
        created_at=now,
        created_by=actor.name[:200],
        next_at=now,
    )
    # In the order of their start: the pages of the items follow their numbers.
    ordered = due if request.order == BackfillOrder.OLDEST_FIRST else reversed(due)
    BackfillItem.objects.bulk_create(
        [BackfillItem(backfill=backfill, due_at=due_at) for due_at in ordered], batch_size=1000
    )
    return backfill


def pause(backfill_id: int, *, actor: Actor) -> Backfill:
    """Start nothing more until it is resumed; what runs goes on. A paused one stays as it is."""
    return _move(backfill_id, BackfillState.PAUSED, "backfill.pause", actor)


def resume(backfill_id: int, *, actor: Actor) -> Backfill:
    """Go on with a paused backfill; a running one stays as it is."""
    return _move(backfill_id, BackfillState.RUNNING, "backfill.resume", actor)


def _move(backfill_id: int, state: BackfillState, action: str, actor: Actor) -> Backfill:
    require_somewhere(actor, Permission.EXECUTE)
    now = timezone.now()
    with write_transaction():
        backfill = _locked(backfill_id)
        access.require_on(actor, Permission.EXECUTE, backfill.job)
        if backfill.state == state:
            return backfill
        _check_unfinished(backfill, action.partition(".")[2])
        backfill.state = state.value
        backfill.state_changed_at = now
        backfill.state_changed_by = actor.name[:200]
        backfill.next_at = now if state == BackfillState.RUNNING else None
        backfill.save(update_fields=["state", "state_changed_at", "state_changed_by", "next_at"])
        _tell(backfill, actor, action)
    return backfill


def cancel(backfill_id: int, *, actor: Actor, kill: bool = False) -> Backfill:
    """End a backfill: what it has not started is given up; ``kill`` ends what it has running, too.

    Cancelling a cancelled one again can still kill what it left running.
    """
    require_somewhere(actor, Permission.EXECUTE)
    now = timezone.now()
    with write_transaction():
        backfill = _locked(backfill_id)
        access.require_on(actor, Permission.EXECUTE, backfill.job)
        if backfill.state != BackfillState.CANCELLED:
            _check_unfinished(backfill, "cancel")
            feeding.end(backfill, BackfillState.CANCELLED, by=actor.name, now=now)
            _tell(backfill, actor, "backfill.cancel", note="killed what ran" if kill else "")
        if kill:
            for execution_id in sorted(live_executions(backfill).values_list("pk", flat=True)):
                cancelling.cancel(execution_id, actor=actor)
    return backfill


def _locked(backfill_id: int) -> Backfill:
    """Return a backfill with its job locked, as the dispatcher has it."""
    job_id = get_backfill(backfill_id).job_id
    list(Job.objects.select_for_update().filter(pk=job_id).values_list("pk"))
    return get_backfill(backfill_id)


def _check_unfinished(backfill: Backfill, verb: str) -> None:
    if backfill.state not in UNFINISHED:
        raise StateError(_cannot(verb, id=backfill.pk, state=said_word(backfill.state)))


def _cannot(verb: str, **facts: object) -> str:
    """Return why a backfill that has ended is not to be paused, resumed or cancelled."""
    if verb == "pause":
        return said(
            "Backfill {id} is {state} already; only one that is running or paused can be paused.",
            **facts,
        )
    if verb == "resume":
        return said(
            "Backfill {id} is {state} already; only one that is running or paused can be resumed.",
            **facts,
        )
    return said(
        "Backfill {id} is {state} already; only one that is running or paused can be cancelled.",
        **facts,
    )


def _tell(backfill: Backfill, actor: Actor, action: str, note: str = "") -> None:
    """Write the audit entry, and wake pages and dispatcher."""
    audit.record(
        actor,
        action,
        object_type="backfill",
        object_id=backfill.pk,
        object_name=backfill.job.name,
        after={
            "from": backfill.starts_at.isoformat(),
            "to": backfill.ends_at.isoformat(),
            "only": backfill.choice,
        }
        if action == "backfill.create"
        else None,
        note=note,
    )
    revisions.bump("executions")
    wake.poke("jobs")
