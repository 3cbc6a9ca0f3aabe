"""Backfills: look, start, list, read, items, pause, resume, cancel."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Limit
from jobs.domain.errors import UnknownError
from jobs.domain.states import BackfillState
from jobs.models import Backfill, BackfillItem, Job
from jobs.queries.backfills import (
    Progress,
    backfills_of,
    get_backfill,
    items_of,
    likely_end,
    obstacle_of,
    progress_of,
)
from jobs.services import backfills
from jobs.services.backfill_due import DueTime, what_now
from jobs.services.backfill_requests import parse_request
from jobs.services.wording import choice

router = Router(tags=["backfills"])


class DueTimeDocument(BaseModel):
    """A due time that would be run, and what it has now."""

    due_at: datetime
    now: str = Field(
        description="State of its latest execution, else the reason of its omission, else empty."
    )
    execution_id: int | None = Field(description="Its latest execution.")


class BackfillPreview(BaseModel):
    """What a backfill would run; nothing was made."""

    count: int
    first_due_at: datetime | None
    last_due_at: datetime | None
    due_times: int = Field(description="How many due times the window has.")
    in_progress: int = Field(description="Left out: an execution of the due time is in progress.")
    in_other_backfills: int = Field(description="Left out: another unfinished backfill has them.")
    now: dict[str, int] = Field(description="How many there are of each `now`.")
    items: list[DueTimeDocument]
    next_cursor: str | None


class PreviewQuery(Schema):
    """Which part of the list."""

    cursor: Cursor | None = None
    limit: Limit = 100


class BackfillDocument(BaseModel):
    """A backfill and how far it is, in due times."""

    id: int
    job_id: int
    job: str = Field(description="The job's name.")
    start: datetime = Field(serialization_alias="from")
    end: datetime = Field(serialization_alias="to")
    only: str
    order: str
    pace_seconds: float
    max_parallel: int
    state: str = Field(description="`running`, `paused`, `cancelled` or `finished`.")
    state_changed_at: datetime
    state_changed_by: str
    created_at: datetime
    created_by: str
    finished_at: datetime | None
    total: int
    succeeded: int
    failed: int
    cancelled: int = Field(description="Killed, or skipped before the start.")
    running: int = Field(description="Queued, running, or waiting for another attempt.")
    left: int = Field(description="Not started yet.")
    dropped: int = Field(description="Given up before the start.")
    unknown: int = Field(description="Their execution is deleted.")


class BackfillDetail(BackfillDocument):
    """One backfill, with what is ahead of it."""

    likely_end_at: datetime | None = Field(description="From how long its runs take.")
    waits_for: str = Field(description="What keeps it from starting the next; else empty.")


class BackfillPage(BaseModel):
    """A job's backfills, newest first."""

    items: list[BackfillDocument]
    next_cursor: str | None


class BackfillQuery(Schema):
    """Which backfills to list."""

    state: Annotated[BackfillState, choice(BackfillState)] | None = None
    cursor: Cursor | None = None
    limit: Limit = 100


class ItemDocument(BaseModel):
    """One due time of a backfill."""

    due_at: datetime
    state: str = Field(description="Its execution's, or `left`, `dropped` or `unknown`.")
    execution_id: int | None
    started_at: datetime | None
    finished_at: datetime | None
    message: str


class ItemPage(BaseModel):
    """Due times in the order in which they start."""

    items: list[ItemDocument]
    next_cursor: str | None


class ItemQuery(Schema):
    """Which items to list."""

    state: str = Field(
        "",
        pattern="^(|left|live|succeeded|failed|cancelled|dropped)$",
        description="`left`, `live`, `succeeded`, `failed`, `cancelled` or `dropped`.",
    )
    cursor: Cursor | None = None
    limit: Limit = 100


@router.post(
    "/jobs/{id:job_id}/backfills/preview",
    response=BackfillPreview,
    openapi_extra=body_of("BackfillRequest"),
)
def preview(request: ApiRequest, job_id: int, query: Query[PreviewQuery]) -> BackfillPreview:
    """Say which due times a backfill would run, and what each has now; nothing is made."""
    found = backfills.preview(job_id, parse_request(json_object(request)), actor=request.auth)
    begin = 0 if query.cursor is None else int(query.cursor)
    after = begin + query.limit
    return BackfillPreview(
        count=len(found.items),
        first_due_at=found.items[0].due_at if found.items else None,
        last_due_at=found.items[-1].due_at if found.items else None,
        due_times=found.looked_at,
        in_progress=found.in_progress,
        in_other_backfills=sum(found.elsewhere.values()),
        now=found.counts,
        items=[_due_time(item) for item in found.items[begin:after]],
        next_cursor=str(after) if after < len(found.items) else None,
    )


def _due_time(item: DueTime) -> DueTimeDocument:
    record = item.record
    return DueTimeDocument(
        due_at=item.due_at, now=what_now(record), execution_id=record.execution_id
    )


@router.post(
    "/jobs/{id:job_id}/backfills",
    response={200: BackfillDetail, 201: BackfillDetail},
    by_alias=True,
    openapi_extra=body_of("BackfillRequest"),
)
@keyed()
def create(request: ApiRequest, response: HttpResponse, job_id: int) -> Status[BackfillDetail]:
    """Run due times of the past: 201, or 200 with the unfinished backfill that is equal.

    Due times that another unfinished backfill has are left out. When none is left, 422.
    """
    made = backfills.create(job_id, parse_request(json_object(request)), actor=request.auth)
    response["Location"] = request.path.replace(
        f"/jobs/{job_id}/backfills", f"/backfills/{made.backfill.pk}"
    )
    status = HTTPStatus.CREATED if made.created else HTTPStatus.OK
    return Status(status, _detail(made.backfill.pk))


@router.get("/jobs/{id:job_id}/backfills", response=BackfillPage, by_alias=True)
def list_(request: ApiRequest, job_id: int, query: Query[BackfillQuery]) -> BackfillPage:
    """List a job's backfills, newest first."""
    if not Job.objects.filter(pk=job_id).exists():
        raise UnknownError(f"Job {job_id} does not exist.")
    page = backfills_of(
        job_id,
        state="" if query.state is None else query.state.value,
        before=None if query.cursor is None else int(query.cursor),
        size=query.limit,
    )
    return BackfillPage(
        items=[BackfillDocument(**_values(row, progress)) for row, progress in page.rows],
        next_cursor=None if page.older is None else str(page.older),
    )


@router.get("/backfills/{id:backfill_id}", response=BackfillDetail, by_alias=True)
def read(request: ApiRequest, backfill_id: int) -> BackfillDetail:
    """Return one backfill with its progress."""
    return _detail(backfill_id)


@router.get("/backfills/{id:backfill_id}/items", response=ItemPage)
def items(request: ApiRequest, backfill_id: int, query: Query[ItemQuery]) -> ItemPage:
    """List the due times of a backfill in the order in which they start."""
    backfill = get_backfill(backfill_id)
    after = None if query.cursor is None else int(query.cursor)
    page = items_of(backfill, state=query.state, after=after, size=query.limit)
    return ItemPage(
        items=[_item(row, backfill) for row in page.rows],
        next_cursor=None if page.after is None else str(page.after),
    )


@router.post("/backfills/{id:backfill_id}/pause", response=BackfillDetail, by_alias=True)
def pause(request: ApiRequest, backfill_id: int) -> BackfillDetail:
    """Start nothing more until it is resumed; what runs goes on."""
    backfills.pause(backfill_id, actor=request.auth)
    return _detail(backfill_id)


@router.post("/backfills/{id:backfill_id}/resume", response=BackfillDetail, by_alias=True)
def resume(request: ApiRequest, backfill_id: int) -> BackfillDetail:
    """Go on with a paused backfill."""
    backfills.resume(backfill_id, actor=request.auth)
    return _detail(backfill_id)


@router.post("/backfills/{id:backfill_id}/cancel", response=BackfillDetail, by_alias=True)
def cancel(
    request: ApiRequest,
    backfill_id: int,
    kill: Annotated[bool, Field(description="End what it has running, too.")] = False,
) -> BackfillDetail:
    """Give up what has not started; what runs goes on, unless `kill=true`."""
    backfills.cancel(backfill_id, actor=request.auth, kill=kill)
    return _detail(backfill_id)


def _detail(backfill_id: int) -> BackfillDetail:
    backfill, now = get_backfill(backfill_id), timezone.now()
    progress = progress_of([backfill])[backfill.pk]
    return BackfillDetail(
        **_values(backfill, progress),
        likely_end_at=likely_end(backfill, progress, now),
        waits_for=_waits_for(backfill, progress, now),
    )


def _waits_for(backfill: Backfill, progress: Progress, now: datetime) -> str:
    obstacle = obstacle_of(backfill, progress, now)
    if obstacle is None:
        return ""
    if obstacle.freeze is not None:
        return f"freeze: {obstacle.freeze.reason}"
    return f"execution #{obstacle.execution.pk}" if obstacle.execution else ""


_SAME = (
    "job_id", "order", "pace_seconds", "max_parallel", "state", "state_changed_at",
    "state_changed_by", "created_at", "created_by", "finished_at",
)  # fmt: skip
_SUMS = ("total", "succeeded", "failed", "cancelled", "left", "dropped")


def _values(backfill: Backfill, progress: Progress) -> dict[str, Any]:
    return {
        "id": backfill.pk,
        "job": backfill.job.name,
        "start": backfill.starts_at,
        "end": backfill.ends_at,
        "only": backfill.choice,
        **{name: getattr(backfill, name) for name in _SAME},
        **{name: getattr(progress, name) for name in _SUMS},
        "running": progress.live,
        "unknown": progress.gone,
    }


def _item(row: BackfillItem, backfill: Backfill) -> ItemDocument:
    execution = row.execution
    if execution is None:
        over = backfill.finished_at is not None
        state = "dropped" if row.dropped else "unknown" if over else "left"
        return ItemDocument(
            due_at=row.due_at,
            state=state,
            execution_id=None,
            started_at=None,
            finished_at=None,
            message="",
        )
    return ItemDocument(
        due_at=row.due_at,
        state=execution.state,
        execution_id=execution.pk,
        started_at=execution.started_at,
        finished_at=execution.finished_at,
        message=execution.message,
    )
