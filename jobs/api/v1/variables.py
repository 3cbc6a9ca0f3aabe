"""Variables: list, create, read, change, delete; and what a job names. No answer has a secret."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Literal

from django.http import HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Id, Limit, Text
from jobs.domain.disclosure import value_for
from jobs.domain.permissions import Actor
from jobs.models import Variable
from jobs.queries.jobs import get_job
from jobs.queries.variables import get_variable, jobs_naming, list_variables, named_by, room_of
from jobs.services import variables
from jobs.services.stored_definitions import definition_of

router = Router(tags=["variables"])


class VariableDocument(BaseModel):
    """A name that `{{name}}` in a job stands for."""

    id: int
    scope: str = Field(
        description="`global`: every job may name it. `workspace`: the jobs of that one. `job`: the "
        "one of `job_id`."
    )
    workspace: str | None
    job_id: int | None
    job_name: str | None
    name: str
    description: str
    secret: bool
    value: str | None = Field(
        description="Null for a secret; `***` for a viewer where it looks like one."
    )
    changed_at: datetime = Field(description="When the value was set.")
    changed_by: str
    created_at: datetime
    created_by: str


class VariableQuery(Schema):
    """Which variables to list."""

    search: Text = Field("", description="Part of a name, a description or a job's name.")
    name: Text = Field("", description="The whole name.")
    scope: Literal["", "global", "workspace", "job"] = ""
    job_id: Id | None = None
    workspace: Text = ""
    secret: bool | None = None
    cursor: Cursor | None = None
    limit: Limit = 100


class VariablePage(BaseModel):
    """Variables, oldest first."""

    items: list[VariableDocument]
    next_cursor: str | None


class NamingJob(BaseModel):
    """A job that names a variable."""

    job_id: int
    name: str


class NamingJobs(BaseModel):
    """The jobs for which a variable stands behind its name."""

    items: list[NamingJob]


class NamedDocument(BaseModel):
    """A name that a job uses, and what stands behind it."""

    name: str
    places: list[str] = Field(description="Fields of the job, such as `command`.")
    known: bool = Field(description="False: runs fail with `unknown variable NAME`.")
    variable_id: int | None
    scope: str | None
    secret: bool | None


class NamedList(BaseModel):
    """The names that a job uses, in order."""

    items: list[NamedDocument]


class DeleteQuery(Schema):
    """Whether to delete what jobs still name."""

    confirm: bool = Field(False, description="Delete it although jobs name it.")


@router.get("/variables", response=VariablePage)
def list_(request: ApiRequest, query: Query[VariableQuery]) -> VariablePage:
    """List variables, oldest first, page by page; secrets without their values."""
    page = list_variables(
        search=query.search,
        name=query.name,
        scope=query.scope,
        job_id=query.job_id,
        workspace=query.workspace,
        secret=query.secret,
        after=None if query.cursor is None else int(query.cursor),
        limit=query.limit,
    )
    return VariablePage(
        items=[_document(row, request.auth) for row in page.rows],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.post(
    "/variables",
    response={201: VariableDocument},
    openapi_extra=body_of("VariableDefinition"),
)
@keyed()
def create(request: ApiRequest, response: HttpResponse) -> Status[VariableDocument]:
    """Create a variable or, with `secret`, a secret; 409 when the name is taken in its scope."""
    definition = variables.parse_variable(json_object(request))
    made = variables.create(definition, actor=request.auth)
    response["Location"] = f"{request.path.rstrip('/')}/{made.pk}"
    return Status(HTTPStatus.CREATED, _document(made, request.auth))


@router.get("/variables/{id:variable_id}", response=VariableDocument)
def read(request: ApiRequest, variable_id: int) -> VariableDocument:
    """Return one variable; of a secret only that it is set, when and by whom."""
    return _document(get_variable(variable_id), request.auth)


@router.patch(
    "/variables/{id:variable_id}",
    response=VariableDocument,
    openapi_extra=body_of("VariableChanges"),
)
def update(request: ApiRequest, variable_id: int) -> VariableDocument:
    """Change value, description or kind; runs that have started keep what they were given."""
    changes = variables.parse_changes(json_object(request))
    changed = variables.update(variable_id, changes, actor=request.auth)
    return _document(changed, request.auth)


@router.delete("/variables/{id:variable_id}", response={204: None})
def delete(request: ApiRequest, variable_id: int, query: Query[DeleteQuery]) -> Status[None]:
    """Delete a variable; 409 with their names while jobs name it, unless `confirm=true`."""
    variables.delete(variable_id, actor=request.auth, confirmed=query.confirm)
    return Status(HTTPStatus.NO_CONTENT, None)


@router.get("/variables/{id:variable_id}/jobs", response=NamingJobs)
def used_by(request: ApiRequest, variable_id: int) -> NamingJobs:
    """Return the jobs that name a variable."""
    found = jobs_naming(get_variable(variable_id))
    return NamingJobs(items=[NamingJob(job_id=one.job_id, name=one.name) for one in found])


@router.get("/jobs/{id:job_id}/variables", response=NamedList)
def of_job(request: ApiRequest, job_id: int) -> NamedList:
    """Return the names that a job uses, and whether something stands behind each."""
    found = named_by(definition_of(get_job(job_id)), job_id)
    return NamedList(
        items=[
            NamedDocument(
                name=one.name,
                places=one.places,
                known=one.variable is not None,
                variable_id=one.variable.pk if one.variable else None,
                scope=scope_word(one.variable) if one.variable else None,
                secret=one.variable.secret if one.variable else None,
            )
            for one in found
        ]
    )


def scope_word(row: Variable) -> str:
    """Return the scope without the number of its workspace."""
    return row.scope.partition(":")[0]


def _document(row: Variable, actor: Actor) -> VariableDocument:
    return VariableDocument(
        id=row.pk,
        scope=scope_word(row),
        workspace=room_of(row),
        job_id=row.job.pk if row.job else None,
        job_name=row.job.name if row.job else None,
        name=row.name,
        description=row.description,
        secret=row.secret,
        value=None if row.secret else value_for(actor, row.name, row.value),
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        created_at=row.created_at,
        created_by=row.created_by,
    )
