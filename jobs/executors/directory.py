"""Where a job runs: its own working directory, else the one of its workspace."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from jobs import conf
from jobs.domain.errors import InvalidError
from jobs.executors.base import ExecutionContext
from jobs.executors.identity import Identity
from jobs.executors.passage import passage, passage_of
from jobs.executors.removal import remove_tree

PRIVATE = 0o700


def prepare_directory(default: Path, wanted: Path | None = None) -> Path:
    """Return the directory to run in, made when missing.

    A relative path is below ``default``, which neither ``..`` nor a symlink may leave. An absolute
    one outside of it is used as it is and must exist. Raises InvalidError, OSError when the
    directory cannot be made.
    """
    if wanted is not None and "\0" in str(wanted):
        raise InvalidError(f"working directory {str(wanted)!r} holds a NUL character")
    default = default.absolute()
    target = default / wanted if wanted is not None else default
    if wanted is not None and not wanted.is_absolute() and not _is_inside(target, default):
        raise InvalidError(
            f"working directory {str(wanted)!r} leads out of {default};"
            " give an absolute path to run elsewhere"
        )
    if target.is_dir():
        return target
    if target.exists():
        raise InvalidError(f"working directory {target} is not a directory")
    if not _is_inside(target, default):
        raise InvalidError(f"working directory {target} does not exist")
    _make(target)
    return target


def directory_of(context: ExecutionContext, identity: Identity | None) -> Path:
    """Return the directory to run in: another user's is their own home, where nothing is made.

    A directory that root made in somebody's home could be led elsewhere by a symlink.
    """
    if identity is None:
        return prepare_directory(context.default_dir, context.working_dir)
    target = identity.home / (context.working_dir or "")
    if not target.is_dir():
        raise InvalidError(
            f"working directory {target} of run_as {identity.name!r} does not exist;"
            " give the absolute path of another"
        )
    return target


def prepare_artifacts(directory: Path | None, identity: Identity | None = None) -> Path | None:
    """Make the directory in which a job may leave files, empty and its owner's alone; return it.

    Another user's lies where that user gets in; ``directory`` then leads to it.
    """
    if directory is None:
        return None
    if identity is None:
        _make_anew(directory)
        return directory
    passage(conf.instance_id())
    place = _elsewhere(directory)
    _make_anew(place)
    identity.own(place)
    remove_left(directory)
    _make(directory.parent)
    directory.symlink_to(place)
    return place


def place_of(directory: Path) -> Path:
    """Return where the files of a job lie. A link that the server has not made is none."""
    try:
        led = directory.readlink()
    except OSError:
        return directory
    return led if led == _elsewhere(directory) else directory


def _elsewhere(directory: Path) -> Path:
    """Return where another user's directory lies."""
    return passage_of(conf.instance_id()) / f"left-{directory.name}"


def remove_left(directory: Path, *, between: Callable[[], object] = lambda: None) -> bool:
    """Remove a job's directory wherever it lies; False when something withstands."""
    gone = remove_tree(place_of(directory), between=between)
    with contextlib.suppress(OSError):
        if directory.is_symlink():
            directory.unlink()
            gone = True
    return gone


def _make_anew(directory: Path) -> None:
    try:
        directory.mkdir(PRIVATE)
    except FileNotFoundError:  # the first one of this server
        _make(directory.parent)
        directory.mkdir(PRIVATE)
    except FileExistsError:  # of a worker that died, and that nobody has swept yet
        remove_left(directory)
        directory.mkdir(PRIVATE)


def _is_inside(target: Path, root: Path) -> bool:
    return Path(os.path.realpath(target)).is_relative_to(os.path.realpath(root))


def _make(target: Path) -> None:
    # mkdir(parents=True) would give the parents the mode of the umask.
    for missing in reversed([target, *target.parents]):
        if not missing.is_dir():
            missing.mkdir(PRIVATE, exist_ok=True)
