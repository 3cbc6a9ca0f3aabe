"""What was missed in an outage, over all jobs: look, run, call off."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor
from jobs.services import missed
from jobs.services.missed import MissedOfJob
from jobs.services.missed_requests import Each, MissedRequest, parse_missed
from jobs.services.wording import choice

router = Router(tags=["missed"])


class MissedJobDocument(BaseModel):
    """What a job missed in the window, and what becomes of it."""

    job_id: int
    name: str
    missed: int = Field(description="Due times that nothing dispatched, or whose run was lost.")
    runs: int = Field(description="How many would run.")
    first_due_at: datetime | None
    last_due_at: datetime | None
    made_up: int = Field(description="Left out: run since then.")
    in_progress: int = Field(description="Left out: a run of the due time is in progress.")
    in_backfills: dict[int, int] = Field(
        description="Left out: in unfinished backfills, by number."
    )
    older: int = Field(description="Left out: `each` is `latest`.")
    without_due_time: int = Field(
        description="Lost runs that somebody, a program or another job had started: nothing of "
        "them is made up for, and they are not counted in `missed`."
    )
    refused: str = Field(description="Why the job is left out altogether.")


class MissedDocument(BaseModel):
    """One batch of jobs that missed due times; nothing was made."""

    from_: datetime = Field(alias="from")
    to: datetime
    each: Each
    runs: int = Field(description="How many runs the batch would start.")
    jobs: int = Field(description="Jobs of the whole window, beyond this batch.")
    items: list[MissedJobDocument]
    next_cursor: str | None


class RerunDocument(BaseModel):
    """What was started: one backfill a job."""

    from_: datetime = Field(alias="from")
    to: datetime
    runs: int
    backfill_ids: list[int]
    refused: dict[str, str] = Field(description="Why jobs were left out, by their names.")
    next_cursor: str | None = Field(description="More jobs are left: send it as `cursor`.")


class CalledOff(BaseModel):
    """What was called off."""

    backfill_ids: list[int]


class MissedQuery(Schema):
    """Which window to look at."""

    from_: Annotated[datetime | None, Field(alias="from")] = None
    to: datetime | None = None
    each: Annotated[Each, choice(Each)] = Each.ALL
    cursor: Cursor | None = None


@router.get("", response=MissedDocument, by_alias=True)
def list_(request: ApiRequest, query: Query[MissedQuery]) -> dict[str, Any]:
    """Show what was missed between `from` (a day ago) and `to` (now), job by job, and what would run."""
    given = {"from": query.from_, "to": query.to, "each": query.each, "cursor": query.cursor}
    found = missed.preview(parse_missed(given), actor=request.auth)
    return {
        "from": found.start,
        "to": found.end,
        "each": found.each,
        "runs": found.runs,
        "jobs": found.all_jobs,
        "items": [_item(one) for one in found.jobs],
        "next_cursor": _cursor(found.next_after),
    }


@router.post(
    "", response={202: RerunDocument}, by_alias=True, openapi_extra=body_of("MissedRequest")
)
@keyed()
def run(request: ApiRequest) -> Status[dict[str, Any]]:
    """Run what was missed, of up to 50 jobs at a time: one backfill for each job."""
    made = missed.run(parse_missed(json_object(request)), actor=request.auth)
    document = {
        "from": made.start,
        "to": made.end,
        "runs": made.runs,
        "backfill_ids": [row.pk for row in made.backfills],
        "refused": made.refused,
        "next_cursor": _cursor(made.next_after),
    }
    return Status(HTTPStatus.ACCEPTED, document)


@router.post("/cancel", response=CalledOff, openapi_extra=body_of("MissedRequest"))
def cancel(request: ApiRequest) -> CalledOff:
    """Call off what was started for exactly this window; what runs goes on."""
    asked: MissedRequest = parse_missed(json_object(request))
    start, end = asked.window(timezone.now())
    done = missed.cancel(start, end, actor=request.auth)
    return CalledOff(backfill_ids=[row.pk for row in done])


def _cursor(number: int | None) -> str | None:
    return None if number is None else str(number)


def _item(one: MissedOfJob) -> dict[str, Any]:
    return {
        "job_id": one.job.pk,
        "name": one.job.name,
        "missed": one.missed,
        "runs": one.runs,
        "first_due_at": one.first,
        "last_due_at": one.last,
        "made_up": one.made_up,
        "in_progress": one.in_progress,
        "in_backfills": one.elsewhere,
        "older": one.older,
        "without_due_time": one.without_due_time,
        "refused": one.refused,
    }
