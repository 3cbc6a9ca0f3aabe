"""People and their roles, for administrators."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Limit, Text
from jobs.domain.permissions import ROLE_PERMISSIONS, Permission, Role, require
from jobs.models import Access
from jobs.queries.people import list_people
from jobs.services import access, accounts
from jobs.services.wording import choice

router = Router(tags=["people"])


class UserDocument(BaseModel):
    """A person."""

    id: int
    username: str
    email: str
    role: Role | None = Field(description="For everything; null: none.")
    active: bool
    has_password: bool = Field(description="False until the link was used.")
    last_login_at: datetime | None
    created_at: datetime


class AccessDocument(BaseModel):
    """A role for the jobs of one workspace, or for those with one tag."""

    id: int
    role: str
    workspace: str | None
    tag: str


class UserDetail(UserDocument):
    """A person with the roles for some jobs only."""

    access: list[AccessDocument]


class UserQuery(Schema):
    """Which people to list."""

    search: Text = Field("", description="Part of the name or the e-mail address.")
    role: Annotated[Role, choice(Role)] | None = None
    active: bool | None = None
    cursor: Cursor | None = None
    limit: Limit = 100


class UserPage(BaseModel):
    """People, oldest first."""

    items: list[UserDocument]
    next_cursor: str | None


class PasswordLink(BaseModel):
    """Where a person sets a password."""

    url: str | None = Field(description="Works once, within a day. Null in a repeated answer.")


class RoleDocument(BaseModel):
    """A role and what it may."""

    name: Role
    permissions: list[Permission]


class RoleList(BaseModel):
    """The roles, the least first."""

    items: list[RoleDocument]


@router.get("/users", response=UserPage)
def list_(request: ApiRequest, query: Query[UserQuery]) -> UserPage:
    """List people, oldest first."""
    require(request.auth, Permission.ADMINISTER)
    page = list_people(
        search=query.search,
        role=query.role or "",
        active=query.active,
        after=None if query.cursor is None else int(query.cursor),
        limit=query.limit,
    )
    return UserPage(
        items=[UserDocument(**_values(row)) for row in page.rows],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.post("/users", response={201: UserDetail}, openapi_extra=body_of("PersonDefinition"))
@keyed()
def create(request: ApiRequest, response: HttpResponse) -> Status[UserDetail]:
    """Make a person; a password is set by the link of `POST /users/{id}/password-link`."""
    made = accounts.create(accounts.parse_person(json_object(request)), actor=request.auth)
    response["Location"] = f"{request.path.rstrip('/')}/{made.pk}"
    return Status(HTTPStatus.CREATED, _detail(made))


@router.get("/users/{id:user_id}", response=UserDetail)
def read(request: ApiRequest, user_id: int) -> UserDetail:
    """Return a person with the roles for some jobs only."""
    require(request.auth, Permission.ADMINISTER)
    return _detail(accounts.get_person(user_id))


@router.patch("/users/{id:user_id}", response=UserDetail, openapi_extra=body_of("PersonChanges"))
def update(request: ApiRequest, user_id: int) -> UserDetail:
    """Set the role, deactivate or activate, change the address; it holds from the next request on."""
    changes = accounts.parse_changes(json_object(request))
    return _detail(accounts.update(user_id, changes, actor=request.auth))


@router.post("/users/{id:user_id}/password-link", response={201: PasswordLink})
@keyed(without=("url",))
def password_link(request: ApiRequest, user_id: int) -> Status[PasswordLink]:
    """Make a link by which the person sets a password, once and within a day."""
    path = accounts.password_link(user_id, actor=request.auth)
    return Status(HTTPStatus.CREATED, PasswordLink(url=request.build_absolute_uri(path)))


@router.post(
    "/users/{id:user_id}/access",
    response={201: AccessDocument},
    openapi_extra=body_of("AccessRequest"),
)
@keyed()
def grant(request: ApiRequest, user_id: int) -> Status[AccessDocument]:
    """Give a role for the jobs of a workspace, or for those with a tag; a present one is changed."""
    asked = access.parse_access(json_object(request))
    row = access.give(accounts.get_person(user_id), asked, actor=request.auth)
    return Status(HTTPStatus.CREATED, _access(row))


@router.delete("/users/{id:user_id}/access/{id:access_id}", response={204: None})
def ungrant(request: ApiRequest, user_id: int, access_id: int) -> Status[None]:
    """Take a role for some jobs away; it holds from the next request on."""
    access.revoke(access_id, actor=request.auth, user=accounts.get_person(user_id))
    return Status(HTTPStatus.NO_CONTENT, None)


@router.get("/roles", response=RoleList)
def roles(request: ApiRequest) -> RoleList:
    """List the roles with what each may."""
    return RoleList(
        items=[
            RoleDocument(name=role, permissions=[one for one in Permission if one in allowed])
            for role, allowed in ROLE_PERMISSIONS.items()
        ]
    )


def _values(row: User) -> dict[str, Any]:
    return {
        "id": row.pk,
        "username": row.get_username(),
        **accounts.shown(row),
        "has_password": row.has_usable_password(),
        "last_login_at": row.last_login,
        "created_at": row.date_joined,
    }


def _detail(row: User) -> UserDetail:
    found = [_access(one) for one in access.listed(user=row)]
    return UserDetail(**_values(row), access=found)


def _access(row: Access) -> AccessDocument:
    room = row.workspace.name if row.workspace else None
    return AccessDocument(id=row.pk, role=row.role, workspace=room, tag=row.tag)
