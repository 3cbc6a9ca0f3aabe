"""The configuration directory as a checkout of a Git repository: pulled forward, and never merged.

A pull that fails changes nothing and is kept for the page of files. Looking at the files waits while
a pull replaces them, so that a half-made change is never seen.
"""

from __future__ import annotations

import fcntl
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.utils import timezone

from jobs import conf
from jobs.domain.errors import ConflictError, JobdeckError, StateError, UnprocessableError
from jobs.domain.git_source import check_ref, check_source
from jobs.domain.permissions import Actor, Permission, require_everywhere
from jobs.domain.said import said
from jobs.models import ConfigPull
from jobs.services.audit import record_on
from jobs.services.git import git
from jobs.services.provenance import short
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.files")

_HEADS: Final = "refs/heads/"
_TREE: Final = "jobdeck.tree.lock"  # held while the files are replaced, or looked at
_PULL: Final = "jobdeck.pull.lock"  # held by the one who pulls
_FORGOTTEN: Final = timedelta(days=7)  # a host that has not pulled for so long is gone
_NAMED: Final = 3  # changed files that a refusal names
_COLUMN: Final = 64  # holds a whole SHA-256, and not the plus behind it


# --- Which commit a file is of --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which commit the files of a directory are of."""

    commit: str = ""
    changed: frozenset[str] = frozenset()  # since the commit, by hand
    unknown: frozenset[str] = frozenset()  # to the repository

    def of(self, path: str) -> str:
        """Return the commit of a file; with a plus where it was changed since, empty for none."""
        if not self.commit or path in self.unknown:
            return ""
        return f"{self.commit[: _COLUMN - 1]}+" if path in self.changed else self.commit


def stamp_of(root: Path) -> Stamp:
    """Return which commit the files of a directory are of; of none where it is no checkout."""
    if git_dir_of(root) is None:
        return Stamp()
    try:
        commit = _head(root)
        changed = git("diff", "--name-only", "--relative", "-z", "HEAD", "--", ".", within=root)
        unknown = git("ls-files", "--others", "-z", "--", ".", within=root)
    except UnprocessableError as error:
        log.warning("%s is a checkout whose commit cannot be told: %s", root, error)
        return Stamp()
    return Stamp(commit, frozenset(changed.split("\0")), frozenset(unknown.split("\0")))


def git_dir_of(root: Path) -> Path | None:
    """Return where the checkout that a directory is keeps its repository; None for no checkout."""
    place = root / ".git"
    if place.is_dir():
        return place
    if not place.is_file():
        return None
    named = place.read_text(encoding="utf-8", errors="replace").removeprefix("gitdir:").strip()
    found = root / named
    return found if found.is_dir() else None


def _head(root: Path) -> str:
    return git("rev-parse", "HEAD", within=root).strip()


# --- Pulling --------------------------------------------------------------------------------------


def is_pullable() -> bool:
    """Say whether there is anything to pull: a repository is named, or the directory is a checkout."""
    root = conf.config_dir()
    return root is not None and bool(conf.config_repository() or git_dir_of(root))


def pulls() -> list[ConfigPull]:
    """Return what became of the last pull on each host."""
    return list(ConfigPull.objects.all())


def pull(*, actor: Actor) -> ConfigPull:
    """Bring the checkout forward to its branch; whatever goes wrong is kept and raised.

    ConflictError while another pull goes on: that one does it.
    """
    require_everywhere(actor, Permission.EDIT)
    root = conf.config_dir()
    if root is None or not is_pullable():
        raise StateError(
            said(
                "The configuration directory is no checkout. Name a repository with "
                "JOBDECK_CONFIG_REPOSITORY, or make it one with git clone."
            )
        )
    try:
        _made(root)
        with _only_one(root):
            before, after, branch = _forward(root)
    except ConflictError:
        raise
    except (JobdeckError, OSError) as error:
        _keep_fault(root, str(error))
        raise (
            error if isinstance(error, JobdeckError) else UnprocessableError(str(error))
        ) from error
    return _keep(root, before, after, branch, actor)


def _made(root: Path) -> None:
    """Make an empty directory a repository; one that holds other files is left alone."""
    if git_dir_of(root) is not None:
        return
    if root.is_dir() and any(root.iterdir()):
        raise UnprocessableError(
            said(
                "{root} holds files and is no checkout. Move them away, and it is made one.",
                root=root,
            )
        )
    root.mkdir(parents=True, exist_ok=True)
    branch = conf.config_branch() or "main"
    check_ref(branch)
    git("init", "--quiet", f"--initial-branch={branch}", within=root)


def _forward(root: Path) -> tuple[str, str, str]:
    """Fetch, and move the checkout forward; return the commits before and after, and the branch."""
    here = _branch(root)
    source, wanted = conf.config_repository() or "origin", conf.config_branch()
    if conf.config_repository():
        check_source(source)
    check_ref(wanted)
    if wanted and wanted != here:
        raise UnprocessableError(
            said(
                "{root} is on branch {here}, not on {wanted}.", root=root, here=here, wanted=wanted
            )
        )
    # By its whole name: a tag of the same name would be taken before the branch.
    remote = "HEAD" if conf.config_repository() and not wanted else f"{_HEADS}{here}"
    fetch = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--", source, remote)
    git(*fetch, within=root, failing=said("The repository cannot be fetched"))
    fetched = git("rev-parse", "FETCH_HEAD", within=root).strip()
    before = _commit_or_none(root)
    if before == fetched:
        return before, before, here
    with _tree(root, fcntl.LOCK_EX):
        if before:
            _refuse_changes(root)
            failing = said("The branch cannot be fast-forwarded; was its history rewritten?")
        else:
            # What lies there was never committed: git refuses to write over it.
            failing = said("The files of the repository cannot be put beside those that are there")
        git("merge", "--ff-only", "--quiet", fetched, within=root, failing=failing)
    return before, _head(root), here


def _branch(root: Path) -> str:
    try:
        return git("symbolic-ref", "HEAD", within=root).strip().removeprefix(_HEADS)
    except UnprocessableError as error:
        raise UnprocessableError(
            said("{root} is on no branch: {why}", root=root, why=error.message)
        ) from error


def _commit_or_none(root: Path) -> str:
    """Return the commit that is checked out; empty before the first."""
    try:
        return git("rev-parse", "--verify", "--quiet", "HEAD", within=root).strip()
    except UnprocessableError:
        return ""


def _refuse_changes(root: Path) -> None:
    changed = git("diff", "--name-only", "-z", "HEAD", within=root).split("\0")[:-1]
    if changed:
        more = len(changed) - _NAMED
        names: str = ", ".join(changed[:_NAMED])
        if more > 0:
            names = said("{names} and {n} more", names=names, n=more)
        raise UnprocessableError(
            said(
                "Changed by hand in {root}: {names}. Commit that, or take it back.",
                root=root,
                names=names,
            )
        )


# --- What came of it ------------------------------------------------------------------------------


def place_of(root: Path) -> str:
    """Return how this host's checkout is told from those of others."""
    return f"{socket.gethostname()}:{root}"[:700]


def _keep(root: Path, before: str, after: str, branch: str, actor: Actor) -> ConfigPull:
    now = timezone.now()
    values = {"branch": branch, "commit": after, "pulled_at": now, "looked_at": now}
    values |= {"fault": "", "failing_since": None}
    with write_transaction():
        row, _created = ConfigPull.objects.update_or_create(place=place_of(root), defaults=values)
        ConfigPull.objects.filter(looked_at__lt=now - _FORGOTTEN).delete()
        if before != after:
            record_on(
                row,
                row.place,
                actor,
                "files.pull",
                before={"commit": before},
                after={"commit": after},
            )
    if before != after:
        log.info("%s was pulled from %s to %s.", root, short(before) or "nothing", short(after))
    return row


def _keep_fault(root: Path, fault: str) -> None:
    now = timezone.now()
    with write_transaction():
        row, _created = ConfigPull.objects.get_or_create(
            place=place_of(root), defaults={"looked_at": now}
        )
        row.failing_since = row.failing_since or now
        row.fault, row.looked_at = fault, now
        row.save(update_fields=["failing_since", "fault", "looked_at"])


# --- Turns ----------------------------------------------------------------------------------------


@contextmanager
def standing_still(root: Path) -> Iterator[None]:
    """Keep a pull from replacing the files of a directory while they are looked at."""
    with _tree(root, fcntl.LOCK_SH):
        yield


@contextmanager
def _tree(root: Path, how: int) -> Iterator[None]:
    place = git_dir_of(root)
    try:
        file = None if place is None else (place / _TREE).open("a")
    except OSError:  # an account that only reads the checkout does not pull it either
        file = None
    if file is None:
        yield
        return
    with file:
        fcntl.flock(file, how)
        yield


@contextmanager
def _only_one(root: Path) -> Iterator[None]:
    place = git_dir_of(root)
    if place is None:
        raise UnprocessableError(said("{root} is no checkout any more.", root=root))
    with (place / _PULL).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConflictError(said("{root} is being pulled right now.", root=root)) from error
        yield
