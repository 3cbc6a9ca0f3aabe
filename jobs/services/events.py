"""Events: what happens outside the clock, and starts the jobs whose schedules wait for it.

A reported event is one row, committed before anybody acts on it; the dispatcher then gives each
waiting job its verdict. A dispatcher that dies half-way leaves the rest to the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import DatabaseError, IntegrityError, connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from jobs import wake
from jobs.domain.errors import InvalidError
from jobs.domain.holds import holding
from jobs.domain.instants import to_instant
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.said import said
from jobs.domain.states import Event, JobState, OmissionReason, ScheduleKind, Trigger
from jobs.models import Execution, Job, Occurrence, Omission, Schedule
from jobs.models.event import ENDED
from jobs.queries.verdicts import heard_in
from jobs.services import audit, batch
from jobs.services.batch import Decisions
from jobs.services.decisions import decide_job
from jobs.services.dispatch import rows_of, write
from jobs.services.firing import refresh_next_fire, rules_of
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.dispatch")

BATCH = 250
# What a person or a script can report; the others are raised by what they are named after.
REPORTABLE = tuple(event for event in Event if event not in {Event.MANUALLY, Event.REBOOT})


def report(event: str, *, actor: Actor, detail: str = "", key: str = "") -> Occurrence:
    """Record that an event happened now; the jobs that wait for it start within a second.

    A repeated ``key`` answers the first report of that event.
    """
    require(actor, Permission.EXECUTE)
    if event not in REPORTABLE:
        allowed = ", ".join(REPORTABLE)
        sentence = said(
            "Event {event} cannot be reported. Use {allowed}.", event=event, allowed=allowed
        )
        raise InvalidError(sentence, fields={"event": sentence})
    key = key[:200]
    try:
        with write_transaction():
            known = Occurrence.objects.filter(event=event, key=key).first() if key else None
            if known is not None:
                return known
            made = _record(Event(event), actor=actor.name, detail=detail, key=key)
            audit.record(actor, "event.report", object_type="event", object_id=made.pk, note=event)
        return made
    except IntegrityError:  # the same report at the same moment on another connection
        if not key:
            raise
        return Occurrence.objects.get(event=event, key=key)


def report_boot(host: str, boot_id: str) -> bool:
    """Record the boot of a host at its dispatcher's start, once; say whether it is an event.

    The first start on a host is none: nobody knows when that host booted last.
    """
    key = f"{host}:{boot_id}"[:200]
    boots = Occurrence.objects.filter(event=Event.REBOOT.value)
    if boots.filter(key=key).exists():
        return False
    with write_transaction():
        known = boots.filter(key__startswith=f"{host}:"[:200]).exists()
        _, made = Occurrence.objects.get_or_create(
            event=Event.REBOOT.value,
            key=key,
            defaults={
                "at": timezone.now(),
                "actor": "system",
                "detail": f"{host} booted" if known else f"first start on {host}",
                "served_until": 0 if known else None,
            },
        )
    wake.poke("jobs")
    return made and known


def _record(event: Event, *, actor: str, detail: str, key: str) -> Occurrence:
    made = Occurrence.objects.create(
        event=event.value,
        at=timezone.now(),
        actor=actor[:200],
        detail=detail[:500],
        key=key[:200],
    )
    wake.poke("jobs")
    return made


def serve_open(now: datetime) -> int:
    """Give a batch of the jobs that wait for the oldest open event their verdict; say how many.

    Call it until it returns 0.
    """
    if not _open().exists():
        return 0
    with write_transaction():
        found = _open().order_by("pk")
        if connection.vendor == "postgresql":
            found = found.select_for_update(skip_locked=True)
        occurrence = found.first()
        if occurrence is None:
            return 0
        jobs = _waiting_for(occurrence)
        # Asked again now that they are locked: an edit may have settled one while we waited for it,
        # and what PostgreSQL looked up before that is old.
        locked = Job.objects.filter(pk__in=[job.pk for job in jobs])
        left = set(_without_verdict(locked, occurrence).values_list("pk", flat=True))
        _serve([job for job in jobs if job.pk in left], occurrence, now)
        occurrence.served_until = jobs[-1].pk if len(jobs) == BATCH else None
        occurrence.save(update_fields=["served_until"])
    return max(len(jobs), 1)


def _open() -> QuerySet[Occurrence]:
    """Return what happened and is not served yet; the ends of runs are for `dependencies`."""
    return Occurrence.objects.filter(served_until__isnull=False).exclude(event__startswith=ENDED)


def settle(job: Job, now: datetime) -> None:
    """Give the open events their verdict for a locked job whose schedules are about to change."""
    rows = list(job.schedules.order_by("position"))
    named = {row.event for row in rows if row.kind == ScheduleKind.EVENT}
    if not named:
        return
    for occurrence in Occurrence.objects.filter(
        heard_in(job.workspace_id),
        event__in=named,
        at__gte=job.created_at,
        served_until__lt=job.pk,
    ).order_by("pk"):
        if _without_verdict(Job.objects.filter(pk=job.pk), occurrence).exists():
            _serve([job], occurrence, now)


def _key(occurrence: Occurrence) -> str:
    return f"event {occurrence.pk}"


def _without_verdict(jobs: QuerySet[Job], occurrence: Occurrence) -> QuerySet[Job]:
    """Leave out the jobs that an edit settled with the event before it was served."""
    ran = Execution.objects.filter(job=OuterRef("pk"), idempotency_key=_key(occurrence))
    left_out = Omission.objects.filter(job=OuterRef("pk"), first_due_at=occurrence.at)
    return jobs.filter(~Exists(ran), ~Exists(left_out))


def _waiting_for(occurrence: Occurrence) -> list[Job]:
    waiting = Schedule.objects.filter(kind=ScheduleKind.EVENT.value, event=occurrence.event)
    present = Job.objects.filter(
        deleted_at=None,
        pk__in=waiting.values("job"),
        pk__gt=occurrence.served_until,
        created_at__lte=occurrence.at,
    )
    if occurrence.workspace_number is not None:
        # What happens to a workspace is heard in it, and by the jobs that stand outside of all.
        present = present.filter(Q(workspace=occurrence.workspace_number) | Q(workspace=None))
    jobs = _without_verdict(present, occurrence).select_related("open_omission")
    if connection.vendor == "postgresql":
        jobs = jobs.select_for_update(of=("self",))
    return list(jobs.order_by("pk")[:BATCH])


def _serve(jobs: list[Job], occurrence: Occurrence, now: datetime) -> None:
    decided = Decisions(now=now)
    decided.load(jobs)
    rows = rows_of(jobs)
    for job in jobs:
        try:
            _serve_one(job, occurrence, rows[job.pk], decided)
        except DatabaseError:
            raise
        except Exception as error:
            # One job that cannot be read must not keep the event, and all later ones, from the others.
            log.exception("Job %s could not be served", job.name, extra={"job_id": job.pk})
            reason, detail = OmissionReason.NO_DISPATCHER, f"It could not be read: {error}"[:500]
            batch.omit(
                job, decided, reason, occurrence.at, occurrence.at, 1, detail=detail, apart=True
            )
        decided.jobs.append(job)
    write(decided)


def _serve_one(job: Job, occurrence: Occurrence, rows: list[Schedule], decided: Decisions) -> None:
    if job.state == JobState.ACTIVE:
        decide_job(job, rows, decided)  # what was due before the event goes first
    actor, key = occurrence.actor, _key(occurrence)
    decide_moment(job, occurrence.at, rows, decided, actor=actor, key=key)


def first_run(job: Job, *, actor: Actor, now: datetime) -> None:
    """Run a job that was just created, where nothing holds it back."""
    decided = Decisions(now=now)
    decided.load([job])
    rows = list(job.schedules.order_by("position"))
    decide_moment(job, now, rows, decided, actor=actor.name, key="created")
    decided.jobs.append(job)
    write(decided)


def decide_moment(
    job: Job,
    at: datetime,
    rows: list[Schedule],
    decided: Decisions,
    *,
    actor: str,
    key: str,
    trigger: Trigger = Trigger.EVENT,
    upstream: Sequence[int] | None = None,
) -> None:
    """Give a moment that no clock named its verdict: an execution, or an omission with its reason."""
    decided.check(job)
    hold = holding(decided.holds.get(job.pk, ()), to_instant(at))
    if job.state != JobState.ACTIVE:
        # A stopped job's state is its reason by name.
        reason, detail = OmissionReason(job.state), job.state_reason
    elif hold is not None:
        reason, detail = hold.reason, hold.detail
    else:
        batch.start(
            job,
            decided,
            due_at=at,
            trigger=trigger,
            actor=actor[:200],
            idempotency_key=key,
            upstream=upstream,
        )
        refresh_next_fire(job, rules_of(rows))
        return
    batch.omit(job, decided, reason, at, at, 1, detail=detail, apart=True)
