"""Many new configuration files at once: what they define is made in few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import DataError, IntegrityError

from jobs.domain.errors import JobdeckError
from jobs.models import ConfigFile, FileJob, Job, Workspace
from jobs.services import bulk, file_sources, workspace_operations
from jobs.services.checkouts import Stamp
from jobs.services.definitions import JobDefinition, parse_definition
from jobs.services.file_rows import FILES, job_says, new_workspace, row_of
from jobs.services.file_sources import Content, FaultError, Found
from jobs.services.operation_requests import Operations
from jobs.services.problems import parsed
from jobs.services.provenance import from_commit
from jobs.services.writing import write_transaction


@dataclass(slots=True, kw_only=True)
class _Plain:
    """A new file whose jobs can be made together with those of others."""

    content: Content
    definitions: list[JobDefinition]
    operations: Operations | None = None  # of the workspace that the file defines

    @property
    def names(self) -> set[tuple[str, str]]:
        """Return the jobs by workspace and name, as they are told apart."""
        return {((one.workspace or "").lower(), one.name.lower()) for one in self.definitions}


def create_together(fresh: Sequence[Found], *, stamp: Stamp, now: datetime) -> set[str]:
    """Make what new files define in few statements; return the paths of those it was done for.

    An installation begins with hundreds of files. Whatever is not plain (broken, paused, already
    there) is left to the way of one by one, which has the words for it.
    """
    if len(fresh) < 2:
        return set()
    rooms = {name.lower() for name in Workspace.objects.values_list("name", flat=True)}
    alone = Job.objects.present().filter(workspace=None).values_list("name", flat=True)
    taken = {("", name.lower()) for name in alone}
    plain: list[_Plain] = []
    for one in fresh:
        # A batch is of one commit.
        ready = _plain(one) if stamp.of(one.path) == stamp.commit else None
        if ready is None or not ready.names.isdisjoint(taken) or _room_of(ready) in rooms:
            continue
        taken |= ready.names
        plain.append(ready)
    done: set[str] = set()
    for start in range(0, len(plain), bulk.BATCH):
        batch = plain[start : start + bulk.BATCH]
        try:
            with from_commit(stamp.commit), write_transaction():
                _make(batch, now)
        # One names what there is not, or what the database refuses: each by itself then.
        except (FaultError, JobdeckError, DataError, IntegrityError):
            continue
        done |= {one.content.found.path for one in batch}
    return done


def _plain(found: Found) -> _Plain | None:
    """Return a new file that is nothing special; None for any other."""
    try:
        content = file_sources.read(found)
        file_sources.understand(content)
        told = content.workspace
        for one in content.definitions:
            if told is not None:
                one.values["workspace"] = told.name
        definitions = [parse_definition(one.values) for one in content.definitions]
        operations = None if told is None else parsed(Operations, told.operations)
    except (FaultError, JobdeckError):
        return None
    special = any(not one.enabled or one.warnings for one in content.definitions)
    if special or (told is not None and (not told.enabled or told.warnings)):
        return None
    if any(one.run_on_create or (told is None and one.workspace) for one in definitions):
        return None
    ready = _Plain(content=content, definitions=definitions, operations=operations)
    return ready if len(ready.names) == len(definitions) else None


def _room_of(one: _Plain) -> str | None:
    told = one.content.workspace
    return None if told is None else told.name.lower()


def _make(batch: Sequence[_Plain], now: datetime) -> None:
    """Make the workspaces, then all jobs, then note where each came from."""
    files = ConfigFile.objects.bulk_create([row_of(one.content, now) for one in batch])
    wanted: list[JobDefinition] = []
    of_files: list[tuple[ConfigFile, bool]] = []  # in the order of `wanted`
    made_by: list[tuple[Workspace, workspace_operations.Wanted]] = []
    for file, one in zip(files, batch, strict=True):
        wanted += one.definitions
        of_files += [(file, True)] * len(one.definitions)
        if one.content.workspace is None or one.operations is None:
            continue
        room = new_workspace(one.content.workspace, one.operations, file)
        keep = one.content.found.configured
        for key, told in workspace_operations.definitions_of(room, one.operations, keep=keep):
            wanted.append(parse_definition(told))
            of_files.append((file, False))
            made_by.append((room, key))
    jobs = bulk.create_many(wanted, actor=FILES)
    rows = list(zip(jobs, wanted, of_files, strict=True))
    FileJob.objects.bulk_create(
        FileJob(job=job, file=file, definition=job_says(definition, enabled=True))
        for job, definition, (file, of_file) in rows
        if of_file
    )
    operating = [job for job, _, (_, of_file) in rows if not of_file]
    workspace_operations.attach(zip(operating, made_by, strict=True))
