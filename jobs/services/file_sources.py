"""The configuration directory: which files it holds, which have changed, and what each says."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.executors.template_files import READ
from jobs.importers import jobfiles
from jobs.importers.jobfiles import ENDINGS, Broken, Entry
from jobs.importers.seedfiles import FileDefinition, WorkspaceFile, job_of, word_of, workspace_of

JOBS: Final = "jobs"
WORKSPACES: Final = "workspaces"
CONFIGS: Final = tuple(f"config{ending}" for ending in ENDINGS)
MOST_FILES: Final = 10_000


class Kind(StrEnum):
    """What a file defines."""

    JOBS = "jobs"
    WORKSPACE = "workspace"


class FaultError(Exception):
    """A file cannot be applied; ``line`` is None where none can be named."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        """Take the reason as a sentence."""
        super().__init__(reason)
        self.reason = reason
        self.line = line


@dataclass(slots=True, kw_only=True)
class Found:
    """One file as the directory has it."""

    path: str  # below the directory
    place: Path
    kind: Kind
    size: int
    changed_ns: int
    configured: bool = False  # a workspace's directory holds files of OpenTofu
    closed: bool = False  # its directory may not be read, so that its name is a guess


@dataclass(kw_only=True)
class Content:
    """One file as it was read."""

    found: Found
    raw: bytes
    definitions: list[FileDefinition] = field(default_factory=list)
    workspace: WorkspaceFile | None = None

    @property
    def fingerprint(self) -> str:
        """Return what tells whether the file says something else than before."""
        mark = b"\1" if self.found.configured else b"\0"
        return hashlib.sha256(self.raw + mark).hexdigest()

    @cached_property
    def entries(self) -> list[Entry | Broken]:
        """Return what the file holds with its lines; slow, so only asked for where one is named."""
        return list(jobfiles.read(self.raw, self.found.path))

    def line_of(self, number: int, name: str) -> int | None:
        """Return the line of a field of the nth definition."""
        one = self.entries[number] if number < len(self.entries) else None
        if not isinstance(one, Entry):
            return None
        return int(one.place(name).rpartition(":")[2])


def files_in(root: Path) -> list[Found]:
    """Return the files of a configuration directory in the order of their paths."""
    found = [*_job_files(root / JOBS), *_workspace_files(root / WORKSPACES)]
    if len(found) > MOST_FILES:
        raise InvalidError(
            said(
                "{root} holds {number} files. Use {most} or fewer.",
                root=root,
                number=len(found),
                most=MOST_FILES,
            )
        )
    return sorted(found, key=lambda one: one.path)


def _job_files(folder: Path) -> Iterator[Found]:
    for entry in _entries(folder):
        if entry.name.lower().endswith(ENDINGS) and _is_file(entry):
            size, changed_ns = _looks_of(Path(entry.path))
            yield Found(
                path=f"{JOBS}/{entry.name}",
                place=Path(entry.path),
                kind=Kind.JOBS,
                size=size,
                changed_ns=changed_ns,
            )


def _workspace_files(folder: Path) -> Iterator[Found]:
    for entry in _entries(folder):
        if not entry.is_dir():
            continue
        try:
            names = {one.name for one in _entries(Path(entry.path))}
        except PermissionError:
            # Named as what it most likely holds: reading that tells why it cannot be applied.
            yield _closed(entry)
            continue
        config = next((name for name in CONFIGS if name in names), None)
        if config is None:
            continue
        place = Path(entry.path) / config
        size, changed_ns = _looks_of(place)
        yield Found(
            path=f"{WORKSPACES}/{entry.name}/{config}",
            place=place,
            kind=Kind.WORKSPACE,
            size=size,
            changed_ns=changed_ns,
            configured=any(name.endswith(tuple(one[1:] for one in READ)) for name in names),
        )


def _closed(entry: os.DirEntry[str]) -> Found:
    name = CONFIGS[0]
    return Found(
        path=f"{WORKSPACES}/{entry.name}/{name}",
        place=Path(entry.path) / name,
        kind=Kind.WORKSPACE,
        size=0,
        changed_ns=0,
        closed=True,
    )


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Say whether this is a file; one that may not be looked at counts, so that it is named."""
    try:
        return entry.is_file()
    except PermissionError:
        return True


def _looks_of(place: Path) -> tuple[int, int]:
    """Return size and time of a file; zeros for what reading it will name."""
    try:
        seen = place.stat()
    except (FileNotFoundError, PermissionError):
        return 0, 0
    return seen.st_size, seen.st_mtime_ns


def is_away(root: Path) -> bool:
    """Say whether a directory is no configuration at all, as where nothing is mounted (any more)."""
    return not any((root / name).is_dir() for name in (JOBS, WORKSPACES))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [one for one in entries if not one.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []


def read(found: Found) -> Content:
    """Return what a file says; FaultError names what is wrong with it."""
    if found.closed:
        raise FaultError(f"The directory {found.place.parent} may not be read.")
    try:
        seen = found.place.stat()
        if not stat.S_ISREG(seen.st_mode):  # reading a pipe would never end
            raise FaultError("It is no file.")
        if seen.st_size > jobfiles.MAX_BYTES:
            raise FaultError(
                f"The file has {seen.st_size} bytes. Use {jobfiles.MAX_BYTES} or fewer."
            )
        raw = found.place.read_bytes()
    except OSError as error:
        raise FaultError(f"It cannot be read: {error.strerror}.") from error
    return Content(found=found, raw=raw)


def understand(content: Content) -> None:
    """Read the definitions of a file; FaultError names the line of the first that is wrong."""
    values = _values(content)
    if content.found.kind is Kind.JOBS:
        content.definitions = list(_jobs(content, values))
        return
    if len(values) != 1:
        raise FaultError("A workspace file holds one object.")
    name = content.found.place.parent.name
    with _at(content, 0):
        content.workspace = workspace_of(values[0], name=name)
    content.definitions = list(_jobs(content, content.workspace.jobs, prefix="jobs."))


def _values(content: Content) -> list[dict[str, Any]]:
    """Return the objects of a file. JSON is read fast; where it is wrong, slowly with its lines."""
    if content.found.path.endswith(".json") and len(content.raw) <= jobfiles.MAX_BYTES:
        found = _quickly(content.raw, listed=content.found.kind is Kind.JOBS)
        if found is not None:
            return found
    if content.found.kind is Kind.WORKSPACE:
        return [_whole(content)]
    found = []
    for one in content.entries:
        if isinstance(one, Broken):
            raise FaultError(one.reason, _line_in(one.place) or _line_in(one.reason))
        found.append(one.value)
    return found


def _quickly(raw: bytes, *, listed: bool) -> list[dict[str, Any]] | None:
    """Return the one object of a JSON file; None for everything that wants a closer look."""
    try:
        value = json.loads(raw, object_pairs_hook=_unrepeated)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or (listed and not {"jobs", "items"}.isdisjoint(value)):
        return None
    return [value]


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _whole(content: Content) -> dict[str, Any]:
    """Return the object of a workspace file, whose ``jobs`` are no definitions of their own."""
    # Under another name `jobs` would be taken for the list that the file is.
    found = list(jobfiles.read_objects(content.raw, content.found.path))
    if len(found) != 1:
        raise FaultError("A workspace file holds one object.")
    one = found[0]
    if isinstance(one, Broken):
        raise FaultError(one.reason, _line_in(one.place) or _line_in(one.reason))
    content.entries = [one]
    return one.value


def _jobs(content: Content, values: list[Any], prefix: str = "") -> Iterator[FileDefinition]:
    for number, one in enumerate(values):
        if not isinstance(one, dict):
            raise FaultError(
                "This is no job definition. Write an object.", _line(content, number, "", prefix)
            )
        with _at(content, number, prefix):
            yield job_of(one, stem=content.found.place.stem, zone=settings.TIME_ZONE)


def _line(content: Content, number: int, name: str, prefix: str) -> int | None:
    if content.found.kind is Kind.JOBS:
        return content.line_of(number, name)
    content_entries = content.__dict__.get("entries")
    if content_entries is None:
        content.entries = list(jobfiles.read_objects(content.raw, content.found.path))
    place = f"{prefix}{number}.{name}".rstrip(".") if prefix else name
    return content.line_of(0, place)


@contextmanager
def _at(content: Content, number: int, prefix: str = "") -> Iterator[None]:
    """Turn an InvalidError into a fault with the line of the field that it names."""
    try:
        yield
    except InvalidError as error:
        name = next(iter(error.fields or {}), "")
        raise FaultError(error.message, _line(content, number, name, prefix)) from error


def fault_at(content: Content, number: int, error: Exception) -> FaultError:
    """Return what is wrong with the nth job of a file, as a service told it."""
    fields = getattr(error, "fields", None) or {}
    prefix = "" if content.found.kind is Kind.JOBS else "jobs."
    name = word_of(next(iter(fields), ""))
    reason = getattr(error, "message", str(error))
    return FaultError(reason, _line(content, number, name, prefix))


def _line_in(text: str) -> int | None:
    """Return the line that a place (``file:3``) or a sentence (``at line 3``) names."""
    tail = text.rpartition(":")[2]
    if tail.isdecimal():
        return int(tail)
    words = text.split()
    for before, word in pairwise(words):
        if before == "line" and word.rstrip(".,").isdecimal():
            return int(word.rstrip(".,"))
    return None
