"""Templates: what workspaces and jobs deploy, where it comes from, and what has drifted."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from django.http import HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Limit, Text
from jobs.domain.states import Deployment
from jobs.queries.templates import (
    TemplateRow,
    Use,
    get_template,
    list_templates,
    name_of_number,
    rows_of,
)
from jobs.services import templates
from jobs.services.template_requests import parse_template

router = Router(tags=["templates"])


class TemplateUse(BaseModel):
    """A workspace that names a template, and how far the two are apart."""

    workspace: str
    status: Deployment
    own_files: bool = Field(description="It has `*.tf` files of its own, which win.")
    outdated: bool = Field(description="It was deployed from other files than there are now.")
    planning: bool = Field(description="It is being compared right now.")
    drift: bool | None = Field(
        description="Whether a deployment would change anything, as the last plan since the last "
        "operation says. Null: not known."
    )
    changes: dict[str, int] = Field(description="What it would add, change and remove.")
    changed_elsewhere: list[str] = Field(description="Resources changed beside the template.")
    fault: str = Field(description="Why the last plan failed.")
    plan_execution_id: int | None


class TemplateDocument(BaseModel):
    """A template."""

    name: str
    description: str
    source_url: str
    source_path: str
    source_ref: str
    version: str = Field(description="The commit that its files are of.")
    content_hash: str = Field(description="SHA-256 over its files.")
    created_at: datetime
    created_by: str
    updated_at: datetime = Field(description="When its files changed.")
    checked_at: datetime | None = Field(description="When its source was last asked.")
    fault: str = Field(description="Why that failed; the files stayed as they were.")
    workspaces: list[TemplateUse]
    jobs: list[str] = Field(description="Jobs that deploy it by themselves.")
    faults: list[str] = Field(description="What is wrong with the files on this host.")


class TemplateQuery(Schema):
    """Which templates to list."""

    search: Text = Field("", description="Part of a name, a description or a source.")
    cursor: Cursor | None = None
    limit: Limit = 100


class TemplatePage(BaseModel):
    """Templates, by name."""

    items: list[TemplateDocument]
    next_cursor: str | None
    unregistered: list[str] = Field(
        description="Directories that somebody has put beside them; they can be named as well."
    )


class TemplateRemoval(Schema):
    """Whether to delete a template that is in use."""

    force: bool = Field(False, description="Although workspaces name it.")


class TemplateUpdate(BaseModel):
    """What became of a look at a template's source."""

    changed: bool
    planned: dict[str, int] = Field(description="Workspace -> execution that compares it.")
    refused: dict[str, str] = Field(description="Workspace -> why it is not compared.")
    template: TemplateDocument


@router.get("/templates", response=TemplatePage)
def list_(request: ApiRequest, query: Query[TemplateQuery]) -> TemplatePage:
    """List templates by name, page by page."""
    after = name_of_number(int(query.cursor)) if query.cursor else ""
    page = list_templates(search=query.search, after=after, limit=query.limit)
    return TemplatePage(
        items=[_document(one) for one in rows_of(page.rows)],
        next_cursor=None if page.next_after is None else str(page.next_after),
        unregistered=templates.unregistered(),
    )


@router.post(
    "/templates",
    response={201: TemplateDocument},
    openapi_extra=body_of("TemplateDefinition"),
)
def create(request: ApiRequest, response: HttpResponse) -> Status[TemplateDocument]:
    """Register a template and fetch its files. Nothing is deployed."""
    wanted = parse_template(json_object(request))
    source = templates.Source(url=wanted.url, path=wanted.path, ref=wanted.ref)
    made = templates.add(wanted.name, source, description=wanted.description, actor=request.auth)
    response["Location"] = f"{request.path.rstrip('/')}/{made.name}"
    return Status(HTTPStatus.CREATED, _read(made.name))


@router.get("/templates/{template}", response=TemplateDocument)
def read(request: ApiRequest, template: str) -> TemplateDocument:
    """Return a template with the workspaces that name it, and what of these has drifted."""
    return _read(template)


@router.delete("/templates/{template}", response={204: None})
def delete(request: ApiRequest, template: str, query: Query[TemplateRemoval]) -> Status[None]:
    """Delete a template and its files; 409 while workspaces name it. What is deployed stays."""
    templates.remove(template, force=query.force, actor=request.auth)
    return Status(HTTPStatus.NO_CONTENT, None)


@router.post("/templates/{template}/update", response=TemplateUpdate)
def update(request: ApiRequest, template: str) -> TemplateUpdate:
    """Fetch a template's files anew; where they changed, plan each workspace deployed from it.

    Nothing is deployed: a plan says what a deployment would change.
    """
    return _updated(templates.update(template, actor=request.auth))


@router.post("/templates/{template}/plan", response=TemplateUpdate)
def plan(request: ApiRequest, template: str) -> TemplateUpdate:
    """Plan each workspace that was deployed from a template; nothing is fetched or deployed."""
    return _updated(templates.plan_users(template, actor=request.auth))


def _updated(done: templates.Updated) -> TemplateUpdate:
    return TemplateUpdate(
        changed=done.changed,
        planned={name: one.pk for name, one in done.planned.items()},
        refused=done.refused,
        template=_read(done.template.name),
    )


def _read(name: str) -> TemplateDocument:
    return _document(rows_of([get_template(name)])[0])


def _document(row: TemplateRow) -> TemplateDocument:
    one = row.template
    return TemplateDocument(
        name=one.name,
        description=one.description,
        source_url=one.source_url,
        source_path=one.source_path,
        source_ref=one.source_ref,
        version=one.version,
        content_hash=one.content_hash,
        created_at=one.created_at,
        created_by=one.created_by,
        updated_at=one.updated_at,
        checked_at=one.checked_at,
        fault=one.fault,
        workspaces=[_use(use) for use in row.uses],
        jobs=[str(job) for job in row.jobs],
        faults=templates.faults_of(one),
    )


def _use(use: Use) -> TemplateUse:
    return TemplateUse(
        workspace=use.workspace.name,
        status=use.standing.status,
        own_files=use.own_files,
        outdated=use.outdated,
        planning=use.is_planning,
        drift=use.drift,
        changes=use.changes,
        changed_elsewhere=use.changed_elsewhere,
        fault=use.fault,
        plan_execution_id=use.standing.plan.pk if use.standing.plan is not None else None,
    )
