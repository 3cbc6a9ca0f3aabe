"""Say what schedules will do before they are saved, with the functions that dispatch uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from django.utils import timezone
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jobs.api.requests import Id, Moment
from jobs.domain import schedule as rules
from jobs.domain.clock_changes import ClockChange, clock_changes
from jobs.domain.clock_words import effects, heading
from jobs.domain.errors import InvalidError
from jobs.domain.forecast import FireDiff
from jobs.domain.planned import Planned
from jobs.models import Job
from jobs.queries.listing import present_job
from jobs.services import previews
from jobs.services.problems import invalid_from, named

_Schedules = Annotated[list[dict[str, Any]], Field(max_length=50)]


def _known_zone(value: str) -> str:
    with named():
        rules.zone(value)
    return value


class PreviewRequest(BaseModel):
    """Schedules as a job has them, how far to look, and what to compare them with."""

    model_config = ConfigDict(extra="forbid")

    schedules: _Schedules
    count: Annotated[int, Field(ge=1, le=100)] = 5
    start: Annotated[Moment | None, Field(alias="from")] = None
    viewer_timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    job_id: Annotated[
        Id | None,
        Field(description="The job that is edited: its schedules are compared with these."),
    ] = None
    before: Annotated[
        _Schedules | None, Field(description="Compare with these schedules instead.")
    ] = None


class SchedulePreview(BaseModel):
    """What one schedule means."""

    words: str = Field(description="Empty when the schedule is wrong.")
    items: list[datetime]
    errors: dict[str, str] = Field(description="By field.")


class Run(BaseModel):
    """One run to come, on three clocks."""

    at: datetime
    job_time: str = Field(description="In the zone of the first schedule, with its offset.")
    viewer_time: str
    about: bool = Field(description="Counted from the end of a run to come: a guess.")


class ClockChangeDocument(BaseModel):
    """A change of the clock to come."""

    timezone: str
    at: datetime
    shown_before: str = Field(description="What the clock would show at that moment.")
    shown_after: str
    words: str
    touched: bool = Field(description="Whether it changes anything for a schedule.")
    effects: list[str]


class Moved(BaseModel):
    """A due time that moves within its local day."""

    before: datetime
    after: datetime


class DiffDocument(BaseModel):
    """What an edit does to the due times of the next 30 days; lists hold the first 50."""

    start: datetime
    end: datetime
    compared_until: datetime = Field(
        description="The counts of changes hold up to here; earlier than `end` when there are too"
        " many due times to look at each."
    )
    before_count: int | None = Field(description="Null when there are too many to count.")
    after_count: int | None
    kept_count: int | None
    added_count: int
    removed_count: int
    moved_count: int
    added: list[datetime]
    removed: list[datetime]
    moved: list[Moved]
    about: bool = Field(description="Intervals that count from the end of a run take part.")


class Preview(BaseModel):
    """What all schedules together mean."""

    words: str
    items: list[datetime] = Field(description="The next due times of the right schedules together.")
    timezone: str
    viewer_timezone: str
    runs: list[Run] = Field(description="The same due times on the job's and the viewer's clock.")
    clock_changes: list[ClockChangeDocument] = Field(
        description="The next two of each zone in which a cron schedule counts."
    )
    diff: DiffDocument | None = Field(description="Null unless `job_id` or `before` is given.")
    schedules: list[SchedulePreview]
    errors: dict[str, str] = Field(
        description="By field, such as `schedules.0.expression` or `before.0.timezone`."
    )


_request = TypeAdapter(PreviewRequest)
_Parsed = Sequence[rules.Schedule | InvalidError]


def preview_of(data: Mapping[str, Any]) -> Preview:
    """Return words, next due times and errors; only a request that is none at all is refused."""
    try:
        asked = _request.validate_python(data)
    except ValidationError as error:
        raise invalid_from(error) from error
    start = asked.start or timezone.now().astimezone(UTC)
    job = None if asked.job_id is None else present_job(asked.job_id)
    stored = previews.stored_of(job)

    def parsed(given: Sequence[Mapping[str, Any]]) -> _Parsed:
        usual = previews.usual_of(job)
        return [previews.drafted(one, now=start, stored=stored, usual=usual) for one in given]

    after, before = parsed(asked.schedules), parsed(asked.before or [])
    right = _right(after)
    zone_name = previews.zone_of(right)
    plan = previews.runs_to_come(right, job=job, now=start, count=asked.count)
    return Preview(
        words=rules.describe_all(right),
        items=[one.at for one in plan],
        timezone=zone_name,
        viewer_timezone=asked.viewer_timezone,
        runs=[_run(one, zone_name, asked.viewer_timezone) for one in plan],
        clock_changes=[_clock_change(one, _numbers(after)) for one in clock_changes(right, start)],
        diff=_diff(asked, job, _right(before), right, start),
        schedules=[_preview(one, job, start, asked.count) for one in after],
        errors={**_errors("schedules", after), **_errors("before", before)},
    )


def _right(parsed: _Parsed) -> list[rules.Schedule]:
    return [one for one in parsed if isinstance(one, rules.Schedule)]


def _numbers(parsed: _Parsed) -> list[int]:
    """Return the places of the right schedules in the request, counted from 1."""
    return [n for n, one in enumerate(parsed, start=1) if isinstance(one, rules.Schedule)]


def _errors(name: str, parsed: _Parsed) -> dict[str, str]:
    return {
        f"{name}.{place}.{field}": text
        for place, one in enumerate(parsed)
        if isinstance(one, InvalidError)
        for field, text in one.fields.items()
    }


def _preview(
    one: rules.Schedule | InvalidError, job: Job | None, start: datetime, count: int
) -> SchedulePreview:
    if isinstance(one, InvalidError):
        return SchedulePreview(words="", items=[], errors=one.fields)
    plan = previews.runs_to_come([one], job=job, now=start, count=count)
    return SchedulePreview(words=rules.describe(one), items=[run.at for run in plan], errors={})


def _run(one: Planned, job_zone: str, viewer_zone: str) -> Run:
    job_time, viewer_time = (
        one.at.astimezone(rules.zone(name)).isoformat() for name in (job_zone, viewer_zone)
    )
    return Run(at=one.at, job_time=job_time, viewer_time=viewer_time, about=one.about)


def _clock_change(change: ClockChange, numbers: Sequence[int]) -> ClockChangeDocument:
    return ClockChangeDocument(
        timezone=change.zone,
        at=change.at,
        shown_before=change.shown_before.isoformat(),
        shown_after=change.shown_after.isoformat(),
        words=heading(change),
        touched=change.touched,
        effects=list(effects(change, numbers=numbers)),
    )


def _diff(
    asked: PreviewRequest,
    job: Job | None,
    before: list[rules.Schedule],
    after: list[rules.Schedule],
    start: datetime,
) -> DiffDocument | None:
    if asked.before is not None:
        found = previews.edit_diff(before, after, job=job, now=start)
    elif job is not None:
        found = previews.edit_diff(previews.stored_rules(job, now=start), after, job=job, now=start)
    else:
        return None
    return _diff_document(found)


def _diff_document(found: FireDiff) -> DiffDocument:
    moved = [Moved(before=old, after=new) for old, new in found.moved]
    return DiffDocument(**{**asdict(found), "moved": moved})
