"""Calendars: list, create, read, change, delete, import, and the stretches that they hold back."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpResponse
from django.utils import timezone
from ninja import Header, Query, Router, Schema, Status
from pydantic import BaseModel, Field, JsonValue

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import ICALENDAR_BODY, body_of
from jobs.api.requests import ApiRequest, Cursor, Limit, Moment, Text, version_of
from jobs.domain.calendars import Calendar as CalendarRule
from jobs.domain.errors import InvalidError
from jobs.domain.states import CalendarMode
from jobs.models import Calendar
from jobs.queries.calendars import get_calendar, held_spans, jobs_naming, list_calendars
from jobs.queries.holds import rule_of
from jobs.services import calendars
from jobs.services.calendar_import import import_ics
from jobs.services.calendars import parse_calendar
from jobs.services.wording import choice

router = Router(tags=["calendars"])

_LONGEST_RANGE = timedelta(days=10 * 366)
_USUAL_RANGE = timedelta(days=31)


class CalendarDocument(BaseModel):
    """Windows of time in which the jobs that name the calendar are held back, or let through."""

    id: int
    name: str
    description: str
    mode: str = Field(
        description="`block`: due times inside a window are left out. `allow`: those outside of all."
    )
    timezone: str
    windows: list[dict[str, JsonValue]]
    words: str = Field(description="The whole calendar as one sentence.")
    expanded_until: datetime | None = Field(
        description="Where an imported file's repetitions were worked out to; import it again before."
    )
    jobs: int = Field(description="Present jobs that name it.")
    version: int = Field(description="Grows with each change; also the `ETag`.")
    created_at: datetime
    created_by: str
    updated_at: datetime


class CalendarQuery(Schema):
    """Which calendars to list."""

    search: Text = Field("", description="Part of a name or description.")
    name: Text = Field("", description="The whole name; upper and lower case are the same.")
    cursor: Cursor | None = None
    limit: Limit = 100


class CalendarPage(BaseModel):
    """Calendars, oldest first."""

    items: list[CalendarDocument]
    next_cursor: str | None


class ImportQuery(Schema):
    """Which calendar takes the windows of a file."""

    name: Text = Field(description="The calendar's name; it is made when there is none.")
    description: Text | None = None
    mode: Annotated[CalendarMode, choice(CalendarMode)] | None = None
    timezone: Text | None = Field(None, description="For times without a zone.")


class SpanQuery(Schema):
    """Which period to look at; the next month by default."""

    start: Moment | None = Field(None, alias="from")
    end: Moment | None = Field(None, alias="to")
    limit: Limit = 100


class SpanDocument(BaseModel):
    """One stretch in which due times are held back."""

    start: datetime | None = Field(description="Null when it began before the period.")
    end: datetime | None = Field(description="Null when it goes on after the period.")
    reason: str


class SpanList(BaseModel):
    """The stretches of a period, in order."""

    items: list[SpanDocument]


@router.get("", response=CalendarPage)
def list_(request: ApiRequest, query: Query[CalendarQuery]) -> CalendarPage:
    """List calendars, oldest first, page by page."""
    page = list_calendars(
        search=query.search,
        name=query.name,
        after=None if query.cursor is None else int(query.cursor),
        limit=query.limit,
    )
    users = jobs_naming(page.rows)
    return CalendarPage(
        items=[_document(row, users[row.pk]) for row in page.rows],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.post("", response={201: CalendarDocument}, openapi_extra=body_of("CalendarDefinition"))
@keyed()
def create(request: ApiRequest, response: HttpResponse) -> Status[CalendarDocument]:
    """Create a calendar; it does nothing until a job names it in `calendars`."""
    made = calendars.create(parse_calendar(json_object(request)), actor=request.auth)
    response["Location"] = f"{request.path.rstrip('/')}/{made.pk}"
    return Status(HTTPStatus.CREATED, _answer(made, response))


@router.post(
    "/import",
    response={200: CalendarDocument, 201: CalendarDocument},
    openapi_extra=ICALENDAR_BODY,
)
@keyed()
def import_(
    request: ApiRequest, response: HttpResponse, query: Query[ImportQuery]
) -> Status[CalendarDocument]:
    """Give a calendar the windows of an iCalendar file: 201 when it was made, else 200."""
    fields = query.model_dump(exclude_none=True)
    row, made = import_ics(request.body, fields, actor=request.auth, now=timezone.now())
    if made:
        response["Location"] = request.path.replace("/import", f"/{row.pk}")
    return Status(HTTPStatus.CREATED if made else HTTPStatus.OK, _answer(row, response))


@router.get("/{id:calendar_id}", response=CalendarDocument)
def read(request: ApiRequest, response: HttpResponse, calendar_id: int) -> CalendarDocument:
    """Return one calendar. Its `ETag` is the version that `If-Match` takes."""
    return _answer(get_calendar(calendar_id), response)


@router.patch(
    "/{id:calendar_id}", response=CalendarDocument, openapi_extra=body_of("CalendarChanges")
)
def update(
    request: ApiRequest,
    response: HttpResponse,
    calendar_id: int,
    if_match: Annotated[str, Header(alias="If-Match", description="A version, such as `3`.")] = "",
) -> CalendarDocument:
    """Change the fields that are named; the others stay. Due times from now on use the change."""
    row = calendars.update(
        calendar_id,
        json_object(request),
        actor=request.auth,
        expected_version=version_of(if_match),
    )
    return _answer(row, response)


@router.delete("/{id:calendar_id}", response={204: None})
def delete(request: ApiRequest, calendar_id: int) -> Status[None]:
    """Delete a calendar; refused while a job names it."""
    calendars.delete(calendar_id, actor=request.auth)
    return Status(HTTPStatus.NO_CONTENT, None)


@router.get("/{id:calendar_id}/spans", response=SpanList)
def spans(request: ApiRequest, calendar_id: int, query: Query[SpanQuery]) -> SpanList:
    """Return the stretches of a period in which due times are held back, and why."""
    return _spans(rule_of(get_calendar(calendar_id)), query)


@router.post("/preview", response=SpanList, openapi_extra=body_of("CalendarDefinition"))
def preview(request: ApiRequest, query: Query[SpanQuery]) -> SpanList:
    """Return what a calendar would hold back in a period; nothing is saved."""
    asked = parse_calendar(json_object(request))
    draft = Calendar(name=asked.name, mode=asked.mode, timezone=asked.timezone)
    draft.windows = asked.windows
    return _spans(rule_of(draft), query)


def _spans(rule: CalendarRule, query: SpanQuery) -> SpanList:
    start = query.start or timezone.now()
    end = query.end or start + _USUAL_RANGE
    if not start < end <= start + _LONGEST_RANGE:
        sentence = f"to {end.isoformat()} is not within ten years after from {start.isoformat()}."
        raise InvalidError(sentence, fields={"to": sentence})
    found = held_spans(rule, start, end, query.limit)
    return SpanList(
        items=[SpanDocument(start=one.start, end=one.end, reason=one.reason) for one in found]
    )


def _answer(row: Calendar, response: HttpResponse) -> CalendarDocument:
    response["ETag"] = f'"{row.version}"'
    return _document(row, jobs_naming([row])[row.pk])


def _document(row: Calendar, jobs: int) -> CalendarDocument:
    names = [name for name in CalendarDocument.model_fields if name not in {"words", "jobs"}]
    values: dict[str, Any] = {name: getattr(row, name) for name in names}
    return CalendarDocument.model_validate(
        {**values, "words": rule_of(row).describe(), "jobs": jobs}
    )
