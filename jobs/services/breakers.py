"""Circuit breakers as people set them: with a job's definition, by their settings, by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Unpack

from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import ValidationError

from jobs.domain.breaker import closed, opened
from jobs.domain.errors import ConflictError, InvalidError, StateError, UnknownError
from jobs.domain.permissions import Actor, Permission, require, require_everywhere
from jobs.domain.said import said
from jobs.domain.states import BreakerState, JobState
from jobs.models import Breaker, Job
from jobs.queries.breakers import (
    BreakerEntry,
    circuit_of,
    named,
    policy_of,
    shared_named,
    shared_names,
)
from jobs.services import audit, circuits, revisions
from jobs.services.definitions import BreakerDefinition, JobDefinition
from jobs.services.firing import next_fire, rules_of
from jobs.services.problems import invalid_from
from jobs.services.writing import write_transaction

SETTINGS = ("threshold", "window_seconds", "open_seconds", "half_open_probes")
_LOOKED_AT = 50  # jobs of a breaker among which its next test run is looked for
_TICK = timedelta(microseconds=1)


def resolve(definition: JobDefinition) -> None:
    """Write the shared breaker that a definition names as it is stored.

    InvalidError for an unknown name without settings, and for settings that the shared one has not:
    it is not one job's to change.
    """
    asked = definition.breaker
    if asked is None or not asked.name:
        return
    known = shared_named(asked.name)
    if known is None:
        if not asked.names_settings:
            raise _unknown(asked.name)
        return
    asked.name = known.name
    given = asked.model_dump_settings()
    other = [one for one in SETTINGS if one in given and given[one] != getattr(known, one)]
    if other:
        has = ", ".join(f"{one} {getattr(known, one):g}" for one in other)
        sentence = said(
            "Circuit breaker {name} exists with {has}. Name it without settings, or change "
            "them where it is listed: other jobs may share it.",
            name=known.name,
            has=has,
        )
        raise InvalidError(sentence, fields={"breaker": sentence})


def _unknown(name: str) -> InvalidError:
    names = ", ".join(shared_names())
    known = said("Known are {names}.", names=names) if names else said("There is none yet.")
    sentence = said(
        "Circuit breaker {name!r} does not exist. {known} Give settings to make it.",
        name=name,
        known=known,
    )
    return InvalidError(sentence, fields={"breaker": sentence})


def attach(job: Job, asked: BreakerDefinition | None, *, actor: Actor, now: datetime) -> None:
    """Give a job that is about to be saved its breaker; call `drop_unused` after it is saved."""
    if asked is None:
        job.breaker = None
    elif asked.name:
        job.breaker = shared_named(asked.name) or _made(asked, actor, now)
    else:
        own = job.breaker
        if own is None or own.name:
            job.breaker = _made(asked, actor, now)
        else:
            _set(own, asked.model_dump_settings(every=True))


def _made(asked: BreakerDefinition, actor: Actor, now: datetime) -> Breaker:
    if asked.name:  # others may name it, too
        require_everywhere(actor, Permission.EDIT)
    values = asked.model_dump_settings(every=True)
    row = Breaker(
        name=asked.name, created_at=now, created_by=actor.name[:200], changed_at=now, **values
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # another request made it at the same moment
        known = shared_named(asked.name)
        if known is None:
            raise
        return known
    if row.name:  # a job's own is told with the job
        audit.record(
            actor,
            "breaker.create",
            object_type="breaker",
            object_id=row.pk,
            object_name=row.name,
            after=values,
        )
    return row


def _set(row: Breaker, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=list(SETTINGS))


def drop_unused(breaker_id: int | None) -> None:
    """Delete a breaker that was one job's own, and is no more."""
    if breaker_id is not None:
        Breaker.objects.filter(pk=breaker_id, name="", jobs=None).delete()


def detach(job: Job) -> None:
    """Take the breaker from a job that is being deleted; the caller has it locked."""
    before, job.breaker = job.breaker_id, None
    job.save(update_fields=["breaker"])
    drop_unused(before)


def close(breaker_id: int, *, actor: Actor, reason: str = "") -> Breaker:
    """Close a breaker: its jobs start again from now on, and failures count anew.

    Closing a closed one only begins the row of failures anew.
    """
    require(actor, Permission.PAUSE)
    with write_transaction():
        row = _locked(breaker_id)
        now = timezone.now()
        before = row.state
        why = reason or f"Closed by {actor.name}"
        circuits.change(row, closed(circuit_of(row), now), at=now, by=actor.name, reason=why)
        _record(row, actor, "breaker.close", before={"state": before}, note=reason)
    return row


def trip(breaker_id: int, *, actor: Actor, reason: str = "") -> Breaker:
    """Open a breaker by hand for its open time; an open one stays open that long from now."""
    require(actor, Permission.PAUSE)
    with write_transaction():
        row = _locked(breaker_id)
        now = timezone.now()
        before = row.state
        circuit = opened(circuit_of(row), policy_of(row), now)
        row.cause_execution_id = None
        why = reason or f"Opened by {actor.name}"
        circuits.change(row, circuit, at=now, by=actor.name, reason=why)
        _record(row, actor, "breaker.open", before={"state": before}, note=reason)
    return row


def update(breaker_id: int, changes: Mapping[str, Any], *, actor: Actor) -> Breaker:
    """Change the settings of a shared breaker; they hold for what happens from now on."""
    require(actor, Permission.EDIT)
    with write_transaction():
        row = _locked(breaker_id)
        if not row.name:
            raise StateError(
                said("This circuit breaker is one job's own. Change it with that job.")
            )
        before = {name: getattr(row, name) for name in SETTINGS}
        try:
            asked = BreakerDefinition.model_validate({**before, **changes})
        except ValidationError as error:
            raise invalid_from(error, BreakerDefinition) from error
        if asked.name:
            sentence = said(
                "A circuit breaker keeps its name. Make another one and let jobs name it."
            )
            raise InvalidError(sentence, fields={"name": sentence})
        after = asked.model_dump_settings(every=True)
        if after != before:
            _set(row, after)
            _record(row, actor, "breaker.update", before=before, after=after)
    return row


def delete(breaker_id: int, *, actor: Actor) -> None:
    """Delete a shared breaker that no job names any more."""
    require(actor, Permission.EDIT)
    with write_transaction():
        row = _locked(breaker_id)
        users = Job.objects.filter(breaker=row).order_by("name").values_list("name", flat=True)
        if users:
            raise ConflictError(
                said(
                    "{breaker} is used by {names}{others}. Take it from them first.",
                    breaker=named(row),
                    names=", ".join(users[:3]),
                    others=said(" and others") if len(users) > 3 else "",
                )
            )
        _record(row, actor, "breaker.delete")
        row.delete()


def _locked(breaker_id: int) -> Breaker:
    row = Breaker.objects.select_for_update().filter(pk=breaker_id).first()
    if row is None:
        raise UnknownError(said("Circuit breaker {id} does not exist.", id=breaker_id))
    return row


def _record(row: Breaker, actor: Actor, action: str, **facts: Unpack[audit.Facts]) -> None:
    name = row.name or ", ".join(row.jobs.values_list("name", flat=True)[:1])
    audit.record_on(row, name, actor, action, **facts)
    revisions.bump("jobs")


def next_test_at(entry: BreakerEntry, now: datetime) -> datetime | None:
    """Return when the next test run can begin: a due time after the open time; None for unknown.

    That is without a start by hand, and while the jobs' schedules stay as they are.
    """
    row = entry.breaker
    if row.state == BreakerState.CLOSED or (
        row.state == BreakerState.HALF_OPEN and not entry.may_test(now)
    ):
        return None
    earliest = max(now, row.open_until or now) - _TICK
    jobs = Job.objects.present().filter(breaker=row, state=JobState.ACTIVE.value)
    found = [
        next_fire(
            rules_of(job.schedules.all()),
            after=max(earliest, job.decided_until),
            live=job.live_count > 0,
            last_finished_at=job.last_finished_at,
        )
        for job in jobs.prefetch_related("schedules").order_by("next_fire_at")[:_LOOKED_AT]
    ]
    return min((one for one in found if one is not None), default=None)
