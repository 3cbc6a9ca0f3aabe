"""Where a job of another user finds what the server has put there for it."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from jobs.domain.errors import InvalidError

PRIVATE = 0o700
PASSAGE = 0o711


def passage_of(instance: str) -> Path:
    """Return where the passage of an installation is, made or not."""
    return Path(tempfile.gettempdir()) / f"jobdeck-{instance}"


def passage(instance: str) -> Path:
    """Return a directory that others may pass but not list: the server's own lets nobody in.

    Others may make files beside it, so it is not taken on trust.
    """
    directory = passage_of(instance)
    with contextlib.suppress(FileExistsError):
        directory.mkdir(PRIVATE)
    if not is_ours(directory):
        raise InvalidError(f"{directory} is not a directory of this server")
    directory.chmod(PASSAGE)
    return directory


def is_ours(directory: Path) -> bool:
    """Say whether it is a directory, no link to one, of the user that the server runs as."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
