"""The timeline for programs: the lanes and the load that the page draws."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import BaseModel, Field

from jobs.api.requests import ApiRequest, Moment, Text
from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Actor
from jobs.queries.forecast import Forecast, QueueForecast, cached_forecast
from jobs.queries.timeline_axis import RANGES, axis_of, load_range, parse_ids
from jobs.queries.timeline_marks import Axis
from jobs.queries.timeline_page import Lane, TimelineFilter, lane_page
from jobs.services.firing import rules_of
from jobs.services.wording import choice

router = Router(tags=["timeline"])


class Range(StrEnum):
    """How much is shown."""

    HOUR = "hour"
    SIX_HOURS = "6h"
    DAY = "day"
    WEEK = "week"


class State(StrEnum):
    """How a job stands."""

    EXECUTING = "executing"
    FAILING = "failing"
    OVERDUE = "overdue"
    PAUSED = "paused"
    AUTO_DISABLED = "auto_disabled"


class Sort(StrEnum):
    """Which lane comes first."""

    TROUBLE = "trouble"
    NEXT = "next"
    NAME = "name"


class TimelineQuery(Schema):
    """Which window, which jobs, and whether the load is wanted."""

    range: Annotated[Range, choice(Range)] = Range.DAY
    at: Moment | None = Field(None, description="Where the window begins; around now by default.")
    q: Text = ""
    state: Annotated[State, choice(State)] | None = None
    tag: Text = ""
    queue: Text = ""
    workspace: Text = ""
    jobs: Text = Field("", description="Ids and ranges of ids, such as `3-7,12`.")
    sort: Annotated[Sort, choice(Sort)] = Sort.TROUBLE
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    load: bool = Field(True, description="With the predicted load of each queue.")


class MarkDocument(BaseModel):
    """One thing on a lane; several runs or due times where single ones would cover each other."""

    kind: str = Field(description="run, runs, omitted, planned, held or off.")
    start: datetime
    end: datetime
    counts: dict[str, int] = Field(description="By state, or due times under `due`.")
    reason: str
    detail: str
    execution_id: int | None
    about: bool = Field(description="The moment or the number is a guess.")


class LaneDocument(BaseModel):
    """One job."""

    job_id: int
    job: str
    queue: str
    state: str
    next_fire_at: datetime | None
    usual_seconds: float | None = Field(description="How long a run takes; null before the first.")
    cut_before: datetime | None = Field(description="Runs before this are too many to be listed.")
    marks: list[MarkDocument]


class BucketDocument(BaseModel):
    """A stretch of the load."""

    start: datetime
    end: datetime
    starts: int
    peak: int = Field(description="Slots wanted at once, at most.")
    mean: float


class SpotDocument(BaseModel):
    """Where runs have to wait, or the minute in which most begin."""

    start: datetime
    until: datetime
    over: bool = Field(description="More slots are wanted than there are.")
    peak: int = Field(description="Slots wanted at once; runs that begin where nothing is over.")
    jobs: int
    names: list[str] = Field(description="The first of the jobs.")
    job_ids: list[int] = Field(description="At most a thousand.")
    wait_seconds: float = Field(description="How long the last one waits, about.")
    drains: bool = Field(description="False: no end to the waiting is in sight.")


class QueueLoadDocument(BaseModel):
    """The load of one queue."""

    queue: str
    slots: int | None = Field(description="Of the live workers; null when none serves it.")
    shared: bool
    peak: int
    starts: int
    buckets: list[BucketDocument]
    hot_spots: list[SpotDocument]
    more_hot_spots: int


class TimelineLoadDocument(BaseModel):
    """The load of the part of the window that is to come."""

    start: datetime
    end: datetime
    jobs: int
    counted: int = Field(description="Jobs due too often to be followed; they count on average.")
    never_ran: int = Field(description="Jobs without a run; each counts for a second.")
    queues: list[QueueLoadDocument]


class TimelineDocument(BaseModel):
    """The window, one page of lanes, and the load."""

    start: datetime
    end: datetime
    now: datetime
    matching: int
    page: int
    more: bool
    lanes: list[LaneDocument]
    load: TimelineLoadDocument | None = Field(
        description="Null for the past, when not asked for, and to who may not see all jobs."
    )


@router.get("/timeline", response=TimelineDocument)
def timeline(request: ApiRequest, query: Query[TimelineQuery]) -> TimelineDocument:
    """Return past and planned runs of jobs on one axis, with the predicted load of each queue.

    Due times are exact; what follows from the end of a run is marked `about`.
    """
    span = RANGES[query.range.value]
    if query.at is not None and not 3 <= query.at.year <= 9900:
        raise InvalidError(
            f"at {query.at.isoformat()} is out of range. Use years 3 to 9900.",
            fields={"at": "Use years 3 to 9900."},
        )
    axis = axis_of(span, query.at, timezone.now())
    page = lane_page(_filter(query, request.auth), axis, rules_of=rules_of)
    part = load_range(axis, span) if query.load and request.auth.sees_all else None
    return TimelineDocument(
        start=axis.start,
        end=axis.end,
        now=axis.now,
        matching=page.matching,
        page=page.page,
        more=page.more,
        lanes=[_lane(lane) for lane in page.lanes],
        load=_load(part, axis, query) if part else None,
    )


def _filter(query: TimelineQuery, caller: Actor) -> TimelineFilter:
    ids = parse_ids(query.jobs)
    if query.jobs and not ids:
        text = f"{query.jobs!r} is no list of ids. Use ids and ranges, such as 3-7,12."
        raise InvalidError(f"jobs: {text}", fields={"jobs": text})
    return TimelineFilter(
        q=query.q,
        state=query.state.value if query.state else "",
        tag=query.tag,
        queue=query.queue,
        workspace=query.workspace,
        ids=ids,
        sort=query.sort.value,
        page=query.page,
        seen_by=caller,
    )


def _lane(lane: Lane) -> LaneDocument:
    job = lane.job
    return LaneDocument(
        job_id=job.pk,
        job=job.name,
        queue=job.queue,
        state=job.state,
        next_fire_at=job.next_fire_at,
        usual_seconds=lane.usual_seconds,
        cut_before=lane.cut_before,
        marks=[MarkDocument.model_validate(mark, from_attributes=True) for mark in lane.marks],
    )


def _load(
    part: tuple[datetime, datetime], axis: Axis, query: TimelineQuery
) -> TimelineLoadDocument:
    width = RANGES[query.range.value].bucket
    found: Forecast = cached_forecast(*part, now=axis.now, width=width, rules_of=rules_of)
    return TimelineLoadDocument(
        start=found.start,
        end=found.end,
        jobs=found.jobs,
        counted=found.counted,
        never_ran=found.never_ran,
        queues=[_queue(one) for one in found.queues if query.queue in ("", one.queue)],
    )


def _queue(queue: QueueForecast) -> QueueLoadDocument:
    return QueueLoadDocument(
        queue=queue.queue,
        slots=queue.slots,
        shared=queue.shared,
        peak=queue.peak,
        starts=queue.starts,
        buckets=[BucketDocument.model_validate(one, from_attributes=True) for one in queue.buckets],
        hot_spots=[SpotDocument.model_validate(one, from_attributes=True) for one in queue.spots],
        more_hot_spots=queue.more_spots,
    )
