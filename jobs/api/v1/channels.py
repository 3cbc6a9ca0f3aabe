"""Channels: where alerts are told."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Limit
from jobs.models import Channel
from jobs.queries.alerts import list_channels
from jobs.services import channels

router = Router(tags=["alerts"])


class ChannelDocument(BaseModel):
    """A channel; of settings that are secrets only that they are set."""

    id: int
    name: str
    kind: str = Field(description="`email`, `webhook`, `slack`, `command` or `apprise`.")
    settings: dict[str, Any]
    enabled: bool
    severity: str = Field(description="The least severity that is told.")
    routes: dict[str, Any] = Field(description="Which alerts go there; empty: all.")
    quiet: dict[str, str] | None = Field(
        description="`from`, `to` and `timezone` of the hours in which only what is critical is told."
    )
    remind_seconds: int
    tells_resolved: bool
    links: bool = Field(description="Whether its messages carry links that act without a login.")
    created_at: datetime
    created_by: str
    updated_at: datetime


class ChannelQuery(Schema):
    """Which channels to list."""

    cursor: Cursor | None = None
    limit: Limit = 100


class ChannelPage(BaseModel):
    """Channels, in the order in which they were made."""

    items: list[ChannelDocument]
    next_cursor: str | None


class ChannelTest(BaseModel):
    """How a test message fared."""

    delivered: bool
    error: str


@router.get("", response=ChannelPage)
def list_(request: ApiRequest, query: Query[ChannelQuery]) -> ChannelPage:
    """List channels."""
    after = None if query.cursor is None else int(query.cursor)
    page = list_channels(after=after, limit=query.limit)
    return ChannelPage(
        items=[_document(row) for row in page.rows],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.post("", response={201: ChannelDocument}, openapi_extra=body_of("ChannelDefinition"))
@keyed()
def create(request: ApiRequest, response: HttpResponse) -> Status[ChannelDocument]:
    """Make a channel. Addresses and keys are sealed and never shown again."""
    made = channels.create(json_object(request), actor=request.auth)
    response["Location"] = f"{request.path.rstrip('/')}/{made.pk}"
    return Status(HTTPStatus.CREATED, _document(made))


@router.get("/{id:channel_id}", response=ChannelDocument)
def read(request: ApiRequest, channel_id: int) -> ChannelDocument:
    """Return one channel."""
    return _document(channels.get(channel_id))


@router.patch("/{id:channel_id}", response=ChannelDocument, openapi_extra=body_of("ChannelChanges"))
def update(request: ApiRequest, channel_id: int) -> ChannelDocument:
    """Change a channel; settings that are not named stay."""
    return _document(channels.update(channel_id, json_object(request), actor=request.auth))


@router.delete("/{id:channel_id}", response={204: None})
def delete(request: ApiRequest, channel_id: int) -> Status[None]:
    """Delete a channel with what waits for it."""
    channels.delete(channel_id, actor=request.auth)
    return Status(HTTPStatus.NO_CONTENT, None)


@router.post("/{id:channel_id}/test", response=ChannelTest)
def trial(request: ApiRequest, channel_id: int) -> ChannelTest:
    """Send a test message at once, and say how it fared."""
    why = channels.send_test(channel_id, actor=request.auth)
    return ChannelTest(delivered=not why, error=why)


def _document(row: Channel) -> ChannelDocument:
    facts = {"id": row.pk, "created_at": row.created_at, "created_by": row.created_by}
    return ChannelDocument.model_validate(
        {**channels.shown(row), **facts, "updated_at": row.updated_at}
    )
