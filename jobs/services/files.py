"""Files as truth: bring jobs and workspaces in line with the configuration directory.

Each file is one transaction: one that is broken changes nothing and is named with line and reason.
What a person changed wins over the file until the file is given back its say, and is shown. What a
file no longer names is paused, and deleted only on request.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from django.db import DatabaseError, DataError
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from jobs import conf
from jobs.domain.errors import JobdeckError, StateError
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.domain.states import JobState
from jobs.importers.seedfiles import FileDefinition, WorkspaceFile
from jobs.models import ConfigFile, ConfigPull, FileJob, FileWorkspace, Job, Workspace
from jobs.services import (
    checkouts,
    dependency_edits,
    file_sources,
    revisions,
    workspace_operations,
    workspaces,
)
from jobs.services import jobs as job_services
from jobs.services.checkouts import Stamp
from jobs.services.definitions import JobDefinition, parse_definition
from jobs.services.file_rows import ENABLED, FILES, described, job_says, mark_of, room_says, row_of
from jobs.services.file_sources import Content, FaultError, Found
from jobs.services.files_together import create_together
from jobs.services.operation_requests import Operations
from jobs.services.problems import parsed
from jobs.services.provenance import from_commit
from jobs.services.stored_definitions import definition_of
from jobs.services.workspaces import WorkspaceChanges
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.files")

_GONE: Final = "is gone from the configuration directory"


@dataclass(slots=True)
class Outcome:
    """What came of a look at the directory: paths of files, names of jobs."""

    applied: list[str] = field(default_factory=list)
    unchanged: int = 0
    broken: dict[str, str] = field(default_factory=dict)  # path -> place and reason
    gone: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Say whether anything was done."""
        return bool(self.applied or self.broken or self.gone or self.pruned)


def apply(root: Path | None = None, *, prune: bool = False) -> Outcome:
    """Bring everything in line with the files; those that have not changed are not even read."""
    root = root or conf.config_dir()
    if root is None or not root.is_dir():
        return Outcome()
    with checkouts.standing_still(root):
        return _apply(root, prune=prune)


def pull(*, actor: Actor) -> tuple[ConfigPull, Outcome]:
    """Bring the checkout of the configuration directory forward, and apply what that changed."""
    row = checkouts.pull(actor=actor)
    return row, apply()


def _apply(root: Path, *, prune: bool) -> Outcome:
    outcome = Outcome()
    now = timezone.now()
    known = {one.path: one for one in ConfigFile.objects.all()}
    found = [_as_known(one, known) for one in file_sources.files_in(root)]
    if file_sources.is_away(root) and any(one.present for one in known.values()):
        # An unmounted directory is no order to stop everything.
        log.warning("%s holds neither jobs nor workspaces: nothing is changed.", root)
        return outcome
    changed = [one for one in found if not _is_known(one, known.get(one.path))]
    outcome.unchanged = len(found) - len(changed)
    stamp = checkouts.stamp_of(root) if changed else Stamp()
    fresh = [one for one in changed if one.path not in known]
    made = create_together(fresh, stamp=stamp, now=now)
    outcome.applied += sorted(made)
    for one in changed:
        if one.path not in made:
            with from_commit(stamp.of(one.path)):
                _apply_one(one, outcome, now)
    present = {one.path for one in found}
    for path in sorted(set(known) - present):
        _let_go(known[path], outcome, now)
    if prune:
        _prune(outcome)
    if outcome.changed:
        revisions.bump("jobs")
    return outcome


def _as_known(found: Found, known: Mapping[str, ConfigFile]) -> Found:
    """Return what lies in a directory that may not be read under the name it had when it might be."""
    if found.closed:
        folder = found.path.rpartition("/")[0]
        names = [f"{folder}/{one}" for one in file_sources.CONFIGS]
        found.path = next((one for one in names if one in known), found.path)
    return found


def _is_known(found: Found, row: ConfigFile | None) -> bool:
    """Say whether a file is as it was when it was last looked at."""
    return (
        row is not None
        and row.present
        and (row.size, row.changed_ns) == (found.size, found.changed_ns)
        and row.fingerprint.endswith(mark_of(found))
    )


# --- One file -------------------------------------------------------------------------------------


def _apply_one(found: Found, outcome: Outcome, now: datetime) -> None:
    """Apply one file in a transaction of its own; a fault undoes it and is kept on its row."""
    content: Content | None = None
    try:
        content = file_sources.read(found)
        with write_transaction():
            row = _locked(found, now)
            fresh = row_of(content, now)
            if row.present and row.fingerprint == fresh.fingerprint:
                # Touched, or applied by another dispatcher in this very moment.
                _note(row, found, now, applied=False)
                outcome.unchanged += 1
                return
            file_sources.understand(content)
            _lock(content, row)
            warnings = _carry_out(content, row)
            row.fingerprint, row.commit = fresh.fingerprint, fresh.commit
            row.fault, row.line, row.warnings = "", None, warnings
            _note(row, found, now, applied=True)
        outcome.applied.append(found.path)
        for one in warnings:
            log.warning("%s: %s", found.path, one)
    except FaultError as error:
        _keep_fault(found, content, error, outcome, now)
    except JobdeckError as error:
        _keep_fault(found, content, FaultError(error.message), outcome, now)
    except Exception as error:
        if isinstance(error, DatabaseError) and not isinstance(error, DataError):
            raise
        # One file that Jobdeck itself stumbles over must not keep all others from being applied.
        log.exception("%s could not be applied", found.path)
        _keep_fault(found, content, FaultError(f"It could not be applied: {error}"), outcome, now)


def _locked(found: Found, now: datetime) -> ConfigFile:
    row, _made = ConfigFile.objects.get_or_create(path=found.path, defaults={"looked_at": now})
    return ConfigFile.objects.select_for_update().get(pk=row.pk)


def _lock(content: Content, row: ConfigFile) -> None:
    """Lock every job that the file is about, before its workspace, as endings and edits do."""
    names: set[str] = set()
    for one in content.definitions:
        names.add(str(one.values.get("name")).lower())
        names |= dependency_edits.asked_names(one.values.get("depends_on"))
    meant = Q(lowered__in=names) | Q(pk__in=row.jobs.values("job"))
    if content.workspace is not None:
        meant |= Q(workspace__name__iexact=content.workspace.name)
    dependency_edits.lock_many(Job.objects.present().alias(lowered=Lower("name")).filter(meant))


def _lock_jobs_of(row: ConfigFile) -> None:
    """Lock the jobs that a file which is gone defined, and those of its workspaces."""
    rooms = row.workspaces.values("workspace")
    meant = Q(pk__in=row.jobs.values("job")) | Q(workspace__in=rooms)
    dependency_edits.lock_many(Job.objects.present().filter(meant))


def _note(row: ConfigFile, found: Found, now: datetime, *, applied: bool) -> None:
    row.size, row.changed_ns, row.present = found.size, found.changed_ns, True
    row.looked_at = now
    row.applied_at = now if applied else row.applied_at
    row.save()


def _keep_fault(
    found: Found, content: Content | None, fault: FaultError, outcome: Outcome, now: datetime
) -> None:
    where = found.path if fault.line is None else f"{found.path}:{fault.line}"
    outcome.broken[found.path] = f"{where}: {fault.reason}"
    log.warning("%s: %s. The file changes nothing.", where, fault.reason.rstrip("."))
    with write_transaction():
        row = _locked(found, now)
        row.fault, row.line = fault.reason, fault.line
        fingerprint = content.fingerprint if content is not None else ""
        row.fingerprint = fingerprint[:63] + mark_of(found)
        _note(row, found, now, applied=False)


def _carry_out(content: Content, row: ConfigFile) -> list[str]:
    """Make what the file says; return what it says in vain."""
    warnings: list[str] = []
    workspace = None
    if content.workspace is not None:
        warnings += content.workspace.warnings
        workspace = _workspace(content.workspace, row, keep=content.found.configured)
    kept: set[int] = set()
    for number in _in_order(content.definitions):
        one = content.definitions[number]
        if workspace is not None:
            one.values["workspace"] = workspace.name
        try:
            kept.add(_job(one, row).pk)
        except JobdeckError as error:
            raise file_sources.fault_at(content, number, error) from error
        warnings += [f"{one.values.get('name')}: {text}" for text in one.warnings]
    for left in row.jobs.exclude(job__in=kept).select_related("job"):
        _stop(left.job, row.path, f"{left.job.name} is no longer in {row.path}")
    return warnings


def _in_order(definitions: Sequence[FileDefinition]) -> list[int]:
    """Return the jobs of a file so that what one waits for is made before it."""
    by_name = {str(one.values.get("name")).lower(): n for n, one in enumerate(definitions)}
    done: dict[int, None] = {}

    def visit(number: int, above: frozenset[int]) -> None:
        for asked in definitions[number].values.get("depends_on") or []:
            name = asked.get("job") if isinstance(asked, dict) else asked
            upstream = by_name.get(str(name).rpartition("/")[2].lower())
            if upstream is not None and upstream not in above:
                visit(upstream, above | {upstream})
        done.setdefault(number)

    for number in range(len(definitions)):
        visit(number, frozenset({number}))
    return list(done)


# --- One job --------------------------------------------------------------------------------------


def _job(one: FileDefinition, row: ConfigFile) -> Job:
    """Make or change the job that a file names; what a person changed stays."""
    definition = parse_definition(one.values)
    says = job_says(definition, enabled=one.enabled)
    job = _named(definition)
    if job is None:
        job = job_services.create(definition, actor=FILES, paused=not one.enabled)
        FileJob.objects.create(job=job, file=row, definition=says)
        return job
    known = FileJob.objects.filter(job=job).select_related("file").first()
    if known is not None and known.file_id != row.pk and known.file.present:
        raise FaultError(f"Job {job.name} is also defined by {known.file.path}.")
    stated = known.definition if known is not None else None
    present = definition_of(job)
    changes = {
        name: value
        for name, value in definition.model_dump(mode="json").items()
        if name not in ("name", "workspace")
        and present.get(name) != value
        and (stated is None or present.get(name) == stated.get(name, value))
    }
    if changes:
        job = job_services.update(job.pk, changes, actor=FILES)
    _follow_state(job, one.enabled, stated, row)
    FileJob.objects.update_or_create(job=job, defaults={"file": row, "definition": says})
    return job


def _named(definition: JobDefinition) -> Job | None:
    rows = Job.objects.present().filter(name__iexact=definition.name)
    if definition.workspace is None:
        return rows.filter(workspace=None).first()
    return rows.filter(workspace__name__iexact=definition.workspace).first()


def _follow_state(job: Job, enabled: bool, stated: dict[str, Any] | None, row: ConfigFile) -> None:
    """Pause or resume a job where the file says so anew; a changed file mends an auto-disabled one."""
    before = stated.get(ENABLED) if stated is not None else None
    ours = job.state_changed_by == FILES.name
    if job.state == JobState.ACTIVE and not enabled and before is not False:
        job_services.pause(job.pk, actor=FILES, reason=f"enabled is false in {row.path}")
    elif (job.state == JobState.AUTO_DISABLED and enabled) or (
        job.state == JobState.PAUSED and enabled and (ours or before is False)
    ):
        job_services.resume(job.pk, actor=FILES)


def overrides_of(job: Job) -> list[str]:
    """Return the fields in which a job differs from what its file says; empty without a file."""
    known = FileJob.objects.filter(job=job).first()
    if known is None:
        return []
    present = definition_of(job)
    return sorted(
        name
        for name, value in known.definition.items()
        if name != ENABLED and name in present and present[name] != value
    )


def give_back(job_id: int, *, actor: Actor) -> Job:
    """Give up what people changed of a job that a file defines."""
    known = FileJob.objects.filter(job=job_id).first()
    if known is None:
        raise StateError(
            said("Job {id} is defined by no file: there is nothing to give it back to.", id=job_id)
        )
    stated = {n: v for n, v in known.definition.items() if n not in (ENABLED, "workspace", "name")}
    return job_services.update(job_id, stated, actor=actor)


# --- One workspace --------------------------------------------------------------------------------


def _workspace(told: WorkspaceFile, row: ConfigFile, *, keep: bool) -> Workspace:
    """Make or change the workspace of a file."""
    operations = parsed(Operations, told.operations)
    says = room_says(told, operations)
    found = Workspace.objects.filter(name__iexact=told.name).first()
    if found is None:
        found = workspaces.create(described(told), actor=FILES)
        stated: dict[str, Any] = {}
    else:
        known = FileWorkspace.objects.filter(workspace=found).first()
        stated = known.definition if known else {}
        _change_workspace(found, says, stated)
    if not stated or found.config == stated.get("operations", found.config):
        workspace_operations.configure(found, operations, actor=FILES, keep=keep)
    FileWorkspace.objects.update_or_create(
        workspace=found, defaults={"file": row, "definition": says}
    )
    return Workspace.objects.get(pk=found.pk)


def _change_workspace(found: Workspace, says: dict[str, Any], stated: dict[str, Any]) -> None:
    present = {"description": found.description, ENABLED: found.enabled}
    changes = {
        name: says[name]
        for name, value in present.items()
        if value != says[name] and value == stated.get(name, value)
    }
    if changes:
        workspaces.update(found.name, parsed(WorkspaceChanges, changes), actor=FILES)


# --- What is gone ---------------------------------------------------------------------------------


def _let_go(row: ConfigFile, outcome: Outcome, now: datetime) -> None:
    """Stop what a removed file defined; it is deleted only on request."""
    if not row.present:
        return
    with write_transaction():
        row = ConfigFile.objects.select_for_update().get(pk=row.pk)
        _lock_jobs_of(row)
        for one in row.jobs.select_related("job"):
            _stop(one.job, row.path, f"{row.path} {_GONE}")
        for room in row.workspaces.select_related("workspace"):
            if room.workspace.enabled:
                changes = parsed(WorkspaceChanges, {ENABLED: False})
                workspaces.update(room.workspace.name, changes, actor=FILES)
                room.definition[ENABLED] = False
                room.save(update_fields=["definition"])
        row.present, row.looked_at, row.fault, row.line = False, now, "", None
        row.save()
    outcome.gone.append(row.path)


def _stop(job: Job, path: str, reason: str) -> None:
    if job.deleted_at is None and job.state == JobState.ACTIVE:
        job_services.pause(job.pk, actor=FILES, reason=reason)
        log.warning("%s: job %s is paused.", path, job.name)


def _prune(outcome: Outcome) -> None:
    """Delete the jobs whose files are gone, and the rows of these files."""
    for row in ConfigFile.objects.filter(present=False):
        with write_transaction():
            _lock_jobs_of(row)
            for one in row.jobs.select_related("job"):
                if one.job.deleted_at is None:
                    job_services.delete(one.job_id, actor=FILES)
                    outcome.pruned.append(one.job.name)
            row.delete()


def validate(root: Path) -> Iterable[tuple[str, int | None, str]]:
    """Yield path, line and reason of each file that cannot be read as what it should be."""
    for found in file_sources.files_in(root):
        try:
            content = file_sources.read(found)
            file_sources.understand(content)
            for number, one in enumerate(content.definitions):
                try:
                    parse_definition(one.values)
                except JobdeckError as error:
                    raise file_sources.fault_at(content, number, error) from error
            if content.workspace is not None:
                parsed(Operations, content.workspace.operations)
        except FaultError as error:
            yield found.path, error.line, error.reason
        except JobdeckError as error:
            yield found.path, None, error.message
