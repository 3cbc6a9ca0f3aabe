"""Jobs of what another scheduler runs: looked at, made paused, taken back."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from django.utils import timezone
from ninja import Router, Status
from pydantic import BaseModel, Field, JsonValue

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest
from jobs.api.v1.bulk import BulkResult, result_of
from jobs.domain.schedule import describe_all
from jobs.services import imports
from jobs.services.edit_requests import parse_undo
from jobs.services.import_requests import parse_apply, parse_import
from jobs.services.imports import Deed, Item

router = Router(tags=["jobs"])


class ImportItem(BaseModel):
    """One job of the text, and what importing would do with it."""

    number: int = Field(description="From 1; what `chosen` names.")
    line: int | None = Field(description="Where it stands; null where the text has no lines.")
    name: str
    deed: str = Field(description="`create`, `exists` (it stays as it is) or `refused`.")
    reason: str = Field(description="Why it would not be made; empty where it would.")
    words: str = Field(description="When it runs.")
    next_at: datetime | None = Field(description="Its next run, were it not paused.")
    notes: list[str] = Field(description="What is different here.")
    definition: dict[str, JsonValue] | None = Field(description="As it would be stored.")


class ImportPreview(BaseModel):
    """What a text is, and each job that it holds."""

    kind: str = Field(description="What the text was taken for.")
    create: int
    exists: int
    refused: int
    items: list[ImportItem]


class ImportedJob(BaseModel):
    """A job that was made, paused."""

    job_id: int
    name: str
    version: int = Field(description="With it the import is undone.")


class ImportResult(BaseModel):
    """The jobs that were made, in the order of the text."""

    made: int
    items: list[ImportedJob]


@router.post("/import/preview", response=ImportPreview, openapi_extra=body_of("ImportRequest"))
def preview(request: ApiRequest) -> ImportPreview:
    """Tell which jobs a text holds: job files, a crontab, Cronicle's export, CB-Tumblebug's list.

    Nothing is saved.
    """
    asked = parse_import(json_object(request))
    found = imports.preview(asked, actor=request.auth, now=timezone.now())
    return ImportPreview(
        kind=found.kind.value,
        create=found.count(Deed.CREATE),
        exists=found.count(Deed.EXISTS),
        refused=found.count(Deed.REFUSED),
        items=[_item(one) for one in found.items],
    )


@router.post("/import", response={201: ImportResult}, openapi_extra=body_of("ImportApply"))
@keyed()
def apply(request: ApiRequest) -> Status[ImportResult]:
    """Make the chosen jobs of a text, or all that are new, paused; all of them or none."""
    made = imports.make(parse_apply(json_object(request)), actor=request.auth, now=timezone.now())
    items = [ImportedJob(job_id=job.pk, name=job.name, version=job.version) for job in made]
    return Status(HTTPStatus.CREATED, ImportResult(made=len(items), items=items))


@router.post("/import/undo", response=BulkResult, openapi_extra=body_of("EditUndo"))
@keyed()
def undo(request: ApiRequest) -> BulkResult:
    """Delete the jobs that are as they were imported; one that was changed or has run stays."""
    asked = parse_undo(json_object(request))
    return result_of(imports.undo(asked.versions, actor=request.auth))


def _item(one: Item) -> ImportItem:
    made = one.definition
    return ImportItem(
        number=one.number,
        line=one.line,
        name=one.name,
        deed=one.deed.value,
        reason=one.reason,
        words=describe_all(list(one.rules)) if made is not None else "",
        next_at=one.next_at,
        notes=[str(note) for note in one.notes],
        definition=None if made is None else made.model_dump(mode="json"),
    )
