"""Artifacts: take the files that an attempt left into the store, and remove them again.

A job writes into a directory of its own on its host. When it has ended, and all its processes with
it, what lies there is copied into the store, whose files are named by attempt and content: no name
that a job chose becomes a path. The rows are written in the transaction of the verdict, so that a
file is listed exactly when the attempt counts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from jobs import conf
from jobs.domain.errors import UnknownError
from jobs.domain.said import said
from jobs.domain.states import ExecutionState
from jobs.executors.base import ExecutionResult, KeptFile
from jobs.executors.directives import MAX_WARNINGS
from jobs.executors.directory import place_of, remove_left
from jobs.executors.removal import remove_tree
from jobs.models import Artifact, Execution
from jobs.services.artifact_files import Collection, collect
from jobs.services.running import Running

log = logging.getLogger("jobs.artifacts")

# Directories of at most so many executions each: no directory grows with the history.
_PER_DIRECTORY = 1000


def work_dir(execution_id: int, attempt: int) -> Path:
    """Return where an attempt leaves its files, on its host."""
    return conf.data_dir() / "run" / "artifacts" / f"{execution_id}-{attempt}"


def collected(
    running: Running, result: ExecutionResult, *, alive: Callable[[], bool]
) -> ExecutionResult:
    """Return the result with the files that the attempt left, now in the store, and its directory gone.

    ``alive`` is asked between pieces; once it says False nothing more is taken. A store that cannot
    be written is a warning: the job has done its work.
    """
    work = work_dir(running.execution_id, running.attempt)
    try:
        work.rmdir()  # nearly always empty: one call then
    except FileNotFoundError:
        return result  # a kind without processes has none
    except OSError:
        pass
    else:
        return result
    taken = Collection()
    try:
        collect(
            place_of(work),
            _directory(running.execution_id),
            attempt=running.attempt,
            taken=taken,
            alive=alive,
        )
    except OSError as error:
        log.warning("The files of execution %d are not kept: %s", running.execution_id, error)
        taken.refuse(f"files are not kept: {error.strerror or error}")
    remove_left(work, between=alive)
    return _with(result, taken)


def _with(result: ExecutionResult, taken: Collection) -> ExecutionResult:
    warnings = [*result.warnings, *taken.warnings]
    return replace(
        result,
        artifacts=tuple(taken.files),
        warnings=tuple(warnings[:MAX_WARNINGS]),
        warning_count=result.warning_count + len(taken.warnings),
    )


def record(running: Running, files: Sequence[KeptFile]) -> None:
    """Write the rows of an attempt's files; one of the same name replaces that of an earlier try."""
    now = timezone.now()
    names = [one.name for one in files]
    Artifact.objects.filter(execution_id=running.execution_id, name__in=names).delete()
    Artifact.objects.bulk_create(
        Artifact(
            execution_id=running.execution_id,
            attempt=running.attempt,
            name=one.name,
            size_bytes=one.size,
            sha256=one.sha256,
            created_at=now,
        )
        for one in files
    )
    if running.attempt > 1:
        transaction.on_commit(lambda: _remove_unlisted(running.execution_id))


def discard_files(execution_id: int, attempt: int, files: Sequence[KeptFile]) -> None:
    """Remove what an attempt left whose verdict came too late: its row belongs to another.

    Nothing else: the next attempt may have its files in the store already, and not yet its verdict.
    """
    directory = _directory(execution_id)
    try:
        for file in files:
            (directory / f"{attempt}-{file.sha256}").unlink(missing_ok=True)
        if files and not any(directory.iterdir()):
            directory.rmdir()
    except OSError as error:
        log.warning("Files of execution %d could not be removed: %s", execution_id, error)


def discard_work(execution_id: int, attempt: int) -> None:
    """Remove the directory of an attempt that counts for nothing."""
    remove_left(work_dir(execution_id, attempt))


def discard_remains(execution_id: int) -> None:
    """Remove what a dead worker of this host left of an execution: its directory, unlisted files."""
    for work in work_dir(execution_id, 0).parent.glob(f"{int(execution_id)}-*"):
        remove_left(work)
    _remove_unlisted(execution_id)


def _remove_unlisted(execution_id: int) -> None:
    """Remove the files of an execution that no row lists; a store that is away stops nobody."""
    directory = _directory(execution_id)
    try:
        if directory.is_dir():
            _remove_files(execution_id, directory)
    except OSError as error:
        log.warning("Files of execution %d could not be removed: %s", execution_id, error)


def _remove_files(execution_id: int, directory: Path) -> None:
    rows = Artifact.objects.filter(execution=execution_id).values_list("attempt", "sha256")
    listed = {f"{attempt}-{sha256}" for attempt, sha256 in rows}
    for file in directory.iterdir():
        if file.name not in listed:
            file.unlink(missing_ok=True)
    if not listed:
        remove_tree(directory)


def remove_of(execution_ids: Iterable[int]) -> int:
    """Remove rows and files of executions, as a prune does before their rows go; return how many files.

    The rows first: a file without a row takes room, a row without a file would promise one.
    """
    ids = list(execution_ids)
    rows = list(Artifact.objects.filter(execution__in=ids).values_list("execution_id", flat=True))
    if not rows:
        return 0
    Artifact.objects.filter(execution__in=ids).delete()
    for execution_id in sorted(set(rows)):
        transaction.on_commit(lambda one=execution_id: _remove_unlisted(one))  # type: ignore[misc]
    return len(rows)


def path_of(artifact: Artifact) -> Path:
    """Return the file of an artifact; UnknownError when the store lacks it."""
    path = _directory(artifact.execution_id) / f"{artifact.attempt}-{artifact.sha256}"
    if not path.is_file():
        raise UnknownError(
            said(
                "The file {name} is not in the store {store}: it was removed, "
                "or this host does not share the store.",
                name=artifact.name,
                store=conf.artifacts_dir(),
            )
        )
    return path


def _directory(execution_id: int) -> Path:
    group = str(execution_id // _PER_DIRECTORY)
    return conf.artifacts_dir() / group / str(execution_id)


def sweep_work() -> int:
    """Remove the directories that a crash of the whole host left; return how many.

    Listed before the question who runs: a directory is made after its execution started, and is gone
    before the verdict.
    """
    found = {work: work.name.partition("-")[0] for work in work_dir(0, 0).parent.glob("*-*")}
    ids = [int(one) for one in found.values() if one.isdecimal()]
    running = Execution.objects.filter(pk__in=ids, state=ExecutionState.RUNNING.value)
    spared = {str(pk) for pk in running.values_list("pk", flat=True)}
    left = [work for work, number in found.items() if number not in spared]
    return sum(remove_left(work) for work in left)
