"""Who may do what: permissions, the four roles, and one question for every face.

A role holds for everything, or by a grant for the jobs of one workspace or with one tag. A token can
narrow both: to some permissions, and to some workspaces and tags. It never widens them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from jobs.domain.errors import ForbiddenError
from jobs.domain.said import said


class Permission(StrEnum):
    """What can be allowed; the first two names are those of the scheduled-jobs seed."""

    READ = "scheduled_job.read"
    EXECUTE = "scheduled_job.execute"  # run now, kill
    PAUSE = "scheduled_job.pause"  # pause and resume
    EDIT = "scheduled_job.edit"  # create and edit: it is code execution on the host
    DELETE = "scheduled_job.delete"
    AUDIT = "audit.read"
    METRICS = "metrics.read"  # what Prometheus reads; names no job
    ADMINISTER = "administer"  # people, roles, tokens of others, settings


class Role(StrEnum):
    """The roles, each with what the one before may, and more."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    EDITOR = "editor"
    ADMINISTRATOR = "administrator"


_NONE: frozenset[Permission] = frozenset()
_VIEWER = frozenset({Permission.READ, Permission.METRICS})
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
    Permission.READ: said("see jobs"),
    Permission.EXECUTE: said("run or kill jobs"),
    Permission.PAUSE: said("pause or resume jobs"),
    Permission.EDIT: said("create or edit jobs"),
    Permission.DELETE: said("delete jobs"),
    Permission.AUDIT: said("read the audit log"),
    Permission.METRICS: said("read the metrics"),
    Permission.ADMINISTER: said("change people, tokens or settings"),
}


class Placed(Protocol):
    """A job, as far as rights go: where it stands, and which tags it carries."""

    @property
    def workspace_id(self) -> int | None:
        """Return the number of its workspace; None for a job that stands alone."""

    @property
    def tags(self) -> Collection[str]:
        """Return its tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The jobs of some workspaces, and those with some tags."""

    workspaces: frozenset[int] = frozenset()
    tags: frozenset[str] = frozenset()

    def holds(self, workspace_id: int | None, tags: Collection[str]) -> bool:
        """Say whether a job that stands there and carries these tags is among them."""
        return workspace_id in self.workspaces or not self.tags.isdisjoint(tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role for the jobs of one workspace, or for those with one tag."""

    role: Role
    workspace_id: int | None = None
    tag: str = ""

    def holds(self, workspace_id: int | None, tags: Collection[str]) -> bool:
        """Say whether it holds for a job that stands there and carries these tags."""
        if self.workspace_id is not None:
            return workspace_id == self.workspace_id
        return self.tag in tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Whoever acts: a person in a browser, a token, a command on the host, or the product."""

    name: str
    role: Role | None  # for everything; None: nobody gave one, or only for some jobs
    address: str = ""
    # Roles for some jobs; those that add nothing to the role for everything are left out.
    grants: tuple[Grant, ...] = ()
    # What a token is limited to; None is no limit.
    within: Reach | None = None
    scopes: frozenset[Permission] | None = None
    # What is allowed on the one job that a request is about (see `queries.sight`).
    here: frozenset[Permission] | None = None

    @property
    def partial(self) -> bool:
        """Say whether rights differ from job to job."""
        return bool(self.grants) or self.within is not None

    @property
    def sees_all(self) -> bool:
        """Say whether every job may be seen."""
        return self.role is not None and self.within is None

    @property
    def permissions(self) -> frozenset[Permission]:
        """Return what is allowed everywhere, or on the one job that a request is about."""
        if self.here is not None:
            return self.here
        return self._scoped(ROLE_PERMISSIONS[self.role] if self.role and self.sees_all else _NONE)

    def may(self, permission: Permission) -> bool:
        """Say whether ``permission`` is among them."""
        return permission in self.permissions

    def permissions_on(
        self, workspace_id: int | None, tags: Collection[str]
    ) -> frozenset[Permission]:
        """Return what is allowed on a job that stands there and carries these tags."""
        if self.within is not None and not self.within.holds(workspace_id, tags):
            return _NONE
        allowed = ROLE_PERMISSIONS[self.role] if self.role else _NONE
        for grant in self.grants:
            if grant.holds(workspace_id, tags):
                allowed |= ROLE_PERMISSIONS[grant.role]
        return self._scoped(allowed)

    def can_somewhere(self, permission: Permission) -> bool:
        """Say whether ``permission`` is allowed on any job that there may be."""
        roles = [*filter(None, [self.role]), *(grant.role for grant in self.grants)]
        return any(permission in self._scoped(ROLE_PERMISSIONS[role]) for role in roles)

    def _scoped(self, allowed: frozenset[Permission]) -> frozenset[Permission]:
        return allowed if self.scopes is None else allowed & self.scopes


SYSTEM = Actor(name="system", role=Role.ADMINISTRATOR)


def can(actor: Actor, permission: Permission, job: Placed | None = None) -> bool:
    """Say whether ``actor`` may do what ``permission`` names, to ``job`` or else everywhere."""
    if job is None or not actor.partial:
        return permission in actor.permissions
    return permission in actor.permissions_on(job.workspace_id, job.tags)


def require(actor: Actor, permission: Permission, job: Placed | None = None) -> None:
    """Raise ForbiddenError with a sentence for the person unless ``actor`` may."""
    if can(actor, permission, job):
        return
    raise ForbiddenError(
        _refusal(actor, permission, here=job is not None or actor.here is not None)
    )


def _refusal(actor: Actor, permission: Permission, *, here: bool) -> str:
    values = {"deed": _DEEDS[permission], "permission": permission}
    if actor.scopes is not None and permission not in actor.scopes:
        return said("This token may not {deed} (needs {permission}).", **values)
    if actor.partial and here:
        return said("You may not {deed} here (needs {permission}).", **values)
    if actor.partial:
        return said("You may not {deed} outside your own jobs (needs {permission}).", **values)
    if actor.role:
        return said(
            "Your role, {role}, may not {deed} (needs {permission}).", role=actor.role, **values
        )
    return said("Your account has no role and may not {deed} (needs {permission}).", **values)


def require_everywhere(actor: Actor, permission: Permission) -> None:
    """Raise ForbiddenError unless ``actor`` may also what is not about one job."""
    require(replace(actor, here=None) if actor.here is not None else actor, permission)


def require_somewhere(actor: Actor, permission: Permission) -> None:
    """Raise ForbiddenError unless there is any job on which ``actor`` may; each is asked again."""
    if not (actor.partial and actor.can_somewhere(permission)):
        require(actor, permission)


def lesser(first: Role, second: Role) -> Role:
    """Return the role of the two that may do less."""
    order = list(Role)
    return min(first, second, key=order.index)
