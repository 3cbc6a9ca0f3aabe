"""Statistics: rates, quantiles, runs by day and by hour of the week, and the period before."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import BaseModel, Field

from jobs.api.requests import ApiRequest, Text
from jobs.domain.histogram import Histogram
from jobs.queries import stats
from jobs.queries.jobs import get_job
from jobs.queries.pulse import pulse

router = Router(tags=["statistics"])


class StatsQuery(Schema):
    """A period."""

    window: stats.Window = stats.Window.WEEK
    timezone: Text = Field("UTC", description="The IANA zone of days and hours.")


class AllStatsQuery(StatsQuery):
    """A period, and which jobs."""

    queue: Text = Field("", description="Only this queue.")
    workspace: Text = Field("", description="Only the jobs of this workspace.")
    tag: Text = Field("", description="Only the jobs with this tag.")


class QuantilesDocument(BaseModel):
    """Seconds that half, 95 % and 99 % of the runs did not exceed; null where there were none."""

    p50: float | None
    p95: float | None
    p99: float | None
    longest: float | None


class FiguresDocument(BaseModel):
    """What ended in a period."""

    succeeded: int
    failed: int
    timed_out: int
    lost: int
    cancelled: int
    skipped: int
    ended: int = Field(description="Succeeded or failed in any way; not cancelled or skipped.")
    success_rate: float | None = Field(description="0 to 1; null where nothing ended.")
    mean_seconds: float | None
    mean_wait_seconds: float | None
    duration: QuantilesDocument
    wait: QuantilesDocument | None = Field(description="Null for a job or a workspace.")


class PartDocument(BaseModel):
    """One hour of a day, or one day."""

    at: datetime
    succeeded: int
    failed: int
    other: int = Field(description="Cancelled or skipped.")


class HeatDocument(BaseModel):
    """What ended in one hour of the week over the whole period."""

    weekday: int = Field(description="0 is Monday.")
    hour: int
    ended: int
    failed: int


class StatisticsDocument(BaseModel):
    """A period and the one before it."""

    window: str
    start: datetime
    end: datetime
    timezone: str
    per_day: float
    now: FiguresDocument
    before: FiguresDocument
    success_rate_change: float | None = Field(description="Against the period before.")
    p95_change: float | None = Field(description="As a share of the period before.")
    parts: list[PartDocument]
    heat: list[HeatDocument] = Field(description="Hours of the week in which something ended.")


class SelfWatchDocument(BaseModel):
    """How well the product itself did its work in the last 24 hours."""

    dispatch_lateness: QuantilesDocument = Field(description="From due to queued, in seconds.")
    queue_wait: QuantilesDocument = Field(description="From queued to started, in seconds.")
    dispatched: int
    rescued: int = Field(description="Executions whose worker was gone.")
    tick_age_seconds: float | None = Field(description="Since a dispatcher looked at the clock.")


@router.get("/jobs/{id:job_id}/stats", response=StatisticsDocument)
def read(request: ApiRequest, job_id: int, query: Query[StatsQuery]) -> StatisticsDocument:
    """Return the statistics of a job."""
    job = get_job(job_id)
    return _document(stats.of_job(job.pk, query.window, timezone.now(), zone=query.timezone))


@router.get("/stats", response=StatisticsDocument)
def all_(request: ApiRequest, query: Query[AllStatsQuery]) -> StatisticsDocument:
    """Return the statistics of all jobs that you see, of a queue or of a workspace."""
    found = stats.of_all(
        query.window,
        timezone.now(),
        seen_by=request.auth,
        workspace=query.workspace,
        queue=query.queue,
        tag=query.tag,
        zone=query.timezone,
    )
    return _document(found)


@router.get("/self-watch", response=SelfWatchDocument)
def self_watch(request: ApiRequest) -> SelfWatchDocument:
    """Return how punctual the dispatchers were, how long runs waited, and what was rescued."""
    now = timezone.now()
    watch = stats.self_watch(now)
    tick_at = pulse(now).tick_at
    return SelfWatchDocument(
        dispatch_lateness=_quantiles(watch.lateness),
        queue_wait=_quantiles(watch.waits),
        dispatched=watch.lateness.total,
        rescued=watch.rescued,
        tick_age_seconds=None if tick_at is None else max((now - tick_at).total_seconds(), 0.0),
    )


def _document(found: stats.Statistics) -> StatisticsDocument:
    return StatisticsDocument(
        window=found.window.value,
        start=found.start,
        end=found.end,
        timezone=found.zone,
        per_day=found.per_day,
        now=_figures(found.now),
        before=_figures(found.before),
        success_rate_change=found.rate_change,
        p95_change=found.p95_change,
        parts=[
            PartDocument(
                at=one.at.astimezone(UTC),
                succeeded=one.succeeded,
                failed=one.failed,
                other=one.other,
            )
            for one in found.parts
        ],
        heat=[
            HeatDocument(weekday=weekday, hour=hour, ended=ended, failed=failed)
            for (weekday, hour), (ended, failed) in sorted(found.heat.items())
        ],
    )


def _figures(found: stats.Figures) -> FiguresDocument:
    return FiguresDocument(
        **{**found.outcomes, "failed": found.outcomes.get("failed", 0)},
        ended=found.ended,
        success_rate=found.success_rate,
        mean_seconds=found.mean_seconds,
        mean_wait_seconds=found.mean_wait_seconds,
        duration=_quantiles(found.durations),
        wait=None if found.waits is None else _quantiles(found.waits),
    )


def _quantiles(found: Histogram) -> QuantilesDocument:
    return QuantilesDocument(
        p50=found.quantile(0.5),
        p95=found.quantile(0.95),
        p99=found.quantile(0.99),
        longest=found.longest if found.total else None,
    )
