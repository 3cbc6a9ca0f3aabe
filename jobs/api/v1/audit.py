"""The audit log: who did what, when, from where; listed and exported."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any

from django.http import StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import BaseModel, Field
from pydantic_core import to_json

from jobs import spreadsheet
from jobs.api.openapi import LEDGER_ANSWER
from jobs.api.requests import ApiRequest, Cursor, Id, Limit, Moment, Text
from jobs.domain.permissions import Permission, require
from jobs.models import AuditEntry
from jobs.queries.people import AuditFilter, every_entry, list_audit
from jobs.services.wording import choice

router = Router(tags=["audit"])


class AuditDocument(BaseModel):
    """One act; entries are never changed or deleted."""

    id: int
    at: datetime
    actor: str
    action: str = Field(description="Such as `job.update`, `session.refused`.")
    object_type: str
    object_id: int | None
    object_name: str
    address: str = Field(description="Of the caller.")
    before: dict[str, Any] | None = Field(description="What changed, as it was; secrets masked.")
    after: dict[str, Any] | None
    note: str


class AuditPage(BaseModel):
    """Entries, newest first."""

    items: list[AuditDocument]
    next_cursor: str | None


class AuditFilterQuery(Schema):
    """Which entries."""

    actor: Text = ""
    action: Text = Field("", description="The whole, or the part before the dot: `job`.")
    object_type: Text = ""
    object_id: Id | None = None
    object_name: Text = Field("", description="Part of the name.")
    since: Moment | None = Field(None, description="At or after this moment.")
    until: Moment | None = Field(None, description="Before this moment.")

    def filter(self, after: int | None = None) -> AuditFilter:
        """Return the filter."""
        return AuditFilter(
            actor=self.actor,
            action=self.action,
            object_type=self.object_type,
            object_id=self.object_id,
            object_name=self.object_name,
            since=self.since,
            until=self.until,
            after=after,
        )


class AuditQuery(AuditFilterQuery):
    """Which entries to list."""

    cursor: Cursor | None = None
    limit: Limit = 100


class Format(StrEnum):
    """How entries are written."""

    JSONL = "jsonl"
    CSV = "csv"


class ExportQuery(AuditFilterQuery):
    """Which entries to export, and how they are written."""

    format: Annotated[Format, choice(Format)] = Format.JSONL


_TYPES = {Format.JSONL: "application/x-ndjson", Format.CSV: "text/csv; charset=utf-8"}
_COLUMNS = tuple(AuditDocument.model_fields)
_LINES = 200  # sent at once


@router.get("", response=AuditPage)
def list_(request: ApiRequest, query: Query[AuditQuery]) -> AuditPage:
    """List what was done, newest first."""
    require(request.auth, Permission.AUDIT)
    after = None if query.cursor is None else int(query.cursor)
    page = list_audit(query.filter(after), limit=query.limit)
    return AuditPage(
        items=[_document(row) for row in page.rows],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.get("/export", openapi_extra=LEDGER_ANSWER)
def export(request: ApiRequest, query: Query[ExportQuery]) -> StreamingHttpResponse:
    """Export entries, newest first, as JSON lines or CSV, in constant memory."""
    require(request.auth, Permission.AUDIT)
    rows = every_entry(query.filter())
    lines = _csv(rows) if query.format == Format.CSV else _jsonl(rows)
    response = StreamingHttpResponse(_gathered(lines), content_type=_TYPES[query.format])
    response["Content-Disposition"] = f'attachment; filename="audit.{query.format.value}"'
    return response


def _document(row: AuditEntry) -> AuditDocument:
    return AuditDocument.model_validate({name: getattr(row, name) for name in _COLUMNS})


def _jsonl(rows: Iterator[AuditEntry]) -> Iterator[str]:
    return (f"{to_json(_document(row).model_dump()).decode()}\n" for row in rows)


def _csv(rows: Iterator[AuditEntry]) -> Iterator[str]:
    yield from spreadsheet.lines([_COLUMNS])
    yield from spreadsheet.lines(_cells(row) for row in rows)


def _cells(row: AuditEntry) -> list[object]:
    document = _document(row).model_dump(mode="json")
    return [
        to_json(value).decode() if isinstance(value, dict) else value for value in document.values()
    ]


def _gathered(lines: Iterator[str]) -> Iterator[bytes]:
    """Send some hundred lines at once: a chunk a line would cost more than the line."""
    while chunk := list(islice(lines, _LINES)):
        yield "".join(chunk).encode()
