"""The versions of a job's definition: what each changed, and bringing one back."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Header, Router
from pydantic import BaseModel, Field, JsonValue

from jobs.api.documents import JobDocument, job_document
from jobs.api.requests import ApiRequest, Cursor, Limit, version_of
from jobs.domain.definition_changes import FieldChange
from jobs.queries.listing import present_job
from jobs.queries.versions import (
    VersionRow,
    compared,
    get_version,
    list_versions,
    seen,
    version_before,
)
from jobs.services import rollbacks

router = Router(tags=["jobs"])
Number = Annotated[int, Field(ge=1, le=2_000_000_000)]


class ChangedField(BaseModel):
    """A field that differs."""

    field: str = Field(description="As in the definition; `spec.command` is one of its `spec`.")
    before: JsonValue
    after: JsonValue


class VersionDocument(BaseModel):
    """One version of a job's definition."""

    version: int
    saved_at: datetime
    saved_by: str
    commit: str = Field(description="Of the configuration directory's checkout; else empty.")
    changes: list[ChangedField] | None = Field(
        description="Against the version before, or `against`; null: there is none on record."
    )


class WholeVersion(VersionDocument):
    """One version with its definition, literal secrets masked for who may not edit."""

    definition: dict[str, JsonValue]


class VersionList(BaseModel):
    """A page of versions, the newest first."""

    items: list[VersionDocument]
    next_cursor: str | None


@router.get("/jobs/{id:job_id}/versions", response=VersionList)
def list_(
    request: ApiRequest, job_id: int, cursor: Cursor | None = None, limit: Limit = 25
) -> VersionList:
    """List the versions of a job's definition, the newest first, with what each changed."""
    page = list_versions(
        present_job(job_id),
        seen_by=request.auth,
        before=None if cursor is None else int(cursor),
        limit=limit,
    )
    return VersionList(
        items=[VersionDocument(**_facts(row)) for row in page.rows],
        next_cursor=None if page.older is None else str(page.older),
    )


@router.get("/jobs/{id:job_id}/versions/{id:number}", response=WholeVersion)
def read(
    request: ApiRequest,
    job_id: int,
    number: int,
    against: Annotated[Number, Field(description="Another version to compare it with.")]
    | None = None,
) -> WholeVersion:
    """Return a version whole, with what it changed."""
    job = present_job(job_id)
    row = get_version(job, number)
    other = version_before(job, number) if against is None else get_version(job, against)
    changes = None if other is None else compared(other, row, request.auth)
    return WholeVersion(
        **_facts(VersionRow(version=row, changes=changes)),
        definition=seen(row, request.auth),
    )


@router.post("/jobs/{id:job_id}/versions/{id:number}/restore", response=JobDocument)
def restore(
    request: ApiRequest,
    response: HttpResponse,
    job_id: int,
    number: int,
    if_match: Annotated[str, Header(alias="If-Match", description="A version, such as `3`.")] = "",
) -> JobDocument:
    """Bring a version back as the newest one; what ran and what was decided stays."""
    rollbacks.restore(job_id, number, actor=request.auth, expected_version=version_of(if_match))
    job = present_job(job_id)
    response["ETag"] = f'"{job.version}"'
    return job_document(job, actor=request.auth)


def _facts(row: VersionRow) -> dict[str, Any]:
    return {
        "version": row.version.version,
        "saved_at": row.version.created_at,
        "saved_by": row.version.created_by,
        "commit": row.version.commit,
        "changes": None if row.changes is None else [_field(one) for one in row.changes],
    }


def _field(one: FieldChange) -> ChangedField:
    return ChangedField(field=one.field, before=one.before, after=one.after)
