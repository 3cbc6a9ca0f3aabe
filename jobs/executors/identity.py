"""As whom a job runs: as the server does, or as another user where the server is root.

Which users jobs may take is decided on the host, by the setting RUN_AS_USERS, and not in a
definition: whoever may edit a job must not be able to become anybody.
"""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path

from jobs import conf
from jobs.domain.errors import InvalidError
from jobs.domain.said import said

ANYBODY = "*"
ROOT = 0
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")


@dataclass(frozen=True, slots=True)
class Identity:
    """A user of this host, with all that a process of theirs is given."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: Path
    shell: str

    @property
    def environment(self) -> dict[bytes, bytes]:
        """Return the variables that tell a program whose it is."""
        return {
            b"USER": self.name.encode(),
            b"LOGNAME": self.name.encode(),
            b"HOME": bytes(self.home),
            b"SHELL": self.shell.encode(),
        }

    def give(self, handle: int) -> None:
        """Let the user open again what they inherit, as ``echo > /dev/stderr`` does."""
        os.fchown(handle, self.uid, self.gid)

    def own(self, path: Path) -> None:
        """Make a file or directory that the server has just made theirs."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def become(self) -> None:
        """Give this process to the user, for good."""
        os.setgroups(self.groups)
        os.setgid(self.gid)
        os.setuid(self.uid)


def fault_of(name: str) -> str | None:
    """Say why a job may not name this user; None when it may. Whether there is one, its start says."""
    if not _NAME.fullmatch(name):
        return said("run_as: {name!r:.80} is not the name of a user", name=name)
    allowed = conf.run_as_users()
    if name in allowed or ANYBODY in allowed:
        return None
    return said(
        "run_as: {name!r} is not allowed; RUN_AS_USERS of this host allows: {allowed}",
        name=name,
        allowed=", ".join(allowed) or said("none"),
    )


def identity_of(name: str | None) -> Identity | None:
    """Return whom to become; None to stay. InvalidError says why it cannot be that user."""
    if name is None:
        return None
    if fault := fault_of(name):
        raise InvalidError(fault)
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise InvalidError(f"run_as: there is no user {name!r} on this host") from None
    # The number counts, not the name: a second name of root is root.
    if entry.pw_uid == ROOT and name not in conf.run_as_users():
        raise InvalidError(f"run_as: {name!r} is root; RUN_AS_USERS must name it, * is not enough")
    if entry.pw_uid == os.geteuid():
        return None
    if os.geteuid() != ROOT:
        me = pwd.getpwuid(os.geteuid()).pw_name
        raise InvalidError(
            f"run_as: only a server that runs as root can become {name!r}, not {me!r}"
        )
    groups = tuple(os.getgrouplist(name, entry.pw_gid))
    home = Path(entry.pw_dir or "/")
    return Identity(name, entry.pw_uid, entry.pw_gid, groups, home, entry.pw_shell or "/bin/sh")
