"""Copy what lies in a job's directory into the store, trusting nothing about it.

Everything is reached by descriptors that follow no link, so that no name leads elsewhere, and is
copied byte by byte: a process that still has the file open cannot change what was kept.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jobs import conf
from jobs.executors.base import KeptFile

MOST_FILES = 100
# Looked at, kept or not: a directory with a million files must not hold a worker.
MOST_ENTRIES = 10_000
DEEPEST = 8
LONGEST_NAME = 500
MOST_WARNINGS = 20
PIECE = 1_048_576
PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Not blocking: a pipe without a writer would hold the open.
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(slots=True)
class Collection:
    """What was taken so far, and what was not, in sentences."""

    files: list[KeptFile] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    total: int = 0

    def refuse(self, reason: str) -> None:
        """Note why something is not kept; of very many the first ones."""
        if len(self.warnings) < MOST_WARNINGS:
            self.warnings.append(f"artifacts: {reason}")


class TooLargeError(Exception):
    """A file is over its limit."""


class StoppedError(Exception):
    """The execution is not ours any more."""


def collect(
    work: Path, store: Path, *, attempt: int, taken: Collection, alive: Callable[[], bool]
) -> None:
    """Copy the regular files below ``work`` into ``store``, in the order of their names.

    OSError when the store cannot be written.
    """
    root = os.open(work, _OPEN_DIRECTORY)
    try:
        for name, directory, base in _entries(root, taken):
            if not alive():
                return
            if len(taken.files) >= MOST_FILES:
                taken.refuse(f"only {MOST_FILES} files are kept")
                return
            _take(name, directory, base, store, attempt=attempt, taken=taken, alive=alive)
    except StoppedError:
        return
    finally:
        os.close(root)


def _entries(root: int, taken: Collection) -> Iterator[tuple[str, int, str]]:
    """Yield path, open directory and name of what is no directory; links are not followed."""
    seen = 0
    for folder, folders, files, directory in os.fwalk(".", dir_fd=root, follow_symlinks=False):
        inside = os.path.normpath(folder)
        folders.sort()
        if inside.count("/") + 2 > DEEPEST and folders:
            taken.refuse(f"nothing below {inside!r:.120} is kept: it is nested too deeply")
            folders.clear()
        for base in sorted(files):
            seen += 1
            if seen > MOST_ENTRIES:
                taken.refuse(f"only the first {MOST_ENTRIES:,} files were looked at")
                return
            yield base if inside == "." else f"{inside}/{base}", directory, base


def _take(
    name: str,
    directory: int,
    base: str,
    store: Path,
    *,
    attempt: int,
    taken: Collection,
    alive: Callable[[], bool],
) -> None:
    """Copy one file, or say why not."""
    if fault := _name_fault(name):
        taken.refuse(f"{name!r:.120} is not kept: {fault}")
        return
    try:
        source = os.open(base, _OPEN_FILE, dir_fd=directory)
    except OSError as error:  # a link (ELOOP), a socket, or unreadable
        taken.refuse(f"{name!r:.120} is not kept: it is no regular file ({error.strerror})")
        return
    try:
        if fault := _file_fault(os.fstat(source)):
            taken.refuse(f"{name!r:.120} is not kept: {fault}")
            return
        room = conf.artifact_total_limit() - taken.total
        kept = _copied(
            source, store, attempt, limit=min(conf.artifact_file_limit(), room), alive=alive
        )
    except TooLargeError:
        taken.refuse(f"{name!r:.120} is not kept: {_limit_words()}")
        return
    finally:
        os.close(source)
    taken.total += kept[0]
    taken.files.append(KeptFile(name, *kept))


def _limit_words() -> str:
    file, total = conf.artifact_file_limit(), conf.artifact_total_limit()
    return f"a file may have {file:,} bytes, all of a run {total:,}"


def _name_fault(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if len(name) > LONGEST_NAME:
        return f"its name is longer than {LONGEST_NAME} characters"
    if not name.isprintable() or "\\" in name:
        return "its name holds a control character or a backslash"
    return ""


def _file_fault(found: os.stat_result) -> str:
    if not stat.S_ISREG(found.st_mode):
        return "it is no regular file"
    if found.st_nlink > 1:
        # It may be somebody else's file, which a link put here shows to those who may not read it.
        return "it is linked from elsewhere"
    return ""


def _copied(
    source: int, store: Path, attempt: int, *, limit: int, alive: Callable[[], bool]
) -> tuple[int, str]:
    """Copy an open file into the store; return size and digest."""
    if os.fstat(source).st_size > limit:
        raise TooLargeError
    store.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    draft = store / f".{secrets.token_hex(8)}"
    digest, size = hashlib.sha256(), 0
    target = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        with os.fdopen(target, "wb", buffering=0) as file:
            while piece := os.read(source, PIECE):
                size += len(piece)
                if size > limit:  # it grows while it is read
                    raise TooLargeError
                if not alive():
                    raise StoppedError
                digest.update(piece)
                _write(file.fileno(), piece)
            os.fsync(file.fileno())  # the row that lists it must not outlive it
        draft.replace(store / f"{attempt}-{digest.hexdigest()}")
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    return size, digest.hexdigest()


def _write(target: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(target, rest) :]
