"""Executions: list, read, log, cancel."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, BeforeValidator, Field

from jobs.api.documents import (
    ArtifactDocument,
    ExecutionDetail,
    ExecutionDocument,
    artifact_document,
    execution_detail,
    execution_document,
    stored_execution_documents,
)
from jobs.api.idempotency import keyed
from jobs.api.openapi import FILE_ANSWER, TEXT_ANSWER
from jobs.api.requests import (
    LARGEST_ID,
    ApiRequest,
    Cursor,
    Id,
    Limit,
    Moment,
    Text,
    split_words,
    written,
)
from jobs.api.waiting import MAX_WAIT, WaitSeconds, has_ended, wait_for_end, wait_until
from jobs.domain.states import ExecutionState, Stream, Trigger
from jobs.downloads import artifact_response
from jobs.queries import logs
from jobs.queries.answers import require_answer
from jobs.queries.executions import get_artifact, get_execution
from jobs.queries.listing import ExecutionListing, list_executions, stored_execution
from jobs.queries.loglines import tail_offset
from jobs.queries.logrows import Chosen
from jobs.queries.workspaces import check_workspace
from jobs.services import cancelling, triggers
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
    workspace: Text = Field("", description="A workspace; `_standalone_`: the jobs of none.")
    since: Moment | None = Field(None, description="Due at or after this moment.")
    until: Moment | None = Field(None, description="Due before this moment.")
    start: Moment | None = Field(None, alias="from", description="The same as `since`.")
    end: Moment | None = Field(None, alias="to", description="The same as `until`.")
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
    offset: Annotated[int | None, Field(ge=0, le=LARGEST_ID)] = Field(
        None, description="The same as `from`."
    )
    stream: Annotated[Stream | None, BeforeValidator(lambda value: value or None)] = Field(
        None, description="Only `stdout`, `stderr` or `system`; all by default."
    )
    attempt: Annotated[int, Field(ge=0, le=32_000)] = Field(
        0, description="Only of this attempt, counted from 1; all by default."
    )
    tail: Annotated[int, Field(ge=0, le=10_000)] = Field(
        0, description="Begin so many lines before the end, instead of at `from`."
    )
    limit: Annotated[int, Field(ge=0, le=LARGEST_ID)] = Field(
        0, description="Look at so many bytes of the log at most; 0 is all there is."
    )
    wait: Annotated[float, Field(ge=0, le=3600)] = Field(
        0,
        description="While there is nothing new, wait so many seconds for output or the end. The "
        f"server waits {MAX_WAIT:g} s at most, for one request at a time.",
    )

    @property
    def first(self) -> int:
        """Return the byte at which to begin."""
        return self.start if self.offset is None else self.offset


@router.get("", response=ExecutionPage)
def list_(
    request: ApiRequest, response: HttpResponse, query: Query[ExecutionQuery]
) -> HttpResponse:
    """List executions, newest first, page by page."""
    if query.workspace:
        check_workspace(query.workspace, seen_by=request.auth)
    page = list_executions(
        ExecutionListing(
            job_id=query.job_id,
            states=query.state,
            triggers=query.trigger,
            search=query.search,
            tag=query.tag,
            queue=query.queue,
            workspace=query.workspace,
            seen_by=request.auth,
            since=query.since or query.start,
            until=query.until or query.end,
            after=None if query.cursor is None else int(query.cursor),
            limit=query.limit,
        )
    )
    return written(
        request,
        response,
        {
            "items": stored_execution_documents(page.rows, actor=request.auth),
            "next_cursor": None if page.next_after is None else str(page.next_after),
        },
    )


@router.get("/{id:execution_id}", response=ExecutionDetail)
def read(
    request: ApiRequest, response: HttpResponse, execution_id: int, wait: WaitSeconds = 0
) -> HttpResponse:
    """Return one execution with its attempts, on wish when it has ended."""
    if wait:
        wait_for_end(execution_id, min(wait, MAX_WAIT))
    detail = execution_detail(stored_execution(execution_id), actor=request.auth)
    return written(request, response, detail)


@router.get("/{id:execution_id}/log", openapi_extra=TEXT_ANSWER)
def log(request: ApiRequest, execution_id: int, query: Query[LogQuery]) -> StreamingHttpResponse:
    """Return what an execution printed, byte for byte; of an HTTP job to operators only.

    To follow it, ask again with `from` set to the answer's `Log-Next`, until `Log-Complete` is true.
    """
    execution = get_execution(execution_id)
    require_answer(request.auth, execution)
    wait_until(lambda: _has_news(execution_id, query.first), min(query.wait, MAX_WAIT))
    # The state first: once it is final, everything printed is in the table.
    ended = has_ended(execution_id)
    size = logs.size(execution_id)
    chosen = Chosen(execution_id, query.stream.value if query.stream else "", query.attempt)
    start = tail_offset(chosen, query.tail) if query.tail else query.first
    end = min(start + query.limit, size) if query.limit else size
    response = StreamingHttpResponse(
        _bytes(chosen, start, end), content_type="text/plain; charset=utf-8"
    )
    response["Log-Next"] = str(max(end, start))
    response["Log-Complete"] = "true" if ended and end >= size else "false"
    return response


def _has_news(execution_id: int, start: int) -> bool:
    return has_ended(execution_id) or logs.size(execution_id) > start


def _bytes(chosen: Chosen, start: int, end: int) -> Iterator[bytes]:
    found = logs.pieces(
        chosen.execution_id, start=start, end=end, stream=chosen.stream, attempt=chosen.attempt
    )
    for piece in found:
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


@router.post("/{id:execution_id}/rerun", response={202: ExecutionDocument})
@keyed()
def rerun(
    request: ApiRequest, response: HttpResponse, execution_id: int
) -> Status[ExecutionDocument]:
    """Run its job again now, with its present definition and the same parameters."""
    row = triggers.again(execution_id, actor=request.auth)
    response["Location"] = request.path.replace(f"/{execution_id}/rerun", f"/{row.pk}")
    document = execution_document(get_execution(row.pk), actor=request.auth)
    return Status(HTTPStatus.ACCEPTED, document)


@router.post("/{id:execution_id}/cancel", response={202: ExecutionDocument})
def cancel(request: ApiRequest, response: HttpResponse, execution_id: int) -> ExecutionDocument:
    """Cancel an execution: at once while it waits, else by ending its process tree."""
    cancelling.cancel(execution_id, actor=request.auth)
    return execution_document(get_execution(execution_id), actor=request.auth)
