"""What the product looks like as a whole: totals, processes, and a preview of schedules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone
from ninja import Router
from pydantic import BaseModel, Field

from jobs import __version__
from jobs.api.body import json_object
from jobs.api.documents import WorkerDocument, worker_document
from jobs.api.openapi import body_of
from jobs.api.preview_documents import Preview
from jobs.api.previews import preview_of
from jobs.api.requests import ApiRequest
from jobs.models import Worker
from jobs.queries.overview import totals
from jobs.queries.pulse import pulse

router = Router(tags=["overview"])


class JobTotals(BaseModel):
    """Jobs by state."""

    total: int
    active: int
    paused: int
    auto_disabled: int


class ExecutionTotals(BaseModel):
    """What goes on now, and what ended in the last 24 hours."""

    running: int
    waiting: int
    ended_day: int
    failed_day: int
    success_rate_day: float | None = Field(description="0 to 1; null when nothing ended.")
    success_rate_week: float | None
    wait_seconds_day: float | None = Field(description="Mean wait for a free worker.")


class DispatcherTotals(BaseModel):
    """The dispatchers' latest sign of life and the clusters' load."""

    down: bool = Field(description="No dispatcher has looked at the clock for a minute.")
    tick_at: datetime | None
    lag_seconds: float | None
    clusters: int
    slots: int
    busy: int


class StoreTotals(BaseModel):
    """Where jobs are kept: an answer means that it was read a moment ago."""

    reachable: bool = Field(description="Else the answer is 503.")
    engine: str = Field(description="`sqlite` or `postgresql`.")
    jobs: int


class Overview(BaseModel):
    """The numbers of the first page."""

    now: datetime
    version: str
    timezone: str = Field(description="The server's zone: for jobs that name none.")
    jobs: JobTotals
    executions: ExecutionTotals
    dispatcher: DispatcherTotals
    store: StoreTotals


class WorkerList(BaseModel):
    """The product's processes, the living ones first."""

    items: list[WorkerDocument]


@router.get("/overview", response=Overview)
def overview(request: ApiRequest) -> Overview:
    """Return the totals; nothing here counts history."""
    now = timezone.now()
    sums, life = totals(now), pulse(now)
    return Overview(
        now=now,
        version=__version__,
        timezone=settings.TIME_ZONE,
        jobs=JobTotals(
            total=sums.total,
            active=sums.active,
            paused=sums.paused,
            auto_disabled=sums.auto_disabled,
        ),
        executions=ExecutionTotals(
            running=sums.executing,
            waiting=sums.waiting,
            ended_day=sums.ended_day,
            failed_day=sums.failed_day,
            success_rate_day=sums.rate_day,
            success_rate_week=sums.rate_week,
            wait_seconds_day=sums.wait_day,
        ),
        dispatcher=DispatcherTotals(
            down=life.down,
            tick_at=life.tick_at,
            lag_seconds=life.lag_seconds,
            clusters=life.clusters,
            slots=life.slots,
            busy=life.busy,
        ),
        store=StoreTotals(reachable=True, engine=connection.vendor, jobs=sums.total),
    )


@router.get("/workers", response=WorkerList)
def workers(request: ApiRequest) -> WorkerList:
    """List dispatchers and clusters, gone ones of the last day included."""
    rows = Worker.objects.order_by("kind", "-beat_at")[:500]
    return WorkerList(items=[worker_document(row) for row in rows])


@router.post("/preview", response=Preview, openapi_extra=body_of("PreviewRequest"))
def preview(request: ApiRequest) -> Any:
    """Say what schedules mean: in words, with the next due times, or what is wrong with them."""
    return preview_of(json_object(request))
