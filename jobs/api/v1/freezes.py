"""Freezes: list, begin, change, lift."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Limit
from jobs.domain.permissions import Actor
from jobs.models import Freeze
from jobs.queries.freezes import Phase, get_freeze, jobs_under, left_out, list_freezes, phase_of
from jobs.services import freezes
from jobs.services.freeze_requests import parse_changes, parse_freeze
from jobs.services.wording import choice

router = Router(tags=["freezes"])


class FreezeDocument(BaseModel):
    """A stretch of time in which due times are left out."""

    id: int
    scope: str = Field(description="`everything` or `tag`.")
    target: str = Field(description="The tag, for the scope `tag`.")
    reason: str
    phase: str = Field(description="`planned`, `holding`, `ended` or `cancelled`.")
    starts_at: datetime
    ends_at: datetime | None = Field(description="Null: until somebody lifts it.")
    created_at: datetime
    created_by: str
    lifted_at: datetime | None
    lifted_by: str


class FreezeDetail(FreezeDocument):
    """A freeze with what it holds back."""

    jobs: int = Field(description="Present jobs that it is about.")
    left_out: int = Field(description="Due times that it has left out so far.")


class FreezeQuery(Schema):
    """Which freezes to list."""

    phase: Annotated[Phase, choice(Phase)] | None = None
    cursor: Cursor | None = None
    limit: Limit = 100


class FreezePage(BaseModel):
    """Freezes, newest first."""

    items: list[FreezeDocument]
    next_cursor: str | None


@router.get("", response=FreezePage)
def list_(request: ApiRequest, query: Query[FreezeQuery]) -> FreezePage:
    """List freezes, newest first; `phase=holding` is what holds now."""
    now = timezone.now()
    after = None if query.cursor is None else int(query.cursor)
    page = list_freezes(
        now, phase=query.phase, after=after, limit=query.limit, seen_by=request.auth
    )
    return FreezePage(
        items=[freeze_document(row, now) for row in page.rows],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.post("", response={201: FreezeDetail}, openapi_extra=body_of("FreezeRequest"))
@keyed()
def create(request: ApiRequest, response: HttpResponse) -> Status[FreezeDetail]:
    """Hold back due times from now, or from `starts_at`, on. What runs goes on."""
    made = freezes.freeze(parse_freeze(json_object(request)), actor=request.auth)
    response["Location"] = f"{request.path.rstrip('/')}/{made.pk}"
    return Status(HTTPStatus.CREATED, _detail(made, request.auth))


@router.get("/{id:freeze_id}", response=FreezeDetail)
def read(request: ApiRequest, freeze_id: int) -> FreezeDetail:
    """Return one freeze with what it holds back."""
    return _detail(get_freeze(freeze_id, seen_by=request.auth), request.auth)


@router.patch("/{id:freeze_id}", response=FreezeDetail, openapi_extra=body_of("FreezeChanges"))
def update(request: ApiRequest, freeze_id: int) -> FreezeDetail:
    """Change the reason, or when it ends by itself; `"ends_at": null` is until it is lifted."""
    changes = parse_changes(json_object(request))
    return _detail(freezes.extend(freeze_id, changes, actor=request.auth), request.auth)


@router.post("/{id:freeze_id}/lift", response=FreezeDetail)
def lift(request: ApiRequest, freeze_id: int) -> FreezeDetail:
    """End a freeze now, or call off a planned one. Nothing that was left out is caught up."""
    return _detail(freezes.lift(freeze_id, actor=request.auth), request.auth)


def freeze_document(row: Freeze, now: datetime) -> FreezeDocument:
    """Return a freeze's document."""
    return FreezeDocument.model_validate(_values(row, now))


def _detail(row: Freeze, reader: Actor) -> FreezeDetail:
    jobs = jobs_under(row).visible_to(reader).count()
    facts = {"jobs": jobs, "left_out": left_out(row, seen_by=reader)}
    return FreezeDetail.model_validate({**_values(row, timezone.now()), **facts})


def _values(row: Freeze, now: datetime) -> dict[str, object]:
    names = [name for name in FreezeDocument.model_fields if name != "phase"]
    return {**{name: getattr(row, name) for name in names}, "phase": phase_of(row, now).value}
