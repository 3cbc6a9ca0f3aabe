"""Which execution a line of the log is about: set while it runs, read where lines are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_CURRENT: ContextVar[Mapping[str, object] | None] = ContextVar("jobdeck_execution", default=None)


@contextmanager
def about(**facts: object) -> Iterator[None]:
    """Let every line of the block carry ``facts``."""
    mark = _CURRENT.set(facts)
    try:
        yield
    finally:
        _CURRENT.reset(mark)


def current() -> Mapping[str, object]:
    """Return the facts of now; none outside of an execution."""
    return _CURRENT.get() or {}
