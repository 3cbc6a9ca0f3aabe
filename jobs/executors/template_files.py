"""The working copy of a template: what a deployment replaces in its directory, and what it leaves.

Replaced is what an earlier deployment copied, and every file that OpenTofu would read. All else
stays: the state, providers, variable files, plans, the directories of template jobs below ``jobs``,
and whatever the workspace's own jobs have left there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from jobs.domain.errors import InvalidError

METADATA = ".provisioner-metadata.json"
STATE = "terraform.tfstate"
JOBS = "jobs"  # below it template jobs have their directories
# What no source may put into a working copy, and what cleaning never takes out of one.
KEPT = (
    "*.tfstate",
    "*.tfstate.*",
    ".terraform",
    ".terraform.lock.hcl",
    "*.tfvars",
    "*.tfvars.json",
    "*.tfplan",
    METADATA,
)
READ = ("*.tf", "*.tf.json", "*.tofu", "*.tofu.json")
_NOT_COPIED = (
    ".git",
    ".terraform",
    "*.tfstate",
    "*.tfstate.*",
    ".*.tfstate.lock.info",
    METADATA,
    "config.json",
    "config.yaml",
    "config.yml",
)
_MOST_FILES = 20_000
_PRIVATE = 0o700


def has_configuration(directory: Path) -> bool:
    """Say whether a directory holds anything that OpenTofu reads."""
    return directory.is_dir() and any(_matches(one.name, READ) for one in directory.iterdir())


def content_hash(source: Path) -> str:
    """Return the SHA-256 over the files of a source, names and contents."""
    digest = hashlib.sha256()
    for name in sorted(files_of(source)):
        content = (source / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def files_of(source: Path) -> list[str]:
    """Return the files that a source gives; InvalidError for a link that leads out of it."""
    found = sorted(_files(source, source.resolve()))
    if len(found) > _MOST_FILES:
        raise InvalidError(f"{source} holds {len(found)} files. Use {_MOST_FILES} or fewer.")
    return found


def _files(source: Path, root: Path) -> Iterator[str]:
    for folder, below, names in os.walk(source):
        below[:] = [one for one in below if not _matches(one, _NOT_COPIED)]
        for name in names:
            path = Path(folder) / name
            if folder == str(source) and _matches(name, _NOT_COPIED):
                continue
            if not path.resolve().is_relative_to(root):
                raise InvalidError(f"{path} is a link that leads out of {source}.")
            if path.is_file():
                yield path.relative_to(source).as_posix()


def metadata_of(target: Path) -> dict[str, Any]:
    """Return what the last deployment noted about a working copy; empty when there was none."""
    try:
        found = json.loads((target / METADATA).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def renew(source: Path, target: Path, *, workspace: str, template: str) -> str:
    """Make the working copy as the source is; return the hash of what was copied."""
    wanted = files_of(source)
    before = metadata_of(target)
    _clean(target, set(wanted), before)
    for name in wanted:
        _copy(source / name, target, name)
    found = content_hash(source)
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    text = {
        "workspace_name": workspace,
        "template_name": template,
        "template_hash": found,
        "last_updated": now,
        "created_at": before.get("created_at", now),
        "files": wanted,
    }
    part = target / f"{METADATA}.part"
    part.write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")
    part.replace(target / METADATA)
    return found


def _clean(target: Path, wanted: set[str], before: dict[str, Any]) -> None:
    listed = before.get("files")
    copied = {str(one) for one in listed} if isinstance(listed, list) else set()
    read = {one.name for one in target.iterdir() if _matches(one.name, READ)}
    for name in (copied | read) - wanted:
        path = target / name
        # The list lies where jobs can write: it must not lead to anything else.
        if _is_below(path, target) and not _matches(path.name, KEPT) and not path.is_dir():
            path.unlink(missing_ok=True)
            _drop_empty(path.parent, target)


def _drop_empty(folder: Path, target: Path) -> None:
    while folder != target and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _copy(file: Path, target: Path, name: str) -> None:
    path = target / name
    if not _is_below(path, target):
        raise InvalidError(f"{path.parent} leads out of {target}: a job has put a link there.")
    if path.is_dir() and not path.is_symlink():
        raise InvalidError(f"{path} is a directory, and the template has a file of that name.")
    path.parent.mkdir(_PRIVATE, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)  # never through a link
    shutil.copyfile(file, path)
    path.chmod(_PRIVATE if os.access(file, os.X_OK) else 0o600)


def _is_below(path: Path, target: Path) -> bool:
    return path.parent.resolve().is_relative_to(target.resolve()) and ".." not in path.parts


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, one) for one in patterns)
