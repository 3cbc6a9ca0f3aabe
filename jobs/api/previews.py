"""Say what schedules will do before they are saved, with the functions that dispatch uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

from django.utils import timezone
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from jobs.api.preview_documents import (
    DiffDocument,
    Preview,
    SchedulePreview,
    clock_change_document,
    diff_document,
    load_document,
    run_document,
)
from jobs.api.requests import Id, Moment
from jobs.domain import schedule as rules
from jobs.domain.clock_changes import AHEAD, clock_changes
from jobs.domain.errors import InvalidError
from jobs.models import Job
from jobs.queries.listing import present_job
from jobs.queries.planning import HeldBack
from jobs.services import previews
from jobs.services.previews import Entry, Timetable
from jobs.services.problems import invalid_from, named

_Schedules = Annotated[list[dict[str, Any]], Field(max_length=50)]


def _known_zone(value: str) -> str:
    with named():
        return rules.zone(value).key


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
    tags: Annotated[
        list[str] | None,
        Field(max_length=50, description="A freeze may name them; null: those of `job_id`."),
    ] = None
    calendars: Annotated[
        list[str] | None,
        Field(max_length=50, description="Names; null: those of `job_id`."),
    ] = None
    before: Annotated[
        _Schedules | None, Field(description="Compare with these schedules instead.")
    ] = None


_request = TypeAdapter(PreviewRequest)
_Parsed = Sequence[Entry | InvalidError]


def preview_of(data: Mapping[str, Any]) -> Preview:
    """Return words, next due times and errors; only a request that is none at all is refused."""
    try:
        asked = _request.validate_python(data)
    except ValidationError as error:
        raise invalid_from(error, PreviewRequest) from error
    start = asked.start or timezone.now().astimezone(UTC)
    job = None if asked.job_id is None else present_job(asked.job_id)
    stored = previews.stored_of(job)
    held_back, wrong = _held_back(asked, job)

    def parsed(given: Sequence[Mapping[str, Any]]) -> _Parsed:
        return [previews.drafted(one, now=start, stored=stored) for one in given]

    def table(entries: Sequence[Entry]) -> Timetable:
        return previews.timetable_of(entries, held_back, job=job)

    after, before = parsed(asked.schedules), parsed(asked.before or [])
    whole = table(_right(after))
    plan = previews.ahead(whole, now=start, count=asked.count)
    changes = clock_changes(whole.ended(start, start + AHEAD), start)
    return Preview(
        words=rules.describe_all(whole.rules),
        items=[one.at for one in plan.runs],
        timezone=whole.zone,
        viewer_timezone=asked.viewer_timezone,
        runs=[run_document(one, whole.zone, asked.viewer_timezone) for one in plan.entries],
        looked_until=plan.until,
        load=load_document(previews.load_of(whole, plan, job=job, now=start)),
        clock_changes=[clock_change_document(one, _numbers(after)) for one in changes],
        diff=_diff(asked, job, table(_right(before)), whole, start),
        schedules=[_preview(one, table, start, asked.count) for one in after],
        errors={**_errors("schedules", after), **_errors("before", before), **wrong},
    )


def _held_back(asked: PreviewRequest, job: Job | None) -> tuple[HeldBack, dict[str, str]]:
    """Return what may hold back the runs, and what is wrong with the calendars' names."""
    if job is not None and asked.tags is None and asked.calendars is None:
        return HeldBack.of_job(job), {}
    tags, names = asked.tags, asked.calendars
    if job is not None:
        tags = job.tags if tags is None else tags
        names = [one.name for one in job.calendars.all()] if names is None else names
    calendars, error = previews.known_calendars(names or [])
    return HeldBack.of_draft(tags or [], calendars), error.fields if error else {}


def _right(parsed: _Parsed) -> list[Entry]:
    return [one for one in parsed if isinstance(one, Entry)]


def _numbers(parsed: _Parsed) -> list[int]:
    """Return the places of the right schedules in the request, counted from 1."""
    return [n for n, one in enumerate(parsed, start=1) if isinstance(one, Entry)]


def _errors(name: str, parsed: _Parsed) -> dict[str, str]:
    return {
        f"{name}.{place}.{field}": text
        for place, one in enumerate(parsed)
        if isinstance(one, InvalidError)
        for field, text in one.fields.items()
    }


def _preview(
    one: Entry | InvalidError,
    table: Callable[[Sequence[Entry]], Timetable],
    start: datetime,
    count: int,
) -> SchedulePreview:
    if isinstance(one, InvalidError):
        return SchedulePreview(words="", items=[], errors=one.fields)
    plan = previews.ahead(table([one]), now=start, count=count)
    items = [run.at for run in plan.runs]
    return SchedulePreview(words=rules.describe(one.rule), items=items, errors={})


def _diff(
    asked: PreviewRequest,
    job: Job | None,
    before: Timetable,
    after: Timetable,
    start: datetime,
) -> DiffDocument | None:
    if asked.before is None and job is None:
        return None
    if job is not None:
        stored = previews.stored_timetable(job)
        entries = stored.entries if asked.before is None else before.entries
        before = replace(stored, entries=entries)
    return diff_document(previews.edit_diff(before, after, now=start))
