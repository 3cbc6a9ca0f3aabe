"""Explain: why a job did, did not, will or will not run at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.urls import reverse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import BaseModel, BeforeValidator, Field

from jobs.api.requests import ApiRequest, Moment
from jobs.domain.explain import Outcome, Step
from jobs.domain.zones import zone
from jobs.services.explaining import Explanation, explain
from jobs.services.wording import refuse

router = Router(tags=["ledger"])


def _given(value: object) -> object:
    if value in (None, ""):
        raise refuse("A moment is missing. Use ISO 8601, such as 2026-03-01T14:03:00Z.")
    return value


class ExplainQuery(Schema):
    """What is asked about."""

    at: Annotated[Moment | None, BeforeValidator(_given)] = Field(
        None,
        validate_default=True,
        description="ISO 8601. A whole minute is looked at as a whole, else the exact second.",
    )


class StepDocument(BaseModel):
    """One link of the chain of decisions."""

    ok: bool | None = Field(description="It let the run pass, stopped it, or only says something.")
    title: str
    text: str
    link: str | None = Field(description="The page of what it speaks of.")


class Nearest(BaseModel):
    """The due times beside a time at which nothing is due."""

    utc: datetime
    local: datetime


class ExplanationDocument(BaseModel):
    """The answer."""

    job_id: int
    at: datetime
    timezone: str = Field(description="The zone whose clock the sentences tell.")
    due_at: datetime | None = Field(description="The due time that is explained.")
    also_due: list[datetime] = Field(description="The others of the same minute.")
    nearest: list[Nearest]
    verdict: Outcome
    summary: str
    steps: list[StepDocument]
    execution_id: int | None
    reason: str | None = Field(description="Of the omission.")


@router.get("/jobs/{id:job_id}/explain", response=ExplanationDocument)
def at(request: ApiRequest, job_id: int, query: Query[ExplainQuery]) -> ExplanationDocument:
    """Tell why a job did, did not, will or will not run at a time: the chain of decisions in words."""
    now = timezone.now()
    return _document(explain(job_id, query.at or now, now=now))


def _document(answer: Explanation) -> ExplanationDocument:
    there = zone(answer.zone)
    return ExplanationDocument(
        job_id=answer.job.pk,
        at=answer.asked.start,
        timezone=answer.zone,
        due_at=answer.due_at,
        also_due=answer.others,
        nearest=[Nearest(utc=at, local=at.astimezone(there)) for at in answer.nearest],
        verdict=answer.outcome,
        summary=answer.summary,
        steps=[_step(step, answer) for step in answer.steps],
        execution_id=answer.execution.pk if answer.execution else None,
        reason=answer.omission.reason if answer.omission else None,
    )


def _step(step: Step, answer: Explanation) -> StepDocument:
    link = None
    if step.about == "execution":
        link = reverse("execution", args=[step.key])
    elif step.about == "job":
        link = reverse("job", args=[answer.job.pk])
    return StepDocument(ok=step.ok, title=step.title, text=step.text, link=link)
