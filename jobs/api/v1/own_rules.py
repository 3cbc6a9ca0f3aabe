"""Alert rules that people make: a figure of jobs against a limit, tried against the past."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from ninja import Router, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest
from jobs.models import AlertRule
from jobs.queries import own_rules as past
from jobs.services import own_rules

router = Router(tags=["alerts"])


class OwnRuleDocument(BaseModel):
    """A rule that somebody made."""

    id: int
    name: str
    enabled: bool
    severity: str = Field(description="`critical` or `warning`.")
    metric: str = Field(
        description="`run_seconds` of each run; `failures`, `failure_rate`, `runs` or "
        "`mean_seconds` of each hour."
    )
    comparison: str = Field(description="`above` or `below`.")
    threshold: float
    count: int = Field(description="So many runs or hours in a row.")
    job: str = Field(description="Only a job of this name; empty: all.")
    tag: str = Field(description="Only jobs with this tag; empty: all.")
    channel: str = Field(description="Told there only; empty: as channels are routed.")
    mute: dict[str, str] | None = Field(
        description="`from`, `to` and `timezone` of the hours in which it opens nothing."
    )
    escalate_to: str = Field(description="A channel that is told when nobody acknowledges it.")
    escalate_minutes: int
    created_at: datetime
    created_by: str
    updated_at: datetime


class OwnRuleList(BaseModel):
    """The rules by name."""

    items: list[OwnRuleDocument]


class TrialJob(BaseModel):
    """A job for which a rule would have opened alerts."""

    job_id: int
    name: str
    opened_at: list[datetime]


class TrialDocument(BaseModel):
    """What a rule would have opened in the last seven days, most first."""

    since: datetime
    looked_at: int = Field(description="So many jobs.")
    count: int = Field(description="So many alerts.")
    items: list[TrialJob]


@router.get("", response=OwnRuleList)
def list_(request: ApiRequest) -> OwnRuleList:
    """List the rules that people made."""
    return OwnRuleList(items=[_document(row) for row in past.own_rules()])


@router.post("", response={201: OwnRuleDocument}, openapi_extra=body_of("OwnRule"))
@keyed()
def create(request: ApiRequest, response: HttpResponse) -> Status[OwnRuleDocument]:
    """Make a rule; it holds from the next look on."""
    made = own_rules.save(None, json_object(request), actor=request.auth)
    response["Location"] = f"{request.path.rstrip('/')}/{made.pk}"
    return Status(HTTPStatus.CREATED, _document(made))


@router.post("/trial", response=TrialDocument, openapi_extra=body_of("OwnRule"))
def trial(request: ApiRequest) -> TrialDocument:
    """Tell what a rule would have opened in the last seven days; nothing is saved."""
    asked = own_rules.tried(json_object(request), actor=request.auth, now=timezone.now())
    return TrialDocument(
        since=asked.since,
        looked_at=asked.looked_at,
        count=asked.count,
        items=[
            TrialJob(job_id=job.pk, name=job.name, opened_at=moments) for job, moments in asked.jobs
        ],
    )


@router.get("/{id:rule_id}", response=OwnRuleDocument)
def read(request: ApiRequest, rule_id: int) -> OwnRuleDocument:
    """Return one rule."""
    return _document(own_rules.get(rule_id))


@router.patch("/{id:rule_id}", response=OwnRuleDocument, openapi_extra=body_of("OwnRuleChanges"))
def update(request: ApiRequest, rule_id: int) -> OwnRuleDocument:
    """Change a rule; fields that are not named stay."""
    return _document(own_rules.update(rule_id, json_object(request), actor=request.auth))


@router.delete("/{id:rule_id}", response={204: None})
def delete(request: ApiRequest, rule_id: int) -> Status[None]:
    """Delete a rule; its open alerts end."""
    own_rules.delete(rule_id, actor=request.auth)
    return Status(HTTPStatus.NO_CONTENT, None)


def _document(row: AlertRule) -> OwnRuleDocument:
    facts: dict[str, Any] = {name: getattr(row, name) for name in _FACTS}
    # A rule of an earlier version lacks what came later: that is at its default.
    shown = own_rules.OwnRule.model_validate(own_rules.shown(row))
    return OwnRuleDocument(id=row.pk, **shown.model_dump(mode="json", by_alias=True), **facts)


_FACTS = ("created_at", "created_by", "updated_at")
