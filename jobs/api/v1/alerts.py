"""Alerts: look, acknowledge, mute, end; and the rules that raise them."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from jobs.api.body import json_object
from jobs.api.documents import JobDocument, job_document
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.problems import status_of
from jobs.api.requests import ApiRequest, Cursor, Id, Limit
from jobs.domain.alerts import Rule, Severity
from jobs.domain.errors import JobdeckError
from jobs.domain.permissions import Actor
from jobs.models import Alert
from jobs.queries.alerts import (
    AlertListing,
    Phase,
    RuleStanding,
    deliveries_of,
    get_alert,
    list_alerts,
    members_of,
    phase_of,
    rules,
)
from jobs.queries.listing import present_job
from jobs.services import alert_acts, alerts
from jobs.services.alert_requests import AlertBulk, AlertMute, AlertNote, AlertRuleChanges
from jobs.services.problems import invalid_from, parsed
from jobs.services.wording import choice

router = Router(tags=["alerts"])


class AlertDocument(BaseModel):
    """Something that somebody should know of, from its opening to its end."""

    id: int
    key: str = Field(description="The condition; one alert of a key is open at a time.")
    rule: str
    severity: str = Field(description="`critical` or `warning`.")
    phase: str = Field(description="`open`, `acknowledged` or `resolved`.")
    title: str
    cause: str = Field(description="What the failures of its jobs share, without what differs.")
    evidence: dict[str, Any]
    execution_id: int | None
    job_count: int
    execution_count: int = Field(description="Executions that failed in it.")
    opened_at: datetime
    seen_at: datetime = Field(description="When the condition was last seen to hold.")
    acknowledged_at: datetime | None
    acknowledged_by: str
    note: str
    muted_until: datetime | None
    reminded_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str = Field(description="Empty where the condition ended.")


class AlertJobDocument(BaseModel):
    """A job of an alert."""

    job_id: int
    name: str
    severity: str
    why: str
    failures: int
    first_execution_id: int | None
    last_execution_id: int | None
    joined_at: datetime
    left_at: datetime | None


class DeliveryDocument(BaseModel):
    """What a channel was told."""

    id: int
    channel: str
    event: str
    tries: int
    created_at: datetime
    delivered_at: datetime | None
    next_try_at: datetime | None
    failed_at: datetime | None
    error: str


class AlertDetail(AlertDocument):
    """An alert with its first jobs, and what channels were told."""

    jobs: list[AlertJobDocument]
    deliveries: list[DeliveryDocument]


class AlertQuery(Schema):
    """Which alerts to list."""

    phase: Annotated[Phase, choice(Phase)] | None = None
    severity: Annotated[Severity, choice(Severity)] | None = None
    rule: Annotated[Rule, choice(Rule)] | None = None
    search: Annotated[str, Field(max_length=200)] = ""
    job_id: Id | None = None
    cursor: Cursor | None = None
    limit: Limit = 100


class AlertPage(BaseModel):
    """Alerts, newest first."""

    items: list[AlertDocument]
    next_cursor: str | None


class AlertBulkItem(BaseModel):
    """What became of one alert."""

    alert_id: int
    status: int = Field(description="As the same action on this alert alone would answer.")
    code: str = Field(description="`done`, or the code of the refusal.")
    detail: str = Field(description="Why not; empty when it is done.")


class AlertBulkResult(BaseModel):
    """What became of each alert, in the order in which they were named."""

    done: int
    refused: int
    items: list[AlertBulkItem]


class RunAgainResult(BaseModel):
    """What was started again."""

    execution_ids: list[int]
    refused: list[str] = Field(description="A sentence for each job that was not.")
    left: int = Field(description="So many jobs are left: ask again.")


class RuleDocument(BaseModel):
    """A built-in rule with what holds for it."""

    name: str
    enabled: bool
    severity: str = Field(description="Empty: as the rule says.")
    limits: dict[str, float]
    muted_until: datetime | None


class RulePage(BaseModel):
    """The built-in rules."""

    items: list[RuleDocument]


@router.get("/alerts", response=AlertPage)
def list_(request: ApiRequest, query: Query[AlertQuery]) -> AlertPage:
    """List alerts, newest first; `phase=open` is what nobody looks after yet."""
    page = list_alerts(
        AlertListing(
            phase=query.phase,
            severity=query.severity,
            rule=query.rule,
            search=query.search,
            job_id=query.job_id,
            after=None if query.cursor is None else int(query.cursor),
            limit=query.limit,
            seen_by=request.auth,
        )
    )
    return AlertPage(
        items=[AlertDocument.model_validate(_told(row, request.auth)) for row in page.rows],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.get("/alerts/rules", response=RulePage)
def rules_list(request: ApiRequest) -> RulePage:
    """List the built-in rules with their limits."""
    return RulePage(items=[_rule(one) for one in rules()])


@router.patch(
    "/alerts/rules/{name}", response=RuleDocument, openapi_extra=body_of("AlertRuleChanges")
)
def rules_update(request: ApiRequest, name: str) -> RuleDocument:
    """Change a rule: on or off, its severity, its limits, or mute it."""
    asked = _read(AlertRuleChanges, json_object(request))
    alerts.set_rule(
        name,
        actor=request.auth,
        enabled=asked.enabled,
        severity=asked.severity,
        limits=asked.limits,
        mute_seconds=asked.mute_seconds,
    )
    return next(_rule(one) for one in rules() if one.name == name)


@router.post("/alerts/bulk", response=AlertBulkResult, openapi_extra=body_of("AlertBulk"))
@keyed()
def bulk(request: ApiRequest) -> AlertBulkResult:
    """Acknowledge, mute or end up to 500 alerts; what is refused stops no other."""
    asked = parsed(AlertBulk, json_object(request))
    items = [_item(*one) for one in alerts.apply(asked, actor=request.auth).items()]
    refused = sum(one.status >= HTTPStatus.BAD_REQUEST for one in items)
    return AlertBulkResult(done=len(items) - refused, refused=refused, items=items)


def _item(number: int, found: Alert | JobdeckError) -> AlertBulkItem:
    if isinstance(found, Alert):
        return AlertBulkItem(alert_id=number, status=HTTPStatus.OK, code="done", detail="")
    status = status_of(found).value
    return AlertBulkItem(alert_id=number, status=status, code=found.code, detail=found.message)


@router.get("/alerts/{id:alert_id}", response=AlertDetail)
def read(request: ApiRequest, alert_id: int) -> AlertDetail:
    """Return an alert with its evidence, its jobs and what channels were told."""
    return _detail(get_alert(alert_id))


@router.post(
    "/alerts/{id:alert_id}/acknowledge",
    response=AlertDetail,
    openapi_extra=body_of("AlertNote", required=False),
)
def acknowledge(request: ApiRequest, alert_id: int) -> AlertDetail:
    """Say that somebody looks after it: nobody is reminded any more."""
    asked = _read(AlertNote, json_object(request, optional=True))
    return _detail(alerts.acknowledge(alert_id, actor=request.auth, note=asked.note))


@router.post("/alerts/{id:alert_id}/mute", response=AlertDetail, openapi_extra=body_of("AlertMute"))
def mute(request: ApiRequest, alert_id: int) -> AlertDetail:
    """Tell nobody of it for so many seconds; 0 ends that."""
    asked = _read(AlertMute, json_object(request))
    return _detail(
        alerts.mute(alert_id, seconds=asked.seconds, actor=request.auth, note=asked.note)
    )


@router.post(
    "/alerts/{id:alert_id}/resolve",
    response=AlertDetail,
    openapi_extra=body_of("AlertNote", required=False),
)
def resolve(request: ApiRequest, alert_id: int) -> AlertDetail:
    """End it by hand; one whose condition still holds is opened anew."""
    asked = _read(AlertNote, json_object(request, optional=True))
    alerts.resolve(alert_id, actor=request.auth, note=asked.note)
    return _detail(get_alert(alert_id))


@router.post("/alerts/{id:alert_id}/run-again", response=RunAgainResult)
@keyed()
def run_again(request: ApiRequest, alert_id: int) -> RunAgainResult:
    """Run again what failed last of each of its jobs, of 50 at a time."""
    found = alert_acts.run_again(alert_id, actor=request.auth)
    return RunAgainResult(
        execution_ids=[one.pk for one in found.started], refused=found.refused, left=found.left
    )


@router.post("/alerts/{id:alert_id}/pause-job", response=JobDocument)
def pause_job(request: ApiRequest, response: HttpResponse, alert_id: int) -> JobDocument:
    """Pause its one job for an hour; it goes on by itself."""
    made = alert_acts.pause_for_an_hour(alert_id, actor=request.auth, now=timezone.now())
    job = present_job(made.pk)
    response["ETag"] = f'"{job.version}"'
    return job_document(job, actor=request.auth)


def _read(model: type[Any], given: dict[str, Any]) -> Any:
    try:
        return TypeAdapter(model).validate_python(given)
    except ValidationError as error:
        raise invalid_from(error, model) from error


def _rule(one: RuleStanding) -> RuleDocument:
    return RuleDocument(
        name=one.name.value,
        enabled=one.enabled,
        severity=one.severity,
        limits=one.limits,
        muted_until=one.muted_until,
    )


def _values(row: Alert) -> dict[str, object]:
    names = [name for name in AlertDocument.model_fields if name not in {"id", "phase"}]
    found = {name: getattr(row, name) for name in names}
    return {**found, "id": row.pk, "phase": phase_of(row).value}


def _told(row: Alert, reader: Actor) -> dict[str, object]:
    """Return what a list says of an alert; nothing of others' jobs to a reader of some."""
    if reader.sees_all or row.job_count <= 1:
        return _values(row)
    return {**_values(row), "evidence": {}, "execution_id": None}


def _detail(row: Alert) -> AlertDetail:
    jobs = [
        AlertJobDocument(
            job_id=one.job_id,
            name=one.job.name,
            **{
                name: getattr(one, name)
                for name in AlertJobDocument.model_fields
                if name not in {"job_id", "name"}
            },
        )
        for one in members_of(row).rows
    ]
    told = [
        DeliveryDocument(
            id=one.pk,
            channel=one.channel.name,
            **{
                name: getattr(one, name)
                for name in DeliveryDocument.model_fields
                if name not in {"id", "channel"}
            },
        )
        for one in deliveries_of(row)
    ]
    return AlertDetail.model_validate({**_values(row), "jobs": jobs, "deliveries": told})
