"""From which commit a change comes, while one is being made from a file of a checkout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_SHORT = 12
_commit: ContextVar[str] = ContextVar("commit", default="")


@contextmanager
def from_commit(commit: str) -> Iterator[None]:
    """Let what is changed inside be known as coming from ``commit``; empty: from none."""
    token = _commit.set(commit)
    try:
        yield
    finally:
        _commit.reset(token)


def commit_now() -> str:
    """Return the commit that the present change comes from; empty when from none."""
    return _commit.get()


def noted(note: str) -> str:
    """Return the note of an audit entry with the commit, as far as there is one."""
    commit = _commit.get()
    if not commit:
        return note
    words = f"commit {short(commit)}"
    return f"{note}; {words}" if note else words


def short(commit: str) -> str:
    """Return a commit as people read it; one with a plus was changed by hand since."""
    return commit[:_SHORT] + ("+" if commit.endswith("+") else "")
