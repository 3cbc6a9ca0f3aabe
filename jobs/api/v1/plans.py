"""Plans: what saving a whole definition would change, without saving it."""

from __future__ import annotations

from ninja import Router
from pydantic import BaseModel, Field, JsonValue

from jobs.api.body import json_object
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest
from jobs.services.plans import Plan, plan

router = Router(tags=["jobs"])


class FieldChange(BaseModel):
    """One field that would change."""

    field: str
    before: JsonValue
    after: JsonValue


class PlanDocument(BaseModel):
    """What saving a definition would do."""

    deed: str = Field(description="`create`, `update` or `keep`.")
    job_id: int | None = Field(description="The job of that name; null where there is none.")
    version: int | None = Field(description="Its version, for `If-Match`.")
    changes: list[FieldChange] = Field(description="Empty for a new job.")
    definition: dict[str, JsonValue] = Field(description="As it would be stored.")


@router.post("/jobs/plan", response=PlanDocument, openapi_extra=body_of("JobDefinition"))
def check(request: ApiRequest) -> PlanDocument:
    """Judge a whole definition, and tell what saving it would change; nothing is saved.

    A field that it leaves out is at its default, also where the job of that name has another value.
    """
    data = json_object(request)
    data.pop("paused", None)  # whether a job is stopped is not part of its definition
    return _document(plan(data, actor=request.auth))


def _document(found: Plan) -> PlanDocument:
    before = found.before or {}
    return PlanDocument(
        deed=found.deed.value,
        job_id=None if found.job is None else found.job.pk,
        version=None if found.job is None else found.job.version,
        changes=[
            FieldChange(field=name, before=before.get(name), after=found.after[name])
            for name in found.changed
        ],
        definition=found.after,
    )
