"""Check-ins: jobs that run elsewhere and report to an address of their own."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Limit, Text
from jobs.domain.check_ins import CheckInState
from jobs.domain.permissions import Permission
from jobs.models import CheckIn, CheckInReport
from jobs.queries.check_ins import CheckInListing, get_check_in, list_check_ins, reports_of
from jobs.services import check_ins
from jobs.services.secret_box import SealedError
from jobs.services.wording import choice

router = Router(tags=["check-ins"])


class CheckInDocument(BaseModel):
    """A job that runs elsewhere: when it should report, and how it stands."""

    id: int
    name: str
    workspace: str | None
    description: str
    expression: str = Field(description="A cron expression; empty where a period says when.")
    timezone: str
    period_seconds: float | None
    grace_seconds: float
    state: str = Field(description="`new`, `up`, `late`, `down` or `paused`.")
    ping_url: str | None = Field(description="Where it reports; for who may edit.")
    started_at: datetime | None = Field(description="Of a run that has not reported its end.")
    due_at: datetime | None = Field(description="By when the next report is awaited.")
    late_at: datetime | None = Field(description="When silence becomes an alert.")
    last_start_at: datetime | None
    last_success_at: datetime | None
    last_fail_at: datetime | None
    last_seconds: float | None
    paused_at: datetime | None
    created_at: datetime
    created_by: str
    updated_at: datetime


class CheckInQuery(Schema):
    """Which check-ins to list."""

    state: Annotated[CheckInState, choice(CheckInState)] | None = None
    search: Text = ""
    cursor: Cursor | None = None
    limit: Limit = 100


class CheckInPage(BaseModel):
    """Check-ins, in the order in which they were made."""

    items: list[CheckInDocument]
    next_cursor: str | None


class ReportDocument(BaseModel):
    """A report of a check-in."""

    id: int
    at: datetime
    signal: str = Field(description="`start`, `success`, `fail` or `log`.")
    exit_code: int | None
    seconds: float | None = Field(description="Since the start that belongs to it.")
    run_id: str
    method: str
    address: str
    agent: str
    body: str = Field(description="What it brought, up to 10 kB.")


class ReportQuery(Schema):
    """Which reports to list."""

    cursor: Cursor | None = None
    limit: Limit = 100


class ReportPage(BaseModel):
    """Reports, newest first."""

    items: list[ReportDocument]
    next_cursor: str | None


@router.get("", response=CheckInPage)
def list_(request: ApiRequest, query: Query[CheckInQuery]) -> CheckInPage:
    """List check-ins."""
    after = None if query.cursor is None else int(query.cursor)
    chosen = CheckInListing(state=query.state, search=query.search, after=after, limit=query.limit)
    page = list_check_ins(chosen, timezone.now())
    return CheckInPage(
        items=[_document(request, row) for row in page.rows],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.post("", response={201: CheckInDocument}, openapi_extra=body_of("CheckInDefinition"))
@keyed(without=("ping_url",))  # its key is kept sealed, and nowhere else
def create(request: ApiRequest, response: HttpResponse) -> Status[CheckInDocument]:
    """Make a check-in; `ping_url` is where the job reports."""
    made, _key = check_ins.create(json_object(request), actor=request.auth)
    response["Location"] = f"{request.path.rstrip('/')}/{made.pk}"
    return Status(HTTPStatus.CREATED, _document(request, made))


@router.get("/{id:check_in_id}", response=CheckInDocument)
def read(request: ApiRequest, check_in_id: int) -> CheckInDocument:
    """Return one check-in."""
    return _document(request, get_check_in(check_in_id))


@router.patch(
    "/{id:check_in_id}", response=CheckInDocument, openapi_extra=body_of("CheckInChanges")
)
def update(request: ApiRequest, check_in_id: int) -> CheckInDocument:
    """Change a check-in."""
    check_ins.update(check_in_id, json_object(request), actor=request.auth)
    return _document(request, get_check_in(check_in_id))


@router.delete("/{id:check_in_id}", response={204: None})
def delete(request: ApiRequest, check_in_id: int) -> Status[None]:
    """Delete a check-in with its reports."""
    check_ins.delete(check_in_id, actor=request.auth)
    return Status(HTTPStatus.NO_CONTENT, None)


@router.post("/{id:check_in_id}/pause", response=CheckInDocument)
def pause(request: ApiRequest, check_in_id: int) -> CheckInDocument:
    """Await nothing until it is resumed."""
    check_ins.pause(check_in_id, actor=request.auth)
    return _document(request, get_check_in(check_in_id))


@router.post("/{id:check_in_id}/resume", response=CheckInDocument)
def resume(request: ApiRequest, check_in_id: int) -> CheckInDocument:
    """Await reports again."""
    check_ins.resume(check_in_id, actor=request.auth)
    return _document(request, get_check_in(check_in_id))


@router.post("/{id:check_in_id}/rotate-key", response=CheckInDocument)
def rotate_key(request: ApiRequest, check_in_id: int) -> CheckInDocument:
    """Give it another address; the present one is refused at once."""
    check_ins.rotate_key(check_in_id, actor=request.auth)
    return _document(request, get_check_in(check_in_id))


@router.get("/{id:check_in_id}/reports", response=ReportPage)
def reports(request: ApiRequest, check_in_id: int, query: Query[ReportQuery]) -> ReportPage:
    """List what a check-in reported."""
    after = None if query.cursor is None else int(query.cursor)
    page = reports_of(get_check_in(check_in_id), after=after, limit=query.limit)
    return ReportPage(
        items=[_report(row) for row in page.rows],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


_FACTS = (
    "started_at",
    "due_at",
    "late_at",
    "last_start_at",
    "last_success_at",
    "last_fail_at",
    "last_seconds",
    "paused_at",
    "created_at",
    "created_by",
    "updated_at",
)


def _document(request: ApiRequest, row: CheckIn) -> CheckInDocument:
    return CheckInDocument.model_validate(
        {
            "id": row.pk,
            **check_ins.definition_of(row),
            "state": row.standing.state(timezone.now()).value,
            "ping_url": _ping_url(request, row),
            **{name: getattr(row, name) for name in _FACTS},
        }
    )


def _ping_url(request: ApiRequest, row: CheckIn) -> str | None:
    if not request.auth.may(Permission.EDIT):
        return None
    try:
        key = check_ins.key_of(row, actor=request.auth)
    except SealedError:
        return None
    return request.build_absolute_uri(reverse("ping", args=[key]))


def _report(row: CheckInReport) -> ReportDocument:
    return ReportDocument.model_validate(row, from_attributes=True)
