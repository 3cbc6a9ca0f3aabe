"""Tokens: the own ones, and for administrators all; made, listed, revoked."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema, Status
from pydantic import BaseModel, Field

from jobs.api.body import json_object
from jobs.api.idempotency import keyed
from jobs.api.openapi import body_of
from jobs.api.requests import ApiRequest, Cursor, Limit, Text
from jobs.domain.errors import UnknownError
from jobs.models import Token
from jobs.queries.people import list_tokens
from jobs.services import access, token_requests

router = Router(tags=["tokens"])


class TokenDocument(BaseModel):
    """A token, without its value."""

    id: int
    user: str
    name: str
    prefix: str = Field(description="The beginning of the value, to tell what was leaked.")
    role: str | None = Field(description="At most this role; null: all that the owner may.")
    permissions: list[str] | None = Field(description="Only these; null: all of the role.")
    workspaces: list[str] = Field(description="Only jobs of these; with no tags either: all.")
    tags: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")
    revoked_at: datetime | None


class NewToken(TokenDocument):
    """A token with its value, which is shown once."""

    value: str | None = Field(description="Null in a repeated answer to an Idempotency-Key.")


class TokenQuery(Schema):
    """Which tokens to list."""

    user: Text = ""
    live: bool | None = Field(None, description="False: revoked or expired ones.")
    cursor: Cursor | None = None
    limit: Limit = 100


class TokenPage(BaseModel):
    """Tokens, newest first."""

    items: list[TokenDocument]
    next_cursor: str | None


@router.get("", response=TokenPage)
def list_(request: ApiRequest, query: Query[TokenQuery]) -> TokenPage:
    """List the caller's tokens; for administrators everybody's."""
    page = list_tokens(
        token_requests.visible(request.auth),
        user=query.user,
        live=query.live,
        now=timezone.now(),
        after=None if query.cursor is None else int(query.cursor),
        limit=query.limit,
    )
    return TokenPage(
        items=[TokenDocument(**_values(row)) for row in page.rows],
        next_cursor=None if page.next_after is None else str(page.next_after),
    )


@router.post("", response={201: NewToken}, openapi_extra=body_of("TokenDefinition"))
@keyed(without=("value",))
def create(request: ApiRequest, response: HttpResponse) -> Status[NewToken]:
    """Make a token; its value is in this answer and nowhere else."""
    asked = token_requests.parse_token(json_object(request))
    made, value = token_requests.make(asked, actor=request.auth)
    response["Location"] = f"{request.path.rstrip('/')}/{made.pk}"
    return Status(HTTPStatus.CREATED, NewToken(**_values(made), value=value))


@router.get("/{id:token_id}", response=TokenDocument)
def read(request: ApiRequest, token_id: int) -> TokenDocument:
    """Return one token."""
    found = token_requests.visible(request.auth).filter(pk=token_id).first()
    if found is None:
        raise UnknownError(f"Token {token_id} does not exist.")
    return TokenDocument(**_values(found))


@router.delete("/{id:token_id}", response=TokenDocument)
def revoke(request: ApiRequest, token_id: int) -> TokenDocument:
    """End a token at once; its row stays readable."""
    return TokenDocument(**_values(token_requests.revoke(token_id, actor=request.auth)))


def _values(row: Token) -> dict[str, object]:
    workspaces, tags = access.names_of(row.limits)
    same = ("name", "prefix", "permissions", "created_at", "expires_at", "last_used_at")
    return {
        "id": row.pk,
        "user": row.user.get_username(),
        "role": row.role or None,
        "workspaces": workspaces,
        "tags": tags,
        "revoked_at": row.revoked_at,
        **{name: getattr(row, name) for name in same},
    }
