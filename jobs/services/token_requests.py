"""What somebody asks of a new token, judged; and the tokens that people make and revoke."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from django.contrib.auth.models import User
from django.utils import timezone
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from jobs.domain.durations import parse_duration
from jobs.domain.errors import DurationError, ForbiddenError, InvalidError, UnknownError
from jobs.domain.permissions import Actor, Permission, Role, can, require
from jobs.domain.said import said
from jobs.models import Token
from jobs.services import access, people, tokens
from jobs.services.problems import invalid_from
from jobs.services.storable import check_storable
from jobs.services.wording import choice, refuse


def _named(value: str) -> str:
    name = value.strip()
    if not 1 <= len(name) <= 100:
        raise refuse(said("A name is needed. Use 1 to 100 characters."))
    return name


def _moment(value: object) -> object:
    """Take a duration such as ``90d`` for a moment that far away."""
    if isinstance(value, str) and "-" not in value:
        try:
            return timezone.now() + parse_duration(value)
        except (DurationError, OverflowError):
            raise refuse(
                said(
                    "{value!r} is no end. Use a duration such as 90d, or a date and time.",
                    value=value[:40],
                )
            ) from None
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        except ValueError:
            raise refuse(said("{value!r} is no date and time.", value=value[:40])) from None
    return value


class TokenDefinition(BaseModel):
    """A new token, and what narrows it."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(_named)]
    user: str | None = Field(None, description="Whose; null: the caller's. Administrators only.")
    role: Annotated[Role, choice(Role)] | None = Field(
        None, description="At most this role; null: all that the owner may."
    )
    permissions: list[Annotated[Permission, choice(Permission)]] | None = Field(
        None, max_length=20, description="Only these; null: all of the role. Reading is included."
    )
    workspaces: list[str] = Field([], max_length=100, description="Only jobs of these.")
    tags: list[str] = Field([], max_length=100, description="Only jobs with one of these.")
    expires_at: Annotated[AwareDatetime, BeforeValidator(_moment)] | None = Field(
        None, description="A moment, or a duration such as `90d`; null: never."
    )


def parse_token(data: Mapping[str, Any]) -> TokenDefinition:
    """Return what ``data`` asks for; InvalidError names each wrong field."""
    check_storable(dict(data))
    try:
        return TokenDefinition.model_validate(dict(data))
    except ValidationError as error:
        raise invalid_from(error, TokenDefinition) from None


def make(asked: TokenDefinition, *, actor: Actor) -> tuple[Token, str]:
    """Make a token; return it with its value, which is shown once and kept nowhere."""
    user = _owner(asked.user, actor)
    if asked.expires_at is not None and asked.expires_at <= timezone.now():
        sentence = said(
            "{moment} is over. Use a later moment.", moment=asked.expires_at.isoformat()
        )
        raise InvalidError(sentence, fields={"expires_at": sentence})
    return tokens.create(
        user,
        asked.name,
        role=asked.role,
        expires_at=asked.expires_at,
        permissions=asked.permissions,
        limits=access.limits_of(asked.workspaces, asked.tags),
        actor=actor,
    )


def revoke(token_id: int, *, actor: Actor) -> Token:
    """End a token at once; of others only for administrators, to whom alone they exist."""
    token: Token | None = visible(actor).filter(pk=token_id).first()
    if token is None:
        raise UnknownError(said("Token {number} does not exist.", number=token_id))
    if token.user.get_username() == actor.name:
        _require_whole(actor, token.user)
    if token.revoked_at is None:
        tokens.revoke(token, actor=actor)
        token.refresh_from_db()
    return token


def visible(actor: Actor) -> Any:
    """Return the tokens that ``actor`` may see: the own ones, or all."""
    rows = Token.objects.select_related("user")
    return rows if can(actor, Permission.ADMINISTER) else rows.filter(user__username=actor.name)


def _owner(name: str | None, actor: Actor) -> User:
    wanted = actor.name if name is None else name
    if wanted != actor.name:
        require(actor, Permission.ADMINISTER)
    user = User.objects.filter(username=wanted).first()
    if user is None:
        sentence = said("User {wanted!r} does not exist.", wanted=wanted[:80])
        raise InvalidError(sentence, fields={"user": sentence})
    if wanted == actor.name:
        _require_whole(actor, user)
    return user


def _require_whole(actor: Actor, user: User) -> None:
    """Refuse a narrowed token: through a new one it could do all that its owner may."""
    whole = people.actor_of(user)
    mine = (actor.role, actor.grants, actor.scopes, actor.within)
    if mine != (whole.role, whole.grants, whole.scopes, whole.within):
        raise ForbiddenError(
            said(
                "A limited token may not make or revoke tokens. Sign in, or use one without limits."
            )
        )
