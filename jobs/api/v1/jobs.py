"""Jobs: list, create, read, change, delete, pause, resume, trigger, look ahead."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpResponse
from django.utils import timezone
from ninja import Header, Query, Router, Schema, Status
from pydantic import BaseModel, BeforeValidator, Field

from jobs.api.body import json_object
from jobs.api.documents import (
    ExecutionDocument,
    JobDocument,
    execution_document,
    job_document,
    stored_job_document,
)
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.preview_documents import HeldDocument, held_document
from jobs.api.requests import (
    ApiRequest,
    Cursor,
    Limit,
    Text,
    split_words,
    version_of,
    written,
)
from jobs.api.waiting import MAX_WAIT, WaitSeconds, wait_for_end
from jobs.domain.errors import InvalidError
from jobs.domain.planned import Planned
from jobs.domain.states import TERMINAL, JobState, Trigger
from jobs.models import Job
from jobs.queries.executions import get_execution
from jobs.queries.listing import JobListing, list_jobs, present_job, stored_job
from jobs.queries.workspaces import check_workspace
from jobs.services import jobs as job_services
from jobs.services import previews, triggers
from jobs.services.judging import parse_new
from jobs.services.wording import choice

router = Router(tags=["jobs"])

_LONGEST_KEY = 200


class JobQuery(Schema):
    """Which jobs to list."""

    state: Annotated[list[Annotated[JobState, choice(JobState)]], BeforeValidator(split_words)] = (
        Field(default_factory=list, description="One or more states, repeated or with commas.")
    )
    search: Text = Field("", description="Part of a name, description, owner or tag.")
    name: Text = Field("", description="The whole name; upper and lower case are the same.")
    tag: Text = ""
    queue: Text = ""
    workspace: Text = Field("", description="A workspace; `_standalone_`: the jobs of none.")
    cursor: Cursor | None = None
    limit: Limit = 100


class JobPage(BaseModel):
    """Jobs, oldest first."""

    items: list[JobDocument]
    next_cursor: str | None


class HeldTimes(HeldDocument):
    """Due times in a row that will make no run."""

    at: datetime = Field(description="The first of them.")


class FireTimes(BaseModel):
    """The next due times of a job; empty while it is stopped."""

    items: list[datetime] = Field(description="Those that will run.")
    guessed: list[datetime] = Field(
        description="Those of them that count from the end of a run to come."
    )
    held: list[HeldTimes] = Field(
        description="Due times before and between them that a freeze or a calendar holds back."
    )
    looked_until: datetime | None = Field(
        description="Where the search for runs ended, when so much is held back; else null."
    )
    state: str


@router.get("", response=JobPage)
def list_(request: ApiRequest, response: HttpResponse, query: Query[JobQuery]) -> HttpResponse:
    """List jobs, oldest first, page by page."""
    if query.workspace:
        check_workspace(query.workspace, seen_by=request.auth)
    page = list_jobs(
        JobListing(
            states=query.state,
            search=query.search,
            name=query.name,
            tag=query.tag,
            queue=query.queue,
            workspace=query.workspace,
            seen_by=request.auth,
            after=None if query.cursor is None else int(query.cursor),
            limit=query.limit,
        )
    )
    return written(
        request,
        response,
        {
            "items": [stored_job_document(job, actor=request.auth) for job in page.rows],
            "next_cursor": None if page.next_after is None else str(page.next_after),
        },
    )


@router.post("", response={201: JobDocument}, openapi_extra=body_of("JobDefinition"))
@keyed()
def create(request: ApiRequest, response: HttpResponse) -> Status[JobDocument]:
    """Create a job; its schedules count from now. `"paused": true` creates it paused."""
    data = json_object(request)
    paused = _flag(data, "paused")
    job = job_services.create(
        parse_new(data, actor=request.auth), actor=request.auth, paused=paused
    )
    response["Location"] = f"{request.path.rstrip('/')}/{job.pk}"
    return Status(HTTPStatus.CREATED, _answer(request, job, response))


@router.get("/{id:job_id}", response=JobDocument)
def read(request: ApiRequest, response: HttpResponse, job_id: int) -> HttpResponse:
    """Return one job. Its `ETag` is the version that `If-Match` takes."""
    job = stored_job(job_id)
    response["ETag"] = _etag(job.row["version"])
    return written(request, response, stored_job_document(job, actor=request.auth))


@router.patch("/{id:job_id}", response=JobDocument, openapi_extra=body_of("JobChanges"))
def update(
    request: ApiRequest,
    response: HttpResponse,
    job_id: int,
    if_match: Annotated[str, Header(alias="If-Match", description="A version, such as `3`.")] = "",
) -> JobDocument:
    """Change the fields that are named; the others stay. Due times from now on use the change."""
    job = job_services.update(
        job_id,
        json_object(request),
        actor=request.auth,
        expected_version=version_of(if_match),
    )
    return _answer(request, present_job(job.pk), response)


@router.delete("/{id:job_id}", response={204: None})
def delete(request: ApiRequest, job_id: int) -> Status[None]:
    """Delete a job: end what runs, free its name, keep its history."""
    job_services.delete(job_id, actor=request.auth)
    return Status(HTTPStatus.NO_CONTENT, None)


@router.post(
    "/{id:job_id}/pause", response=JobDocument, openapi_extra=body_of("PauseReason", required=False)
)
def pause(request: ApiRequest, response: HttpResponse, job_id: int) -> JobDocument:
    """Stop a job's schedules; what runs goes on. Pausing a paused job changes nothing."""
    reason = json_object(request, optional=True).get("reason", "")
    if not isinstance(reason, str):
        raise _wrong("reason", reason, "Use a text.")
    job_services.pause(job_id, actor=request.auth, reason=reason)
    return _answer(request, present_job(job_id), response)


@router.post("/{id:job_id}/resume", response=JobDocument)
def resume(request: ApiRequest, response: HttpResponse, job_id: int) -> JobDocument:
    """Let a stopped job's schedules fire again from now on; nothing is caught up."""
    job_services.resume(job_id, actor=request.auth)
    return _answer(request, present_job(job_id), response)


@router.post(
    "/{id:job_id}/trigger",
    response={200: ExecutionDocument, 202: ExecutionDocument},
    openapi_extra=body_of("TriggerRequest", required=False),
)
def trigger(
    request: ApiRequest,
    response: HttpResponse,
    job_id: int,
    wait: WaitSeconds = 0,
    idempotency_key: Annotated[
        str,
        Header(alias="Idempotency-Key", description="A repeated key starts nothing new."),
    ] = "",
    force: Annotated[bool, Field(description="Start it past an open circuit breaker.")] = False,
) -> Status[ExecutionDocument]:
    """Queue one execution now, also of a paused job: 200 when it has ended, else 202."""
    if len(idempotency_key) > _LONGEST_KEY:
        raise InvalidError(f"Idempotency-Key is too long. Use {_LONGEST_KEY} characters or less.")
    execution = triggers.trigger(
        job_id,
        actor=request.auth,
        kind=Trigger.API,
        idempotency_key=idempotency_key,
        force=force,
        parameters=_given(request),
    )
    wait_for_end(execution.pk, min(wait, MAX_WAIT))
    execution = get_execution(execution.pk)
    response["Location"] = request.path.replace(
        f"/jobs/{job_id}/trigger", f"/executions/{execution.pk}"
    )
    ended = execution.state in TERMINAL
    status = HTTPStatus.OK if ended else HTTPStatus.ACCEPTED
    return Status(status, execution_document(execution, actor=request.auth))


@router.get("/{id:job_id}/next", response=FireTimes)
def look_ahead(
    request: ApiRequest,
    job_id: int,
    count: Annotated[int, Field(ge=1, le=1000)] = 5,
) -> FireTimes:
    """Return the next due times that will run, and what is held back before and between them.

    Where they count from an end, each run takes as long as usual.
    """
    job = present_job(job_id)
    plan = previews.next_runs(job, now=job.next_fire_at or timezone.now(), count=count)
    return FireTimes(
        state=job.state,
        items=[one.at for one in plan.runs],
        guessed=[one.at for one in plan.runs if one.about],
        held=[_held(one) for one in plan.held],
        looked_until=plan.until,
    )


def _held(one: Planned) -> HeldTimes:
    held = held_document(one)
    assert held is not None  # noqa: S101 - only what is held back comes here
    return HeldTimes(at=one.at, **held.model_dump())


def _answer(request: ApiRequest, job: Job, response: HttpResponse) -> JobDocument:
    response["ETag"] = _etag(job.version)
    return job_document(job, actor=request.auth)


def _etag(version: int) -> str:
    return f'"{version}"'


def _given(request: ApiRequest) -> object:
    """Return the parameters of a start; the service judges them."""
    data = json_object(request, optional=True)
    unknown = sorted(set(data) - {"parameters"})
    if unknown:
        raise _wrong(unknown[0], data[unknown[0]], "This field does not exist; use parameters.")
    return data.get("parameters")


def _flag(data: dict[str, Any], name: str) -> bool:
    value = data.pop(name, False)
    if not isinstance(value, bool):
        raise _wrong(name, value, "Use true or false.")
    return value


def _wrong(name: str, value: object, allowed: str) -> InvalidError:
    sentence = f"{value!r:.80} is not allowed. {allowed}"
    return InvalidError(f"{name}: {sentence}", fields={name: sentence})
