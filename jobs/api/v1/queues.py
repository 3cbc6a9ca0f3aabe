"""Queues: what waits in them and for what, limits and pauses; clusters: drain and undrain."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from ninja import Router
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.documents import WorkerDocument, worker_document
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest
from jobs.domain.errors import InvalidError, UnknownError
from jobs.domain.labels import split
from jobs.queries.waiting import QueueLook, queue_look, queue_looks
from jobs.services import queues

router = Router(tags=["queues"])


class UnservedDocument(BaseModel):
    """What waits although no living cluster would take it."""

    requires: list[str] = Field(description="The labels that nobody who serves the queue carries.")
    since: datetime
    oldest_execution_id: int


class QueueDocument(BaseModel):
    """A queue as it stands."""

    name: str
    description: str
    limit: int | None = Field(description="How many run at a time over all clusters; null: any.")
    starts_per_minute: int | None = Field(
        description="How many attempts start within any 60 seconds over all clusters; null: any."
    )
    next_start_at: datetime | None = Field(
        description="When it may start the next one, its minute being used up; null: it may now."
    )
    paused_at: datetime | None
    paused_by: str
    pause_reason: str
    waiting: int = Field(description="Executions that could begin, were there room.")
    running: int
    holding: int = Field(description="Taken slots: running, or between two attempts.")
    oldest_waits_since: datetime | None
    clusters: int = Field(description="Living, undrained clusters that serve it.")
    unserved: list[UnservedDocument]


class QueueList(BaseModel):
    """All queues that have settings, work or a cluster, by name."""

    items: list[QueueDocument]


@router.get("/queues", response=QueueList)
def list_(request: ApiRequest) -> QueueList:
    """List the queues that have settings, work or a cluster."""
    return QueueList(items=[_document(look) for look in queue_looks(timezone.now())])


@router.get("/queues/{name}", response=QueueDocument)
def read(request: ApiRequest, name: str) -> QueueDocument:
    """Return one queue."""
    return _read(name)


@router.patch("/queues/{name}", response=QueueDocument, openapi_extra=body_of("QueueSettings"))
def update(request: ApiRequest, name: str) -> QueueDocument:
    """Set its limits or description; a limit holds for what begins from now on."""
    return _read(queues.update(name, json_object(request), actor=request.auth).name)


@router.post(
    "/queues/{name}/pause",
    response=QueueDocument,
    openapi_extra=body_of("PauseReason", required=False),
)
def pause(request: ApiRequest, name: str) -> QueueDocument:
    """Let nothing more of it begin; what runs goes on."""
    return _read(queues.pause(name, actor=request.auth, reason=_reason(request)).name)


@router.post("/queues/{name}/resume", response=QueueDocument)
def resume(request: ApiRequest, name: str) -> QueueDocument:
    """Let what waits in it begin, at once."""
    return _read(queues.resume(name, actor=request.auth).name)


@router.post("/workers/{id:worker_id}/drain", response=WorkerDocument)
def drain(request: ApiRequest, worker_id: int) -> WorkerDocument:
    """Let a cluster take nothing new and finish what it has; one started again begins undrained."""
    return worker_document(queues.drain(worker_id, actor=request.auth))


@router.post("/workers/{id:worker_id}/undrain", response=WorkerDocument)
def undrain(request: ApiRequest, worker_id: int) -> WorkerDocument:
    """Let a drained cluster take work again, at once."""
    return worker_document(queues.undrain(worker_id, actor=request.auth))


def _read(name: str) -> QueueDocument:
    found = queue_look(name, timezone.now())
    if found is None:
        raise UnknownError(f"Queue {name[:100]} has no settings, no work and no cluster.")
    return _document(found)


def _reason(request: ApiRequest) -> str:
    reason = json_object(request, optional=True).get("reason", "")
    if isinstance(reason, str):
        return reason[:500]
    sentence = f"{str(reason)[:80]!r} is not allowed. Use a text."
    raise InvalidError(f"reason: {sentence}", fields={"reason": sentence})


def _document(look: QueueLook) -> QueueDocument:
    row = look.settings
    return QueueDocument(
        name=look.name,
        description=row.description if row else "",
        limit=look.limit,
        starts_per_minute=look.starts_per_minute,
        next_start_at=look.opens_at,
        paused_at=row.paused_at if row else None,
        paused_by=row.paused_by if row else "",
        pause_reason=row.pause_reason if row else "",
        waiting=look.waiting,
        running=look.running,
        holding=look.holding,
        oldest_waits_since=look.oldest_at,
        clusters=look.clusters,
        unserved=[
            UnservedDocument(
                requires=split(one.requires), since=one.since, oldest_execution_id=one.oldest
            )
            for one in look.unserved
        ],
    )
