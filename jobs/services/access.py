"""Roles for some jobs only: given to people, taken away, listed; and where a job may be put."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from django.db.models import QuerySet
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field

from jobs.domain.errors import ForbiddenError, InvalidError, UnknownError
from jobs.domain.permissions import Actor, Permission, Reach, Role, can, require
from jobs.domain.said import said
from jobs.models import Access, Job, Workspace
from jobs.services import audit
from jobs.services.problems import parsed
from jobs.services.wording import check_tag, choice, either, sentence_of
from jobs.services.writing import write_transaction

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class AccessRequest(BaseModel):
    """A role for the jobs of one workspace, or for those with one tag."""

    model_config = ConfigDict(extra="forbid")

    role: Annotated[Role, choice(Role)] = Field(description="Any but administrator.")
    workspace: str = Field("", max_length=200)
    tag: str = Field("", max_length=200)


# An administrator changes people and settings, which belong to no job.
ROLES: Final = (Role.VIEWER, Role.OPERATOR, Role.EDITOR)
_LIMITS: Final = frozenset({"workspaces", "tags"})


def grant(
    user: User,
    role: Role,
    *,
    actor: Actor,
    workspace: Workspace | None = None,
    tag: str = "",
) -> Access:
    """Give a role for the jobs of a workspace, or for those with a tag; one is changed if there is.

    It holds from the person's next request on.
    """
    require(actor, Permission.ADMINISTER)
    if role not in ROLES:
        sentence = said(
            "Role {role} is for everything. Use {allowed}.", role=role, allowed=either(list(ROLES))
        )
        raise InvalidError(sentence, fields={"role": sentence})
    if (workspace is None) == (not tag):
        sentence = said("Name a workspace or a tag, exactly one of them.")
        raise InvalidError(sentence, fields={"workspace": sentence})
    tag = _checked_tag(tag) if tag else ""
    with write_transaction():
        known = Access.objects.filter(user=user, workspace=workspace, tag=tag).first()
        before = None if known is None else shown(known)
        row, _ = Access.objects.update_or_create(
            user=user,
            workspace=workspace,
            tag=tag,
            defaults={
                "role": role.value,
                "created_at": timezone.now(),
                "created_by": actor.name[:200],
            },
        )
        if shown(row) != before:
            audit.record_on(
                row.user,
                row.user.get_username(),
                actor,
                "access.grant",
                before=before,
                after=shown(row),
            )
    return row


def parse_access(data: Mapping[str, Any]) -> AccessRequest:
    """Return the role that ``data`` names; InvalidError names each wrong field."""
    return parsed(AccessRequest, data)


def give(user: User, asked: AccessRequest, *, actor: Actor) -> Access:
    """Give the role that is asked for; InvalidError where there is no such workspace."""
    require(actor, Permission.ADMINISTER)
    room = Workspace.objects.filter(name__iexact=asked.workspace).first()
    if asked.workspace and room is None:
        sentence = said("Workspace {name!r:.120} does not exist.", name=asked.workspace)
        raise InvalidError(sentence, fields={"workspace": sentence})
    return grant(user, asked.role, actor=actor, workspace=room, tag=asked.tag)


def revoke(access_id: int, *, actor: Actor, user: User | None = None) -> Access:
    """Take a role for some jobs away (of ``user``); it holds from the person's next request on."""
    require(actor, Permission.ADMINISTER)
    with write_transaction():
        rows = listed(user=user).select_for_update(of=("self",))
        row = rows.filter(pk=access_id).first()
        if row is None:
            raise UnknownError(said("Access {id} does not exist.", id=access_id))
        audit.record_on(
            row.user, row.user.get_username(), actor, "access.revoke", before=shown(row)
        )
        Access.objects.filter(pk=access_id).delete()
    return row


def listed(*, user: User | None = None, workspace: Workspace | None = None) -> QuerySet[Access]:
    """Return who has a role for some jobs, by name; of one person or one workspace where named."""
    rows = Access.objects.select_related("user", "workspace")
    if user is not None:
        rows = rows.filter(user=user)
    if workspace is not None:
        rows = rows.filter(workspace=workspace)
    return rows.order_by("user__username", "workspace__name", "tag")


def shown(row: Access) -> dict[str, Any]:
    """Return what the audit log and documents say about a row."""
    return {
        "user": row.user.get_username(),
        "role": row.role,
        "workspace": row.workspace.name if row.workspace else None,
        "tag": row.tag,
    }


def limits_of(workspaces: Sequence[str] = (), tags: Sequence[str] = ()) -> dict[str, Any] | None:
    """Return what a token keeps for these names; None for no limit. InvalidError for unknown ones.

    A workspace is kept by its number: another one of the same name, made later, is another room.
    """
    if not workspaces and not tags:
        return None
    rows = {row.name.lower(): row.pk for row in Workspace.objects.all()}
    for name in workspaces:
        if name.lower() not in rows:
            sentence = said("Workspace {name!r:.120} does not exist.", name=name)
            raise InvalidError(sentence, fields={"workspaces": sentence})
    return {
        "workspaces": sorted({rows[name.lower()] for name in workspaces}),
        "tags": sorted({_checked_tag(tag) for tag in tags}),
    }


def names_of(limits: Mapping[str, Any] | None) -> tuple[list[str], list[str]]:
    """Return the workspaces and tags that a token is limited to, by name; two empty lists for none."""
    if limits is None:
        return [], []
    numbers = limits.get("workspaces") or []
    rows = Workspace.objects.filter(pk__in=numbers).order_by("name")
    return list(rows.values_list("name", flat=True)), sorted(limits.get("tags") or [])


def reach_of(limits: object) -> Reach | None:
    """Return what a token is limited to; what cannot be read reaches nothing."""
    if limits is None:
        return None
    if not isinstance(limits, Mapping) or not limits.keys() <= _LIMITS:
        return Reach()
    numbers, tags = limits.get("workspaces") or [], limits.get("tags") or []
    return Reach(
        workspaces=frozenset(one for one in numbers if isinstance(one, int)),
        tags=frozenset(one for one in tags if isinstance(one, str)),
    )


def scopes_of(permissions: object) -> frozenset[Permission] | None:
    """Return the permissions that a token is limited to; None for no limit, unknown ones allow nothing."""
    if permissions is None:
        return None
    named = permissions if isinstance(permissions, list) else []
    return frozenset(Permission(one) for one in named if one in set(Permission))


def require_on(actor: Actor, permission: Permission, job: Job) -> None:
    """Refuse who may not do this to ``job``; to who may not see it, it does not exist."""
    if actor.partial and not can(actor, Permission.READ, job):
        raise UnknownError(said("Job {id} does not exist.", id=job.pk))
    require(actor, permission, job)


def require_on_id(actor: Actor, permission: Permission, job_id: int) -> None:
    """Refuse who may not do this to the job with that number; asks only where rights differ."""
    if not actor.partial:
        require(actor, permission)
        return
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise UnknownError(said("Job {id} does not exist.", id=job_id))
    require_on(actor, permission, job)


def require_place(
    actor: Actor,
    workspace_id: int | None,
    tags: Collection[str],
    *,
    before: Job | None = None,
) -> None:
    """Refuse a job that ``actor`` may not put there, or take away from where it is.

    Who edits the jobs of a tag keeps the tag on them: without it they would be somebody else's.
    """
    if not actor.partial:
        return
    moved = before is None or before.workspace_id != workspace_id
    places = [workspace_id, *([before.workspace_id] if before else [])] if moved else []
    for place in places:
        if place is not None and Permission.EDIT not in actor.permissions_on(place, ()):
            name = _name_of(actor, place)
            raise ForbiddenError(
                said(
                    "You may not put jobs into {place} or take them out of it "
                    "(needs {permission} for the workspace).",
                    place=name,
                    permission=Permission.EDIT,
                )
            )
    if Permission.EDIT not in actor.permissions_on(workspace_id, tags):
        raise ForbiddenError(
            said(
                "You could not edit the job any more. Keep it in a workspace, or give it a tag, for "
                "which you have {permission}.",
                permission=Permission.EDIT,
            )
        )


def _name_of(actor: Actor, workspace_id: int) -> str:
    """Return a workspace in words; its name only to who has any role in it."""
    if not actor.permissions_on(workspace_id, ()):
        return said("that workspace")
    row = Workspace.objects.filter(pk=workspace_id).first()
    return said("that workspace") if row is None else said("workspace {name}", name=row.name)


def _checked_tag(tag: str) -> str:
    try:
        return check_tag(tag)
    except ValueError as error:
        sentence = sentence_of(error)
        raise InvalidError(sentence, fields={"tag": sentence}) from error
