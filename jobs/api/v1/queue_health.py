"""How healthy queues are: the score with its parts, what slows them down, what helps, the trend."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import BaseModel, Field

from jobs.api.requests import ApiRequest, Text
from jobs.domain.bottlenecks import Bottleneck
from jobs.queries.queue_health import (
    MOST_HOURS,
    RECENT_HOURS,
    QueueHealth,
    health_of,
    healths,
    history,
    system,
    trend_of,
)

router = Router(tags=["queues"])


class HealthPart(BaseModel):
    """One part of a score."""

    part: str
    value: float
    threshold: float
    weight: float
    cost: float = Field(description="What it takes from the score.")


class BottleneckDocument(BaseModel):
    """Something that slows a queue down."""

    kind: str
    severity: str = Field(description="`critical`, `high`, `medium` or `low`.")
    value: float
    threshold: float
    description: str


class QueueHealthDocument(BaseModel):
    """One queue."""

    queue: str
    score: float = Field(description="0 to 1; 1 is well.")
    parts: list[HealthPart]
    bottlenecks: list[BottleneckDocument]
    recommendations: list[str]
    waiting: int
    running: int
    failure_rate: float = Field(description="0 to 1.")
    per_minute: float
    processing_seconds: float
    mean_wait_seconds: float
    oldest_waits_seconds: float


class SystemHealthDocument(BaseModel):
    """All queues, by name, and the whole in one word."""

    health: str = Field(description="`healthy`, `warning` or `critical`.")
    at: datetime
    items: list[QueueHealthDocument]


class HealthQuery(Schema):
    """Over which time."""

    hours: Annotated[int, Field(ge=1, le=MOST_HOURS)] = RECENT_HOURS


class HealthPoint(BaseModel):
    """A queue in one hour."""

    hour: datetime
    score: float | None = Field(description="Null where nothing ended.")
    per_minute: float
    failure_rate: float
    processing_seconds: float


class HealthTrend(BaseModel):
    """Where a queue goes: the last hours against as many before."""

    queue: str
    trend: str = Field(description="`improving`, `degrading` or `stable`.")
    score_change: float
    processing_seconds_change: float
    throughput_change: float = Field(description="Runs per minute.")
    items: list[HealthPoint] = Field(description="Hour by hour, oldest first.")


class OneQueueQuery(HealthQuery):
    """Of which queue, and over which time."""

    queue: Text = "default"


@router.get("/queue-health", response=SystemHealthDocument)
def list_(request: ApiRequest) -> SystemHealthDocument:
    """Return the health of every queue; nothing here counts history."""
    now = timezone.now()
    found = healths(now)
    return SystemHealthDocument(
        health=system(found).value, at=now, items=[_document(one) for one in found]
    )


@router.get("/queue-health/trend", response=HealthTrend)
def trend(request: ApiRequest, query: Query[OneQueueQuery]) -> HealthTrend:
    """Return where a queue goes, and its score in each hour."""
    now = timezone.now()
    health_of(query.queue, now)
    found = trend_of(query.queue, now, hours=query.hours)
    return HealthTrend(
        queue=query.queue,
        trend=found.direction.value,
        score_change=found.score_change,
        processing_seconds_change=found.processing_seconds_change,
        throughput_change=found.throughput_change,
        items=[
            HealthPoint.model_validate(one, from_attributes=True)
            for one in history(query.queue, now, hours=query.hours)
        ],
    )


def _document(one: QueueHealth) -> QueueHealthDocument:
    sample = one.sample
    return QueueHealthDocument(
        queue=one.name,
        score=one.health.score,
        parts=[
            HealthPart(
                part=part.part.value,
                value=part.value,
                threshold=part.threshold,
                weight=part.weight,
                cost=part.cost,
            )
            for part in one.health.parts
        ],
        bottlenecks=[_bottleneck(found) for found in one.found],
        recommendations=[advice.text for advice in one.recommendations],
        waiting=int(sample.waiting),
        running=sample.running,
        failure_rate=sample.failure_rate,
        per_minute=sample.per_minute,
        processing_seconds=sample.processing_seconds,
        mean_wait_seconds=sample.mean_wait_seconds,
        oldest_waits_seconds=sample.oldest_seconds,
    )


def _bottleneck(one: Bottleneck) -> BottleneckDocument:
    return BottleneckDocument(
        kind=one.kind.value,
        severity=one.severity.value,
        value=one.value,
        threshold=one.threshold,
        description=one.description,
    )
