"""Who may do what: permissions, the four roles, and one question for every face."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jobs.domain.errors import ForbiddenError


class Permission(StrEnum):
    """What can be allowed; the first two names are those of the scheduled-jobs seed."""

    READ = "scheduled_job.read"
    EXECUTE = "scheduled_job.execute"  # run now, kill
    PAUSE = "scheduled_job.pause"  # pause and resume
    EDIT = "scheduled_job.edit"  # create and edit: it is code execution on the host
    DELETE = "scheduled_job.delete"
    AUDIT = "audit.read"
    ADMINISTER = "administer"  # people, roles, tokens of others, settings


class Role(StrEnum):
    """The roles, each with what the one before may, and more."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"


_VIEWER = frozenset({Permission.READ})
_OPERATOR = _VIEWER | {Permission.EXECUTE, Permission.PAUSE}
_EDITOR = _OPERATOR | {Permission.EDIT, Permission.DELETE}
ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.EDITOR: _EDITOR,
    Role.ADMINISTRATOR: frozenset(Permission),
}
# What the refusal says after "may not".
_DEEDS: dict[Permission, str] = {
    Permission.READ: "see jobs",
    Permission.EXECUTE: "run or kill jobs",
    Permission.PAUSE: "pause or resume jobs",
    Permission.EDIT: "create or edit jobs",
    Permission.DELETE: "delete jobs",
    Permission.AUDIT: "read the audit log",
    Permission.ADMINISTER: "change people, tokens or settings",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever acts: a person in a browser, a token, a command on the host, or the product."""

    name: str
    role: Role | None  # None: signed in, but nobody gave a role yet
    address: str = ""

    @property
    def permissions(self) -> frozenset[Permission]:
        """Return all that the role allows."""
        return ROLE_PERMISSIONS[self.role] if self.role else frozenset()


SYSTEM = Actor(name="system", role=Role.ADMINISTRATOR)


def can(actor: Actor, permission: Permission) -> bool:
    """Say whether ``actor`` may do what ``permission`` names."""
    return permission in actor.permissions


def require(actor: Actor, permission: Permission) -> None:
    """Raise ForbiddenError with a sentence for the person unless ``actor`` may."""
    if can(actor, permission):
        return
    who = f"Your role, {actor.role}," if actor.role else "Your account has no role and"
    raise ForbiddenError(f"{who} may not {_DEEDS[permission]} (needs {permission}).")


def lesser(first: Role, second: Role) -> Role:
    """Return the role of the two that may do less."""
    order = list(Role)
    return min(first, second, key=order.index)
