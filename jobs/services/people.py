"""People and their roles."""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth.models import Group, User

from jobs.domain.errors import UnknownError
from jobs.domain.permissions import (
    ROLE_PERMISSIONS,
    Actor,
    Grant,
    Permission,
    Reach,
    Role,
    lesser,
)
from jobs.domain.said import said
from jobs.queries.readers import rights_of


def ensure_roles() -> None:
    """Create the group of each role where it is missing."""
    for role in Role:
        Group.objects.get_or_create(name=role.value)


def role_of(user: User) -> Role | None:
    """Return the highest role of a person; None when nobody gave one."""
    if not user.is_active:
        return None
    if user.is_superuser:
        return Role.ADMINISTRATOR
    names = {group.name for group in user.groups.all()}  # a list has them fetched already
    return next((role for role in reversed(Role) if role.value in names), None)


def person_of(actor: Actor) -> User:
    """Return the person who acts, or whose token does; UnknownError where it is none."""
    user = User.objects.filter(username=actor.name).first()
    if user is None:
        raise UnknownError(
            said(
                "{name} is no person of this installation, and only people have that. Use "
                "the token of a person.",
                name=actor.name,
            )
        )
    return user


def actor_of(
    user: User,
    *,
    address: str = "",
    limit: Role | None = None,
    scopes: frozenset[Permission] | None = None,
    within: Reach | None = None,
) -> Actor:
    """Return the person as an actor; the limits (a token's) lower what they may, never more."""
    role, grants = _rights_of(user)
    if limit is not None:
        role = role and lesser(role, limit)
        grants = [replace(one, role=lesser(one.role, limit)) for one in grants]
    own = ROLE_PERMISSIONS[role] if role else frozenset()
    return Actor(
        name=user.get_username(),
        role=role,
        address=address,
        grants=tuple(one for one in grants if ROLE_PERMISSIONS[one.role] - own),
        scopes=scopes,
        within=within,
    )


def _rights_of(user: User) -> tuple[Role | None, list[Grant]]:
    """Return the role for everything and those for some jobs; one query at most."""
    if not user.is_active:
        return None, []
    if user.is_superuser:
        return Role.ADMINISTRATOR, []
    rows = [row for row in rights_of(user) if row[0] in set(Role)]
    everywhere = {role for role, workspace_id, tag in rows if workspace_id is None and not tag}
    return (
        next((role for role in reversed(Role) if role.value in everywhere), None),
        [
            Grant(role=Role(role), workspace_id=workspace_id, tag=tag)
            for role, workspace_id, tag in rows
            if workspace_id is not None or tag
        ],
    )
