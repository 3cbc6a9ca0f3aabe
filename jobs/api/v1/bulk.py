"""One action on many jobs, with a result for each."""

from __future__ import annotations

from collections.abc import Sequence

from ninja import Router
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.problems import status_of
from jobs.api.requests import ApiRequest
from jobs.domain.states import Trigger
from jobs.services import many
from jobs.services.many import Outcome
from jobs.services.many_requests import parse_bulk

router = Router(tags=["jobs"])


class BulkItem(BaseModel):
    """What became of one job."""

    job_id: int
    status: int = Field(description="As the same action on this job alone would answer.")
    code: str = Field(description="`done`, or the code of the refusal.")
    detail: str = Field(description="Why not; empty when it is done.")
    execution_id: int | None = Field(description="Of `trigger`.")


class BulkResult(BaseModel):
    """What became of each job, in the order in which they were named."""

    done: int
    refused: int
    items: list[BulkItem]


@router.post("/bulk", response=BulkResult, openapi_extra=body_of("BulkRequest"))
@keyed()
def apply(request: ApiRequest) -> BulkResult:
    """Trigger, pause, resume or delete up to 500 jobs; what is refused stops no other."""
    asked = parse_bulk(json_object(request))
    outcomes = many.apply(
        asked.action, asked.ids, actor=request.auth, reason=asked.reason, kind=Trigger.API
    )
    return result_of(outcomes)


def result_of(outcomes: Sequence[Outcome]) -> BulkResult:
    """Return what became of each job, and how many were refused."""
    refused = sum(one.error is not None for one in outcomes)
    return BulkResult(
        done=len(outcomes) - refused, refused=refused, items=[_item(one) for one in outcomes]
    )


def _item(one: Outcome) -> BulkItem:
    error = one.error
    done = 202 if one.execution_id is not None else 200
    return BulkItem(
        job_id=one.job_id,
        status=done if error is None else status_of(error).value,
        code="done" if error is None else error.code,
        detail="" if error is None else error.message,
        execution_id=one.execution_id,
    )
