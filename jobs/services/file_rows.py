"""What is kept of a configuration file: its row, and what it says of its jobs and its workspace."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from jobs.domain.permissions import Actor, Role
from jobs.importers.seedfiles import WorkspaceFile
from jobs.models import ConfigFile, FileWorkspace, Workspace
from jobs.services import workspace_operations, workspaces
from jobs.services.definitions import JobDefinition
from jobs.services.file_sources import Content, Found
from jobs.services.operation_requests import Operations
from jobs.services.problems import parsed
from jobs.services.provenance import commit_now
from jobs.services.workspaces import WorkspaceDefinition

# No person can have this name: user names hold no blanks.
FILES: Final = Actor(name="the configuration files", role=Role.ADMINISTRATOR)
ENABLED: Final = "enabled"  # kept beside the fields of a definition


def mark_of(found: Found) -> str:
    """Return what tells a file that stands for a configured workspace from one that does not."""
    return "+" if found.configured else "-"


def described(told: WorkspaceFile) -> WorkspaceDefinition:
    """Return the definition of a file's workspace."""
    given = {"name": told.name, "description": told.description, ENABLED: told.enabled}
    return parsed(WorkspaceDefinition, given)


def new_workspace(told: WorkspaceFile, operations: Operations, file: ConfigFile) -> Workspace:
    """Make the workspace that a new file defines."""
    room = workspaces.create(described(told), actor=FILES)
    workspace_operations.keep_decision(room, operations)
    FileWorkspace.objects.create(workspace=room, file=file, definition=room_says(told, operations))
    return room


def job_says(definition: JobDefinition, *, enabled: bool) -> dict[str, Any]:
    """Return what a file says of a job, as it is kept to tell later what a person changed."""
    return {**definition.model_dump(mode="json"), ENABLED: enabled}


def room_says(told: WorkspaceFile, operations: Operations) -> dict[str, Any]:
    """Return what a file says of its workspace, as it is kept likewise."""
    return {
        "description": told.description,
        ENABLED: told.enabled,
        "operations": operations.model_dump(mode="json", exclude_defaults=True),
    }


def row_of(content: Content, now: datetime) -> ConfigFile:
    """Return the row of a file that has just been applied, not stored yet."""
    found = content.found
    return ConfigFile(
        path=found.path,
        size=found.size,
        changed_ns=found.changed_ns,
        fingerprint=content.fingerprint[:63] + mark_of(found),
        commit=commit_now(),
        applied_at=now,
        looked_at=now,
    )
