"""Executions: list, read, log, cancel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from ninja import Query, Router, Schema
from pydantic import BaseModel, BeforeValidator, Field

from jobs.api.documents import (
    ArtifactDocument,
    ExecutionDetail,
    ExecutionDocument,
    artifact_document,
    execution_detail,
    execution_document,
    execution_documents,
)
from jobs.api.openapi import FILE_ANSWER, TEXT_ANSWER
from jobs.api.requests import LARGEST_ID, ApiRequest, Cursor, Id, Limit, Moment, Text, split_words
from jobs.api.waiting import MAX_WAIT, WaitSeconds, wait_for_end
from jobs.domain.states import TERMINAL, ExecutionState, Stream, Trigger
from jobs.downloads import artifact_response
from jobs.queries import logs
from jobs.queries.answers import require_answer
from jobs.queries.executions import get_artifact, get_execution
from jobs.queries.listing import ExecutionListing, list_executions
from jobs.services import cancelling
from jobs.services.wording import choice

router = Router(tags=["executions"])


class ExecutionQuery(Schema):
    """Which executions to list."""

    job_id: Id | None = None
    state: Annotated[
        list[Annotated[ExecutionState, choice(ExecutionState)]], BeforeValidator(split_words)
    ] = Field(default_factory=list, description="One or more states, repeated or with commas.")
    trigger: Annotated[list[Annotated[Trigger, choice(Trigger)]], BeforeValidator(split_words)] = (
        Field(default_factory=list)
    )
    search: Text = Field("", description="Part of the job's name.")
    tag: Text = ""
    queue: Text = ""
    since: Moment | None = Field(None, description="Due at or after this moment.")
    until: Moment | None = Field(None, description="Due before this moment.")
    cursor: Cursor | None = None
    limit: Limit = 100


class ExecutionPage(BaseModel):
    """Executions, newest first."""

    items: list[ExecutionDocument]
    next_cursor: str | None


class LogQuery(Schema):
    """Which part of a log."""

    start: Annotated[int, Field(ge=0, le=LARGEST_ID)] = Field(
        0, alias="from", description="Byte of the whole log at which to begin."
    )
    stream: Annotated[Stream | None, BeforeValidator(lambda value: value or None)] = Field(
        None, description="Only `stdout`, `stderr` or `system`; all by default."
    )


@router.get("", response=ExecutionPage)
def list_(request: ApiRequest, query: Query[ExecutionQuery]) -> ExecutionPage:
    """List executions, newest first, page by page."""
    page = list_executions(
        ExecutionListing(
            job_id=query.job_id,
            states=query.state,
            triggers=query.trigger,
            search=query.search,
            tag=query.tag,
            queue=query.queue,
            since=query.since,
            until=query.until,
            after=None if query.cursor is None else int(query.cursor),
            limit=query.limit,
        )
    )
    return ExecutionPage(
        items=execution_documents(page.rows, actor=request.auth),
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.get("/{id:execution_id}", response=ExecutionDetail)
def read(request: ApiRequest, execution_id: int, wait: WaitSeconds = 0) -> ExecutionDetail:
    """Return one execution with its attempts, on wish when it has ended."""
    wait_for_end(execution_id, min(wait, MAX_WAIT))
    return execution_detail(get_execution(execution_id), actor=request.auth)


@router.get("/{id:execution_id}/log", openapi_extra=TEXT_ANSWER)
def log(request: ApiRequest, execution_id: int, query: Query[LogQuery]) -> StreamingHttpResponse:
    """Return what an execution printed, byte for byte; of an HTTP job to operators only.

    To follow it, ask again with `from` set to the answer's `Log-Next`, until `Log-Complete` is true.
    """
    execution = get_execution(execution_id)
    require_answer(request.auth, execution)
    # The state first: once it is final, everything printed is in the table.
    complete = execution.state in TERMINAL
    end = logs.size(execution_id)
    response = StreamingHttpResponse(
        _bytes(execution_id, query, end), content_type="text/plain; charset=utf-8"
    )
    response["Log-Next"] = str(max(end, query.start))
    response["Log-Complete"] = "true" if complete else "false"
    return response


def _bytes(execution_id: int, query: LogQuery, end: int) -> Iterator[bytes]:
    stream = query.stream.value if query.stream else ""
    for piece in logs.pieces(execution_id, start=query.start, end=end, stream=stream):
        yield piece.data


class ArtifactList(BaseModel):
    """The files that an execution left, by name."""

    items: list[ArtifactDocument]


@router.get("/{id:execution_id}/artifacts", response=ArtifactList)
def artifacts(request: ApiRequest, execution_id: int) -> ArtifactList:
    """List the files that an execution left."""
    rows = get_execution(execution_id).artifacts.all()
    return ArtifactList(items=[artifact_document(row) for row in rows])


@router.get("/{id:execution_id}/artifacts/{id:artifact_id}", openapi_extra=FILE_ANSWER)
def artifact(request: ApiRequest, execution_id: int, artifact_id: int) -> FileResponse:
    """Return a file that an execution left, byte for byte."""
    return artifact_response(get_artifact(execution_id, artifact_id))


@router.post("/{id:execution_id}/cancel", response={202: ExecutionDocument})
def cancel(request: ApiRequest, response: HttpResponse, execution_id: int) -> ExecutionDocument:
    """Cancel an execution: at once while it waits, else by ending its process tree."""
    cancelling.cancel(execution_id, actor=request.auth)
    return execution_document(get_execution(execution_id), actor=request.auth)
