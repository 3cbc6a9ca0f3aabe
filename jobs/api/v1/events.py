"""Events: report one, and see which were reported."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Limit
from jobs.domain.states import Event
from jobs.models import Occurrence
from jobs.queries.events import list_occurrences
from jobs.services import events
from jobs.services.event_requests import parse_event
from jobs.services.wording import choice

router = Router(tags=["events"])


class OccurrenceDocument(BaseModel):
    """One event that happened."""

    id: int
    event: str
    at: datetime
    actor: str
    detail: str
    key: str = Field(description="What makes a repeated report the same event.")
    served: bool = Field(description="Every job that waits for it has its verdict.")


class EventQuery(Schema):
    """Which events to list."""

    event: Annotated[Event, choice(Event)] | None = None
    cursor: Cursor | None = None
    limit: Limit = 100


class OccurrencePage(BaseModel):
    """Events, newest first."""

    items: list[OccurrenceDocument]
    next_cursor: str | None


@router.get("", response=OccurrencePage)
def list_(request: ApiRequest, query: Query[EventQuery]) -> OccurrencePage:
    """List what was reported, newest first."""
    after = None if query.cursor is None else int(query.cursor)
    page = list_occurrences(event=query.event or "", after=after, limit=query.limit)
    return OccurrencePage(
        items=[_document(row) for row in page.rows],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.post("", response={202: OccurrenceDocument}, openapi_extra=body_of("EventReport"))
@keyed()
def report(request: ApiRequest) -> Status[OccurrenceDocument]:
    """Report that an event happened now; the jobs that wait for it start within a second."""
    told = parse_event(json_object(request))
    made = events.report(told.event, actor=request.auth, detail=told.detail, key=told.key)
    return Status(HTTPStatus.ACCEPTED, _document(made))


def _document(row: Occurrence) -> OccurrenceDocument:
    names = [name for name in OccurrenceDocument.model_fields if name != "served"]
    values = {name: getattr(row, name) for name in names}
    return OccurrenceDocument.model_validate({**values, "served": row.served_until is None})
