"""People and their roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import Group

from jobs.domain.permissions import Actor, Role, lesser

if TYPE_CHECKING:
    from django.contrib.auth.models import User


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
    names = set(user.groups.values_list("name", flat=True))
    return next((role for role in reversed(Role) if role.value in names), None)


def actor_of(user: User, *, address: str = "", limit: Role | None = None) -> Actor:
    """Return the person as an actor; ``limit`` (a token's role) lowers what they may, never more."""
    role = role_of(user)
    if role is not None and limit is not None:
        role = lesser(role, limit)
    return Actor(name=user.get_username(), role=role, address=address)
