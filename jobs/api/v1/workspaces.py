"""Workspaces: the rooms in which jobs live."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Header, Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Limit, Text, version_of
from jobs.domain.masking import MASK
from jobs.domain.permissions import Actor, Permission
from jobs.domain.states import Deployment
from jobs.executors.template_spec import Operation
from jobs.models import Workspace
from jobs.queries.deployments import Standing, standings_of
from jobs.queries.workspaces import (
    WorkspaceRow,
    get_workspace,
    list_workspaces,
    name_of_number,
    rows_of,
)
from jobs.services import workspaces

router = Router(tags=["workspaces"])


class WorkspaceDocument(BaseModel):
    """A workspace, and how many jobs live in it."""

    id: int
    name: str
    description: str
    enabled: bool = Field(description="A disabled one holds back the due times of its jobs.")
    status: Deployment = Field(description="Where its infrastructure stands.")
    operations: dict[str, Any] = Field(description="When and how it is deployed, as it was given.")
    deployment_mode: str = Field(description="Of the last deployment.")
    last_deployed_at: datetime | None
    last_destroyed_at: datetime | None
    last_failed_at: datetime | None
    last_error: str
    next_deploy_at: datetime | None
    next_destroy_at: datetime | None
    execution_id: int | None = Field(description="What deploys or destroys it now, or did last.")
    resources: list[dict[str, str]] = Field(description="What is deployed: address, type, status.")
    jobs: int
    paused: int = Field(description="Of these jobs.")
    auto_disabled: int
    version: int = Field(description="Grows with each change; also the `ETag`.")
    created_at: datetime
    created_by: str
    updated_at: datetime


class WorkspaceQuery(Schema):
    """Which workspaces to list."""

    search: Text = Field("", description="Part of a name or description.")
    cursor: Cursor | None = None
    limit: Limit = 100


class WorkspacePage(BaseModel):
    """Workspaces, by name."""

    items: list[WorkspaceDocument]
    next_cursor: str | None


IfMatch = Annotated[str, Header(alias="If-Match", description="A version, such as `3`.")]


@router.get("/workspaces", response=WorkspacePage)
def list_(request: ApiRequest, query: Query[WorkspaceQuery]) -> WorkspacePage:
    """List workspaces by name, page by page: those in which the caller has a role."""
    page = list_workspaces(
        search=query.search,
        after=name_of_number(int(query.cursor)) if query.cursor else "",
        limit=query.limit,
        seen_by=request.auth,
    )
    return WorkspacePage(
        items=_documents(page.rows, request.auth),
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.post(
    "/workspaces",
    response={201: WorkspaceDocument},
    openapi_extra=body_of("WorkspaceDefinition"),
)
def create(request: ApiRequest, response: HttpResponse) -> Status[WorkspaceDocument]:
    """Create a workspace. Jobs are put into it by the field `workspace` of their definition."""
    wanted = workspaces.parse_workspace(json_object(request))
    made = workspaces.create(wanted, actor=request.auth)
    response["Location"] = f"{request.path.rstrip('/')}/{made.name}"
    return Status(HTTPStatus.CREATED, _answer(made, response, request.auth))


@router.get("/workspaces/{name}", response=WorkspaceDocument)
def read(request: ApiRequest, response: HttpResponse, name: str) -> WorkspaceDocument:
    """Return one workspace. Its `ETag` is the version that `If-Match` takes."""
    return _answer(get_workspace(name, seen_by=request.auth), response, request.auth)


@router.patch(
    "/workspaces/{name}",
    response=WorkspaceDocument,
    openapi_extra=body_of("WorkspaceChanges"),
)
def update(
    request: ApiRequest, response: HttpResponse, name: str, if_match: IfMatch = ""
) -> WorkspaceDocument:
    """Describe, disable or enable a workspace; its name stays.

    A disabled one holds back the due times of its jobs, as a freeze does, until it is enabled.
    """
    data: dict[str, Any] = json_object(request)
    changed = workspaces.update(
        name,
        workspaces.parse_changes(data),
        actor=request.auth,
        expected_version=version_of(if_match),
    )
    return _answer(changed, response, request.auth)


@router.delete("/workspaces/{name}", response={204: None})
def delete(request: ApiRequest, name: str) -> Status[None]:
    """Delete a workspace in which no job lives; 409 with their names otherwise."""
    workspaces.delete(name, actor=request.auth)
    return Status(HTTPStatus.NO_CONTENT, None)


def _answer(row: Workspace, response: HttpResponse, actor: Actor) -> WorkspaceDocument:
    response["ETag"] = f'"{row.version}"'
    return _documents([row], actor)[0]


def _documents(rows: Sequence[Workspace], actor: Actor) -> list[WorkspaceDocument]:
    standings = standings_of(rows)
    return [_document(row, standings[row.workspace.pk], actor) for row in rows_of(rows)]


def _document(row: WorkspaceRow, standing: Standing, actor: Actor) -> WorkspaceDocument:
    one = row.workspace
    current = standing.live or standing.last
    return WorkspaceDocument(
        id=one.pk,
        name=one.name,
        description=one.description,
        enabled=one.enabled,
        status=standing.status,
        operations=_disclosed(one, actor),
        deployment_mode=standing.mode,
        last_deployed_at=standing.last_deployed_at,
        last_destroyed_at=standing.last_destroyed_at,
        last_failed_at=standing.last_failed_at,
        last_error=standing.last_error,
        next_deploy_at=standing.next_at(Operation.APPLY),
        next_destroy_at=standing.next_at(Operation.DESTROY),
        execution_id=None if current is None else current.pk,
        resources=standing.resources,
        jobs=row.jobs,
        paused=row.paused,
        auto_disabled=row.auto_disabled,
        version=one.version,
        created_at=one.created_at,
        created_by=one.created_by,
        updated_at=one.updated_at,
    )


def _disclosed(row: Workspace, actor: Actor) -> dict[str, Any]:
    """Return what was decided; values that may be secret only to who may change them."""
    told: dict[str, Any] = dict(row.config)
    may = (
        actor.may(Permission.EDIT)
        if not actor.partial
        else (Permission.EDIT in actor.permissions_on(row.pk, ()))
    )
    if not may and "environment" in told:
        told["environment"] = dict.fromkeys(told["environment"], MASK)
    return told
