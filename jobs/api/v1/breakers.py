"""Circuit breakers: look, close, trip, change and delete shared ones."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Limit
from jobs.domain.errors import InvalidError
from jobs.domain.states import BreakerState
from jobs.models import Breaker
from jobs.queries.breakers import (
    BreakerEntry,
    entries,
    entry_of,
    get_breaker,
    left_out,
    list_breakers,
)
from jobs.services import breakers
from jobs.services.wording import choice

router = Router(tags=["breakers"])


class BreakerDocument(BaseModel):
    """A circuit breaker with its settings and where it stands."""

    id: int
    name: str = Field(description="Empty for a job's own.")
    title: str = Field(description="Its name, or of its own the job's.")
    state: str = Field(description="`closed`, `open` or `half_open`.")
    threshold: int
    window_seconds: float
    open_seconds: float
    half_open_probes: int
    failure_count: int = Field(description="Failures in a row that the next one is added to.")
    last_failure_at: datetime | None
    opened_at: datetime | None = Field(description="When it opened last.")
    open_until: datetime | None = Field(description="Until when that holds, or held.")
    next_test_at: datetime | None = Field(
        description="The due time that can be the next test run; null while none is known."
    )
    test_runs: int = Field(description="Test runs under way.")
    cause_execution_id: int | None = Field(description="The run whose failure opened it last.")
    changed_at: datetime
    changed_by: str
    reason: str
    jobs: int = Field(description="How many jobs are under it.")
    created_at: datetime
    created_by: str


class BreakerDetail(BreakerDocument):
    """A circuit breaker with what it has left out."""

    left_out: int = Field(description="Due times that its latest opening has left out so far.")


class BreakerQuery(Schema):
    """Which circuit breakers to list."""

    state: Annotated[BreakerState, choice(BreakerState)] | None = None
    cursor: Cursor | None = None
    limit: Limit = 100


class BreakerPage(BaseModel):
    """Circuit breakers, in the order in which they were made."""

    items: list[BreakerDocument]
    next_cursor: str | None


@router.get("", response=BreakerPage)
def list_(request: ApiRequest, query: Query[BreakerQuery]) -> BreakerPage:
    """List circuit breakers; `state=open` is what holds jobs back now."""
    now = timezone.now()
    after = None if query.cursor is None else int(query.cursor)
    page = list_breakers(state=query.state, after=after, limit=query.limit)
    return BreakerPage(
        items=[BreakerDocument.model_validate(_values(one, now)) for one in entries(page.rows)],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.get("/{id:breaker_id}", response=BreakerDetail)
def read(request: ApiRequest, breaker_id: int) -> BreakerDetail:
    """Return one circuit breaker."""
    return _detail(get_breaker(breaker_id))


@router.patch("/{id:breaker_id}", response=BreakerDetail, openapi_extra=body_of("BreakerChanges"))
def update(request: ApiRequest, breaker_id: int) -> BreakerDetail:
    """Change the settings of a shared circuit breaker; a job's own changes with its job."""
    return _detail(breakers.update(breaker_id, json_object(request), actor=request.auth))


@router.delete("/{id:breaker_id}", response={204: None})
def delete(request: ApiRequest, breaker_id: int) -> Status[None]:
    """Delete a shared circuit breaker that no job names."""
    breakers.delete(breaker_id, actor=request.auth)
    return Status(HTTPStatus.NO_CONTENT, None)


@router.post(
    "/{id:breaker_id}/close",
    response=BreakerDetail,
    openapi_extra=body_of("PauseReason", required=False),
)
def close(request: ApiRequest, breaker_id: int) -> BreakerDetail:
    """Close it: its jobs start again from now on, and failures count anew."""
    return _detail(breakers.close(breaker_id, actor=request.auth, reason=_reason(request)))


@router.post(
    "/{id:breaker_id}/trip",
    response=BreakerDetail,
    openapi_extra=body_of("PauseReason", required=False),
)
def trip(request: ApiRequest, breaker_id: int) -> BreakerDetail:
    """Open it for its open time: due times of its jobs are left out meanwhile."""
    return _detail(breakers.trip(breaker_id, actor=request.auth, reason=_reason(request)))


def _reason(request: ApiRequest) -> str:
    reason = json_object(request, optional=True).get("reason", "")
    if isinstance(reason, str):
        return reason[:500]
    sentence = f"{str(reason)[:80]!r} is not allowed. Use a text."
    raise InvalidError(f"reason: {sentence}", fields={"reason": sentence})


def _detail(row: Breaker) -> BreakerDetail:
    values = _values(entry_of(row), timezone.now())
    return BreakerDetail.model_validate({**values, "left_out": left_out(row)})


def _values(entry: BreakerEntry, now: datetime) -> dict[str, object]:
    row = entry.breaker
    names = [name for name in BreakerDocument.model_fields if hasattr(row, name) and name != "jobs"]
    return {
        **{name: getattr(row, name) for name in names},
        "title": entry.title,
        "failure_count": len(row.failures),
        "next_test_at": breakers.next_test_at(entry, now),
        "test_runs": entry.probing,
        "jobs": entry.count,
    }
