"""Workspaces: create, change, disable and delete the rooms in which jobs live.

A disabled workspace holds back its jobs by a freeze of its own, which ends when it is enabled: so the
ledger, the forecast and the explanation tell it as they tell every freeze, with its exact moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from django.db import IntegrityError
from django.utils import timezone
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jobs.domain.errors import ConflictError, DuplicateError, ForbiddenError, InvalidError
from jobs.domain.permissions import Actor, Permission, require, require_everywhere
from jobs.domain.said import said
from jobs.domain.states import FreezeScope
from jobs.models import Freeze, Job, Variable, Workspace
from jobs.models.variable import workspace_scope
from jobs.queries.freezes import open_freezes
from jobs.queries.workspaces import disabled_reason, get_workspace, is_disabling
from jobs.services import audit, freezes, revisions
from jobs.services.freeze_requests import FreezeRequest
from jobs.services.operation_requests import Operations
from jobs.services.problems import parsed
from jobs.services.wording import check_name, some_of
from jobs.services.writing import write_transaction

if TYPE_CHECKING:
    from jobs.services.definitions import JobDefinition

_NAMED_AT_MOST = 3  # jobs that a refusal names


class WorkspaceDefinition(BaseModel):
    """All that a person decides about a workspace."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, AfterValidator(check_name)] = Field(
        description="It stays: addresses, files and runs (`WORKSPACE_ID`) know it."
    )
    description: str = Field("", max_length=10_000)
    enabled: bool = Field(True, strict=True)
    operations: Operations | None = Field(None, description="When and how it is deployed.")


class WorkspaceChanges(BaseModel):
    """What of a workspace can be changed; a field that is not named, or null, stays."""

    model_config = ConfigDict(extra="forbid")

    description: str | None = Field(None, max_length=10_000)
    enabled: bool | None = Field(None, strict=True)
    operations: Operations | None = Field(None, description="All of it; what is left out is gone.")


def parse_workspace(data: Mapping[str, Any]) -> WorkspaceDefinition:
    """Return the workspace that ``data`` holds; InvalidError names each wrong field."""
    return parsed(WorkspaceDefinition, data)


def parse_changes(data: Mapping[str, Any]) -> WorkspaceChanges:
    """Return the changes that ``data`` holds; InvalidError names each wrong field."""
    if "name" in data:
        sentence = said("A workspace keeps its name. Make another one and move the jobs.")
        raise InvalidError(sentence, fields={"name": sentence})
    return parsed(WorkspaceChanges, data)


def create(definition: WorkspaceDefinition, *, actor: Actor) -> Workspace:
    """Create a workspace; jobs are put into it by their definitions."""
    require_everywhere(actor, Permission.EDIT)
    now = timezone.now()
    with write_transaction():
        row = Workspace(
            name=definition.name,
            description=definition.description,
            created_at=now,
            created_by=actor.name[:200],
            updated_at=now,
        )
        if Workspace.objects.filter(name__iexact=definition.name).exists():
            raise _taken(definition.name)
        try:
            with write_transaction():
                row.save(force_insert=True)
        except IntegrityError as error:  # another request took the name at the same moment
            raise _taken(definition.name) from error
        _record(row, actor, "workspace.create", after=shown(row))
        if not definition.enabled:
            _disable(row, actor)
            row.save(update_fields=["enabled"])
        if definition.operations is not None:
            _configure(row, definition.operations, actor)
    return row


def update(
    name: str,
    changes: WorkspaceChanges,
    *,
    actor: Actor,
    expected_version: int | None = None,
) -> Workspace:
    """Change a workspace; a disabled one holds its jobs back until it is enabled.

    What runs goes on. ConflictError when somebody else saved after ``expected_version``.
    """
    with write_transaction():
        found = get_workspace(name, seen_by=actor)
        require_in(actor, Permission.EDIT, found)
        configured_before = found.config
        if changes.operations is not None:
            _configure(found, changes.operations, actor)
        row = locked(name, actor)
        if expected_version not in (None, row.version):
            raise ConflictError(
                said(
                    "Workspace {name} was changed meanwhile: version {version} is current. "
                    "Load it and repeat your change.",
                    name=row.name,
                    version=row.version,
                )
            )
        before = {**shown(row), "operations": configured_before}
        if changes.description is not None:
            row.description = changes.description
        if changes.enabled is False and row.enabled:
            _disable(row, actor)
        if changes.enabled and not row.enabled:
            _enable(row, actor)
        after = shown(row)
        if after != before:
            row.version += 1
            row.updated_at = timezone.now()
            row.save()
            _record(
                row,
                actor,
                "workspace.update",
                before={key: value for key, value in before.items() if after[key] != value},
                after={key: value for key, value in after.items() if before[key] != value},
            )
    return row


def delete(name: str, *, actor: Actor) -> Workspace:
    """Delete a workspace in which no job lives, with its variables and the roles in it.

    The jobs that were deleted in it keep their history, outside any workspace.
    """
    with write_transaction():
        row = locked(name, actor)
        require_everywhere(actor, Permission.DELETE)
        _give_up(row, actor)
        names = row.jobs.filter(deleted_at=None).order_by("name").values_list("name", flat=True)
        if names:
            raise ConflictError(
                said(
                    "In workspace {name} live {jobs}. Move or delete them first.",
                    name=row.name,
                    jobs=some_of(list(names), _NAMED_AT_MOST),
                )
            )
        Job.objects.filter(workspace=row).update(workspace=None)
        Variable.objects.filter(scope=workspace_scope(row.pk)).delete()
        for freeze in _freezes_of(row):
            freezes.end(freeze, actor=actor)
        _record(row, actor, "workspace.delete", before=shown(row))
        Workspace.objects.filter(pk=row.pk).delete()
    return row


def resolve(
    definition: JobDefinition, actor: Actor, *, stays: int | None = None
) -> Workspace | None:
    """Return the workspace that a definition names, and write its name as it is stored.

    To who has no role in it, it does not exist, unless the job ``stays`` in it.
    """
    if definition.workspace is None:
        return None
    row = Workspace.objects.filter(name__iexact=definition.workspace).first()
    known = row is not None and (
        actor.sees_all or row.pk == stays or bool(actor.permissions_on(row.pk, ()))
    )
    if row is None or not known:
        sentence = said(
            "{name!r} does not exist. Use null for a standalone job, or create it.",
            name=definition.workspace,
        )
        raise InvalidError(
            said("Workspace {sentence}", sentence=sentence), fields={"workspace": sentence}
        )
    definition.workspace = row.name
    return row


def require_in(actor: Actor, permission: Permission, row: Workspace) -> None:
    """Refuse who may not do this to all jobs of a workspace."""
    if not actor.partial:
        require(actor, permission)
    elif permission not in actor.permissions_on(row.pk, ()):
        raise ForbiddenError(
            said(
                "You may not do this in workspace {name} (needs {permission}).",
                name=row.name,
                permission=permission,
            )
        )


def locked(name: str, actor: Actor) -> Workspace:
    """Return the workspace with its row locked; UnknownError for one that may not be seen."""
    found = get_workspace(name, seen_by=actor)
    return Workspace.objects.select_for_update().get(pk=found.pk)


def shown(row: Workspace) -> dict[str, Any]:
    """Return what a person decides about a workspace."""
    return {
        "name": row.name,
        "description": row.description,
        "enabled": row.enabled,
        "operations": row.config,
    }


def _configure(row: Workspace, operations: Operations, actor: Actor) -> None:
    # Not at the top: its jobs are made by the service that looks workspaces up here.
    from jobs.services import workspace_operations

    workspace_operations.configure(row, operations, actor=actor)


def _give_up(row: Workspace, actor: Actor) -> None:
    from jobs.services import workspace_operations

    workspace_operations.give_up(row, actor=actor)


def _disable(row: Workspace, actor: Actor) -> None:
    row.enabled = False
    request = FreezeRequest(
        scope=FreezeScope.WORKSPACE, target=row.name, reason=disabled_reason(row.name)
    )
    freezes.hold(request, actor=actor)


def _enable(row: Workspace, actor: Actor) -> None:
    row.enabled = True
    for freeze in filter(is_disabling, _freezes_of(row)):
        freezes.end(freeze, actor=actor)


def _freezes_of(row: Workspace) -> list[Freeze]:
    """Return the freezes of a workspace that hold, or that are planned."""
    return [
        one
        for one in open_freezes(timezone.now())
        if one.scope == FreezeScope.WORKSPACE and one.target == row.name
    ]


def _taken(name: str) -> DuplicateError:
    sentence = said("A workspace named {name} exists already. Choose another name.", name=name)
    return DuplicateError(sentence, fields={"name": sentence})


def _record(row: Workspace, actor: Actor, action: str, **facts: Unpack[audit.Facts]) -> None:
    audit.record_on(row, row.name, actor, action, **facts)
    revisions.bump("jobs")
