"""API tokens: made, recognised, revoked."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from jobs.domain.errors import DuplicateError, ForbiddenError, InvalidError
from jobs.domain.permissions import SYSTEM, Actor, Permission, Role, can
from jobs.domain.said import said
from jobs.models import Token
from jobs.services import audit
from jobs.services.people import role_of

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PREFIX = "jd_"  # lets a secret scanner and a person recognise what was leaked
SHOWN = 11  # how much of the value stays readable in lists
USED_EVERY = timedelta(minutes=1)  # so that a busy script costs one write a minute, not one a call


def create(
    user: User,
    name: str,
    *,
    role: Role | None = None,
    expires_at: datetime | None = None,
    permissions: Collection[Permission] | None = None,
    limits: Mapping[str, Any] | None = None,
    actor: Actor = SYSTEM,
) -> tuple[Token, str]:
    """Make a token and return it with its value, which is kept nowhere and shown once.

    ``permissions`` and ``limits`` (of `access.limits_of`) narrow what its owner may; reading is
    always part of it: every answer shows what was acted on.
    """
    if actor.name != user.get_username() and not can(actor, Permission.ADMINISTER):
        raise ForbiddenError(said("Only an administrator may make tokens for other people."))
    own = role_of(user)
    if role is not None and own is not None and list(Role).index(role) > list(Role).index(own):
        raise InvalidError(
            said(
                "Role {role} is above the role of {user}, {own}. Use {own} or less.",
                role=role,
                user=user.get_username(),
                own=own,
            )
        )
    value = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        user=user,
        name=name,
        prefix=value[:SHOWN],
        digest=_digest(value, settings.SECRET_KEY),
        role=role.value if role else "",
        permissions=None if permissions is None else _scopes(permissions),
        limits=None if limits is None else dict(limits),
        created_at=timezone.now(),
        expires_at=expires_at,
    )
    try:
        with transaction.atomic():
            token.save(force_insert=True)
            audit.record(
                actor,
                "token.create",
                object_type="token",
                object_id=token.pk,
                object_name=name,
                after={
                    "user": user.get_username(),
                    "role": token.role,
                    "prefix": token.prefix,
                    "permissions": token.permissions,
                    "limits": token.limits,
                },
            )
    except IntegrityError as error:
        raise DuplicateError(
            said(
                "{user} has a token named {name} already. Choose another name.",
                user=user.get_username(),
                name=name,
            )
        ) from error
    return token, value


def _scopes(permissions: Collection[Permission]) -> list[str]:
    wanted = set(permissions)
    if wanted != {Permission.METRICS}:  # what Prometheus holds shows no job
        wanted.add(Permission.READ)
    return [one.value for one in Permission if one in wanted]


def authenticate(value: str) -> Token | None:
    """Return the token that ``value`` is, unless it is unknown, revoked, expired or ownerless."""
    now = timezone.now()
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    token = (
        Token.objects.select_related("user")
        .filter(digest__in=[_digest(value, key) for key in keys], revoked_at=None)
        .first()
    )
    if token is None or not token.user.is_active:
        return None
    if token.expires_at is not None and token.expires_at <= now:
        return None
    if token.last_used_at is None or now - token.last_used_at > USED_EVERY:
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def revoke(token: Token, *, actor: Actor) -> None:
    """End a token at once."""
    if actor.name != token.user.get_username() and not can(actor, Permission.ADMINISTER):
        raise ForbiddenError(said("Only an administrator may revoke other people's tokens."))
    with transaction.atomic():
        Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
        audit.record(
            actor,
            "token.revoke",
            object_type="token",
            object_id=token.pk,
            object_name=token.name,
        )


def _digest(value: str, key: str) -> str:
    """Return a keyed digest: the database alone does not tell whether a guess is right."""
    return salted_hmac("jobdeck.token", value, secret=key, algorithm="sha256").hexdigest()
