"""Remove a directory that a job has filled, whatever stands in it.

`shutil.rmtree` calls itself for each level and keeps each open: a job that nests a thousand
directories, which its user may, ends it with an error that is no OSError. Here every directory is
moved up before it is emptied, so that the depth costs nothing, and nothing leads elsewhere: all is
reached by descriptors that follow no link.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from itertools import islice
from pathlib import Path

_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Names read at a time: a directory of millions is not read into memory.
_PIECE = 1_000
_OWNERS = 0o700


def remove_tree(path: Path, *, between: Callable[[], object] = lambda: None) -> bool:
    """Remove a directory with all that is in it; False when something withstands.

    Never raises an OSError. ``between`` is called now and then: millions of files take their time.
    """
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return not path.exists()
    try:
        root = _opened(path.name, parent)
        try:
            _empty(root, between)
        finally:
            os.close(root)
        os.rmdir(path.name, dir_fd=parent)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    finally:
        os.close(parent)
    return True


def _empty(root: int, between: Callable[[], object]) -> None:
    """Empty a directory: its files go, its directories are emptied into it and go, too."""
    while _clear(root, root, between):
        for name in _directories(root):
            inner = _opened(name, root)
            try:
                while _clear(inner, root, between):
                    pass
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=root)


def _clear(directory: int, root: int, between: Callable[[], object]) -> bool:
    """Remove a piece of what a directory holds, its directories to ``root``; say whether any was left.

    OSError when something withstands: what cannot be removed would be found again for ever.
    """
    between()
    found = _entries(directory)
    for name, is_directory in found:
        if not is_directory:
            os.unlink(name, dir_fd=directory)
        elif directory != root:
            _move_up(name, directory, root)
    return bool(found)


def _opened(name: str, place: int) -> int:
    """Open a directory to empty it, also one that forbids that to its owner."""
    try:
        inner = os.open(name, _OPEN, dir_fd=place)
    except PermissionError:
        _allow(name, place)
        inner = os.open(name, _OPEN, dir_fd=place)
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=inner):
        os.fchmod(inner, _OWNERS)
    return inner


def _move_up(name: str, directory: int, root: int) -> None:
    free = f".jobdeck-gone-{secrets.token_hex(8)}"
    try:
        os.rename(name, free, src_dir_fd=directory, dst_dir_fd=root)
    except PermissionError:  # moving changes what it says of its parent
        _allow(name, directory)
        os.rename(name, free, src_dir_fd=directory, dst_dir_fd=root)


def _allow(name: str, directory: int) -> None:
    """Let its owner into a directory; root, whom nothing keeps out, is never led astray here."""
    if os.geteuid() != 0:
        os.chmod(name, _OWNERS, dir_fd=directory)


def _directories(root: int) -> list[str]:
    return [name for name, is_directory in _entries(root) if is_directory]


def _entries(directory: int) -> list[tuple[str, bool]]:
    """Return some entries of an open directory, and whether each is one itself; no link is."""
    with os.scandir(directory) as found:
        return [
            (entry.name, entry.is_dir(follow_symlinks=False)) for entry in islice(found, _PIECE)
        ]
