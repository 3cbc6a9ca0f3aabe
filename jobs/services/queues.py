"""Queues and clusters as people set them: limits, descriptions, pauses, drains."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Unpack

from django.utils import timezone
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jobs import wake
from jobs.domain.errors import InvalidError, StateError, UnknownError
from jobs.domain.permissions import Actor, Permission, require
from jobs.domain.said import said
from jobs.models import Queue, Worker, WorkerKind, WorkerState
from jobs.services import audit, revisions
from jobs.services.problems import invalid_from
from jobs.services.storable import check_storable
from jobs.services.wording import check_queue
from jobs.services.writing import write_transaction

MOST = 10_000  # executions at a time; who means more means no limit
# Starts of one minute: each of them is looked at when the next is claimed.
MOST_STARTS = 1_000
_NAME: TypeAdapter[str] = TypeAdapter(Annotated[str, AfterValidator(check_queue)])


class QueueSettings(BaseModel):
    """What a person may set of a queue."""

    model_config = ConfigDict(extra="forbid")

    limit: Annotated[
        int | None,
        Field(ge=1, le=MOST, description="Executions at a time over all clusters; null: no limit."),
    ] = None
    starts_per_minute: Annotated[
        int | None,
        Field(
            ge=1,
            le=MOST_STARTS,
            description="Attempts that start within any 60 seconds over all clusters; null: no limit.",
        ),
    ] = None
    description: Annotated[str, Field(max_length=500)] = ""


def update(name: str, changes: Mapping[str, Any], *, actor: Actor) -> Queue:
    """Change limits or description of a queue; they hold for what begins from now on.

    A queue is whatever jobs and clusters name: one without settings gets its first ones here.
    """
    require(actor, Permission.EDIT)
    check_storable(dict(changes))
    with write_transaction():
        row = _locked(name, actor)
        before = {
            "limit": row.concurrency,
            "starts_per_minute": row.starts_per_minute,
            "description": row.description,
        }
        try:
            asked = QueueSettings.model_validate({**before, **changes})
        except ValidationError as error:
            raise invalid_from(error, QueueSettings) from error
        row.concurrency, row.description = asked.limit, asked.description
        row.starts_per_minute = asked.starts_per_minute
        _save(row, ["concurrency", "starts_per_minute", "description"])
        after = asked.model_dump()
        if before != after:
            _record(row, actor, "queue.update", before=before, after=after)
    return row


def pause(name: str, *, actor: Actor, reason: str = "") -> Queue:
    """Let nothing more of a queue begin; what runs goes on, what is due waits in it."""
    require(actor, Permission.PAUSE)
    with write_transaction():
        row = _locked(name, actor)
        if row.paused_at is not None:
            raise StateError(
                said(
                    "Queue {name} is paused already, by {paused_by}.",
                    name=row.name,
                    paused_by=row.paused_by,
                )
            )
        row.paused_at = timezone.now()
        row.paused_by = actor.name[:200]
        row.pause_reason = reason[:500]
        _save(row, ["paused_at", "paused_by", "pause_reason"])
        _record(row, actor, "queue.pause", note=reason)
    return row


def resume(name: str, *, actor: Actor) -> Queue:
    """Let what waits in a queue begin, at once."""
    require(actor, Permission.PAUSE)
    with write_transaction():
        row = Queue.objects.select_for_update().filter(name=name).first()
        if row is None or row.paused_at is None:
            raise StateError(said("Queue {name} is not paused.", name=name[:100]))
        row.paused_at, row.paused_by, row.pause_reason = None, "", ""
        _save(row, ["paused_at", "paused_by", "pause_reason"])
        _record(row, actor, "queue.resume")
    return row


def drain(worker_id: int, *, actor: Actor) -> Worker:
    """Let a cluster take nothing new and finish what it has.

    That holds for this process: a cluster that is started again begins undrained.
    """
    return _set_drain(worker_id, timezone.now(), actor)


def undrain(worker_id: int, *, actor: Actor) -> Worker:
    """Let a drained cluster take work again, at once."""
    return _set_drain(worker_id, None, actor)


def _set_drain(worker_id: int, at: datetime | None, actor: Actor) -> Worker:
    require(actor, Permission.PAUSE)
    with write_transaction():
        row = Worker.objects.filter(pk=worker_id, kind=WorkerKind.CLUSTER.value).first()
        if row is None:
            raise UnknownError(said("Worker {number} does not exist.", number=worker_id))
        if row.state == WorkerState.GONE:
            raise StateError(said("Worker {name} has ended.", name=row.name))
        if (row.drain_requested_at is None) == (at is None):
            raise StateError(
                said("Worker {name} is not drained.", name=row.name)
                if at is None
                else said("Worker {name} is already drained.", name=row.name)
            )
        row.drain_requested_at = at
        row.drain_requested_by = "" if at is None else actor.name[:200]
        row.save(update_fields=["drain_requested_at", "drain_requested_by"])
        audit.record(
            actor,
            "worker.undrain" if at is None else "worker.drain",
            object_type="worker",
            object_id=row.pk,
            object_name=row.name,
        )
        revisions.bump("workers")
        wake.poke("queue")
    return row


def _locked(name: str, actor: Actor) -> Queue:
    """Return the settings of a queue, made when there are none yet."""
    try:
        name = _NAME.validate_python(name)
    except ValidationError as error:
        sentence = invalid_from(error).message
        raise InvalidError(sentence, fields={"name": sentence}) from error
    now = timezone.now()
    Queue.objects.get_or_create(
        name=name, defaults={"created_at": now, "updated_at": now, "created_by": actor.name[:200]}
    )
    return Queue.objects.select_for_update().get(name=name)


def _save(row: Queue, fields: list[str]) -> None:
    row.updated_at = timezone.now()
    row.save(update_fields=[*fields, "updated_at"])


def _record(row: Queue, actor: Actor, action: str, **facts: Unpack[audit.Facts]) -> None:
    audit.record_on(row, row.name, actor, action, **facts)
    revisions.bump("workers")
    wake.poke("queue")  # what waits may begin
