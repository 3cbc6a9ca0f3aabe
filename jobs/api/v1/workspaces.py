"""Workspaces: the rooms in which jobs live."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Header, Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Limit, Text, version_of
from jobs.models import Workspace
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
    status: str = Field(description="Where its infrastructure stands.")
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
        items=[_document(row) for row in rows_of(page.rows)],
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
    return Status(HTTPStatus.CREATED, _answer(made, response))


@router.get("/workspaces/{name}", response=WorkspaceDocument)
def read(request: ApiRequest, response: HttpResponse, name: str) -> WorkspaceDocument:
    """Return one workspace. Its `ETag` is the version that `If-Match` takes."""
    return _answer(get_workspace(name, seen_by=request.auth), response)


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
    return _answer(changed, response)


@router.delete("/workspaces/{name}", response={204: None})
def delete(request: ApiRequest, name: str) -> Status[None]:
    """Delete a workspace in which no job lives; 409 with their names otherwise."""
    workspaces.delete(name, actor=request.auth)
    return Status(HTTPStatus.NO_CONTENT, None)


def _answer(row: Workspace, response: HttpResponse) -> WorkspaceDocument:
    response["ETag"] = f'"{row.version}"'
    return _document(rows_of([row])[0])


def _document(row: WorkspaceRow) -> WorkspaceDocument:
    one = row.workspace
    return WorkspaceDocument(
        id=one.pk,
        name=one.name,
        description=one.description,
        enabled=one.enabled,
        status=one.status,
        jobs=row.jobs,
        paused=row.paused,
        auto_disabled=row.auto_disabled,
        version=one.version,
        created_at=one.created_at,
        created_by=one.created_by,
        updated_at=one.updated_at,
    )
