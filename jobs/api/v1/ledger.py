"""The ledger for auditors: executions and omissions of a period, streamed in constant memory."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import BaseModel, Field
from pydantic_core import to_json

from jobs.api.openapi import LEDGER_ANSWER
from jobs.api.requests import ApiRequest, Id, Moment
from jobs.domain.errors import InvalidError, UnknownError
from jobs.models import Job, Omission
from jobs.queries.ledger import Dispatched, Entry, OpenStretch, Period, entries
from jobs.services.firing import rules_of
from jobs.services.proof import Proof, prove_ledger
from jobs.services.wording import choice

router = Router(tags=["ledger"])

# A spreadsheet would run a cell that begins like this as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LINES = 200  # lines sent at once: a chunk a line would cost more than the line


class Format(StrEnum):
    """How the ledger is written."""

    JSONL = "jsonl"
    CSV = "csv"


_TYPES = {Format.JSONL: "application/x-ndjson", Format.CSV: "text/csv; charset=utf-8"}

COLUMNS = (
    "kind", "job_id", "job", "job_deleted", "execution_id", "due_at", "first_due_at",
    "last_due_at", "count", "open", "trigger", "actor", "state", "reason", "detail", "attempt",
    "queued_at", "started_at", "finished_at", "exit_code", "signal", "message", "version",
    "decided_at",
)  # fmt: skip


class LedgerQuery(Schema):
    """Which part of the ledger, and how it is written."""

    job_id: Id | None = None
    start: Moment | None = Field(None, alias="from", description="First due time; all by default.")
    end: Moment | None = Field(None, alias="to", description="Last due time; now by default.")
    format: Annotated[Format, choice(Format)] = Format.JSONL


@router.get("/ledger", openapi_extra=LEDGER_ANSWER)
def ledger(request: ApiRequest, query: Query[LedgerQuery]) -> StreamingHttpResponse:
    """Export a period: each due time is an execution or lies in an omission, exactly once.

    Lines come in order of time. A stretch of omissions that reaches over an edge of the period is
    given whole. `open` marks what a stopped job has left out so far: it grows until the job goes on.
    """
    now = timezone.now()
    period = Period(
        job_id=query.job_id,
        start=query.start,
        end=min(query.end or now, now),
        seen_by=request.auth,
    )
    if query.start is not None and query.end is not None and query.start > query.end:
        raise InvalidError(
            f"from {query.start.isoformat()} is later than to {query.end.isoformat()}."
        )
    known = Job.objects.visible_to(request.auth).filter(pk=query.job_id or 0)
    if query.job_id is not None and not known.exists():
        raise UnknownError(f"Job {query.job_id} does not exist.")
    lines = _lines(entries(period, rules_of=rules_of), query.format)
    response = StreamingHttpResponse(_gathered(lines), content_type=_TYPES[query.format])
    response["Content-Disposition"] = f'attachment; filename="ledger.{query.format.value}"'
    return response


class Examples(BaseModel):
    """The first moments that do not balance, at most a hundred of each sort."""

    unexplained: list[datetime]
    doubled: list[datetime]
    unexpected: list[datetime]
    miscounted: list[datetime] = Field(description="First due times of such stretches.")


class ProofDocument(BaseModel):
    """A period's due times, worked out anew, against what is on record."""

    job_id: int
    start: datetime = Field(serialization_alias="from", description="Not before the job was made.")
    end: datetime = Field(serialization_alias="to", description="Not later than now.")
    due: int
    dispatched: int
    omitted: dict[str, int] = Field(description="By reason.")
    named_by_end: int = Field(description="Of the due ones: counted from the end of a run.")
    pending: int = Field(description="Were due beside these, and nobody has decided them yet.")
    pending_since: datetime | None
    unexplained: int = Field(description="Due, but neither dispatched nor omitted.")
    doubled: int = Field(description="With more than one verdict.")
    unexpected: int = Field(description="With a verdict, but named by no schedule.")
    miscounted: int = Field(description="Stretches whose count is not that of their due times.")
    balanced: bool
    examples: Examples
    summary: str


class ProofQuery(Schema):
    """Which period to prove."""

    start: Moment | None = Field(None, alias="from", description="24 hours ago by default.")
    end: Moment | None = Field(None, alias="to", description="Now by default.")


@router.get("/jobs/{id:job_id}/ledger/proof", response=ProofDocument, by_alias=True)
def proof(request: ApiRequest, job_id: int, query: Query[ProofQuery]) -> ProofDocument:
    """Prove a job's ledger on the spot: every due time of the period has exactly one verdict.

    Both ends belong to the period. Starts by hand and backfills are no due times. A period of more
    than a million due times is refused.
    """
    now = timezone.now()
    end = query.end or now
    start = query.start or end - timedelta(hours=24)
    if start > end:
        raise InvalidError(f"from {start.isoformat()} is later than to {end.isoformat()}.")
    return _proof_document(prove_ledger(job_id, start, end, now=now))


def _proof_document(found: Proof) -> ProofDocument:
    account = found.account
    return ProofDocument(
        job_id=found.job.pk,
        start=found.start,
        end=found.end,
        due=account.due,
        dispatched=account.dispatched,
        omitted={reason.value: number for reason, number in account.omitted.most_common()},
        named_by_end=account.by_end,
        pending=found.pending,
        pending_since=found.pending_since,
        unexplained=account.unexplained,
        doubled=account.doubled,
        unexpected=account.unexpected,
        miscounted=account.miscounted,
        balanced=found.balanced,
        examples=Examples(
            unexplained=account.unexplained_at,
            doubled=account.doubled_at,
            unexpected=account.unexpected_at,
            miscounted=account.miscounted_at,
        ),
        summary=found.sentence,
    )


def _lines(found: Iterable[Entry], written_as: Format) -> Iterator[str]:
    documents = map(line_of, found)
    if written_as is Format.CSV:
        yield from _csv_lines(documents)
    else:
        for document in documents:
            yield to_json(document).decode() + "\n"


def _gathered(lines: Iterator[str]) -> Iterator[bytes]:
    """Join lines, so that the server sends some kilobytes at a time."""
    batch: list[str] = []
    for line in lines:
        batch.append(line)
        if len(batch) == _LINES:
            yield "".join(batch).encode()
            batch = []
    yield "".join(batch).encode()


class _Echo:
    """Let the CSV writer hand back each line instead of storing it."""

    def write(self, line: str) -> str:
        """Return the line."""
        return line


def _csv_lines(documents: Iterable[dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield str(writer.writerow(COLUMNS))
    for document in documents:
        yield str(writer.writerow([cell(document.get(name)) for name in COLUMNS]))


def cell(value: object) -> str:
    """Return a CSV cell; text that a spreadsheet would run as a formula is marked as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return str(value)


def line_of(entry: Entry) -> dict[str, Any]:
    """Return one line of the ledger."""
    if isinstance(entry, Dispatched):
        return _execution(entry)
    job = entry.job
    common = {"job_id": job.pk, "job": job.name, "job_deleted": job.deleted_at is not None}
    return {"kind": "omission", **common, **_stretch(entry)}


def _execution(entry: Dispatched) -> dict[str, Any]:
    values = entry.values
    names = (
        "due_at", "trigger", "actor", "state", "attempt", "queued_at", "started_at", "finished_at",
        "exit_code", "signal", "message", "version",
    )  # fmt: skip
    return {
        "kind": "execution",
        "job_id": values["job_id"],
        "job": values["job__name"],
        "job_deleted": values["job__deleted_at"] is not None,
        "execution_id": values["id"],
        **{name: values[name] for name in names},
        "attempts": entry.attempts,
    }


def _stretch(entry: Omission | OpenStretch) -> dict[str, Any]:
    stored = entry if isinstance(entry, Omission) else None
    return {
        "reason": str(entry.reason),
        "first_due_at": entry.first_due_at,
        "last_due_at": entry.last_due_at,
        "count": entry.count,
        "open": stored is None,
        "detail": stored.detail if stored else entry.job.state_reason,
        "execution_id": stored.execution_id if stored else None,
        "decided_at": stored.decided_at if stored else None,
    }
