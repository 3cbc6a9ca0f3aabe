"""One edit of many jobs: looked at, made, and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus

from django.utils import timezone
from ninja import Router
from pydantic import BaseModel, Field, JsonValue

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.problems import status_of
from jobs.api.requests import ApiRequest
from jobs.domain.permissions import Permission, require_somewhere
from jobs.queries.jobs import chosen_jobs
from jobs.services import many_edits
from jobs.services.edit_requests import parse_apply, parse_preview, parse_undo
from jobs.services.many_edits import EditOutcome, PlannedEdit
from jobs.services.many_requests import MOST

router = Router(tags=["jobs"])


class PlannedEditDocument(BaseModel):
    """What an edit would do to one job."""

    job_id: int
    name: str
    version: int = Field(description="For the request that makes the edit.")
    before: dict[str, JsonValue] = Field(description="The fields that would change.")
    after: dict[str, JsonValue]
    next_before: datetime | None
    next_after: datetime | None
    error: str = Field(description="Why it would not change; empty where it would.")


class PlannedEdits(BaseModel):
    """What an edit would do, job by job."""

    changed: int
    items: list[PlannedEditDocument]
    unknown: list[int] = Field(description="Of the ids: of no job that the caller sees.")


class EditItem(BaseModel):
    """What became of one job."""

    job_id: int
    status: int = Field(description="As the same change of this job alone would answer.")
    code: str = Field(description="`done`, `unchanged`, or the code of the refusal.")
    detail: str = Field(description="Why not; empty when it is done.")
    version: int | None = Field(description="The one that was made; with it the edit is undone.")


class EditResult(BaseModel):
    """What became of each job, in the order in which they were named."""

    done: int
    refused: int
    items: list[EditItem]


@router.post("/change/preview", response=PlannedEdits, openapi_extra=body_of("EditPreview"))
def preview(request: ApiRequest) -> PlannedEdits:
    """Tell what an edit of up to 500 jobs would change; nothing is saved."""
    asked = parse_preview(json_object(request))
    require_somewhere(request.auth, Permission.EDIT)
    rows = chosen_jobs(asked.ids, seen_by=request.auth, limit=MOST)
    found = many_edits.plan(rows, asked, actor=request.auth, now=timezone.now())
    known = {one.job.pk for one in found}
    return PlannedEdits(
        changed=sum(not one.error for one in found),
        items=[_planned(one) for one in found],
        unknown=[one for one in dict.fromkeys(asked.ids) if one not in known],
    )


@router.post("/change", response=EditResult, openapi_extra=body_of("EditApply"))
@keyed()
def apply(request: ApiRequest) -> EditResult:
    """Add and remove tags, set the queue, shift times of day; what is refused stops no other.

    A job that has another version than the one named is refused, as by `If-Match`.
    """
    asked = parse_apply(json_object(request))
    return _result(many_edits.apply(asked.versions, asked, actor=request.auth))


@router.post("/change/undo", response=EditResult, openapi_extra=body_of("EditUndo"))
@keyed()
def undo(request: ApiRequest) -> EditResult:
    """Bring back tags, queue and schedules as they were before each version that is named."""
    asked = parse_undo(json_object(request))
    return _result(many_edits.undo(asked.versions, actor=request.auth))


def _planned(one: PlannedEdit) -> PlannedEditDocument:
    return PlannedEditDocument(
        job_id=one.job.pk,
        name=one.job.name,
        version=one.job.version,
        before=dict(one.before),
        after=dict(one.after),
        next_before=one.next_before,
        next_after=one.next_after,
        error=one.error,
    )


def _result(outcomes: Sequence[EditOutcome]) -> EditResult:
    items = [_item(one) for one in outcomes]
    refused = sum(one.error is not None for one in outcomes)
    done = sum(one.version is not None for one in outcomes)
    return EditResult(done=done, refused=refused, items=items)


def _item(one: EditOutcome) -> EditItem:
    error = one.error
    done = "unchanged" if one.version is None else "done"
    return EditItem(
        job_id=one.job_id,
        status=HTTPStatus.OK.value if error is None else status_of(error).value,
        code=done if error is None else error.code,
        detail="" if error is None else error.message,
        version=one.version,
    )
