"""What an execution waits for, in the reader's language."""

from __future__ import annotations

from django.utils.text import capfirst

from jobs.domain.said import spoken
from jobs.queries.waiting import Unserved, Waiting


def of(waiting: Waiting) -> str:
    """Return what an execution waits for."""
    return capfirst(spoken(waiting.text))


def missing(one: Unserved) -> str:
    """Return which queue nobody serves, and with which labels."""
    return capfirst(spoken(one.text))
