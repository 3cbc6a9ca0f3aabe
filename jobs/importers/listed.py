"""What another scheduler exports as JSON: its jobs one by one, with the line of each."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from jobs.domain.said import said
from jobs.importers.jobfiles import Broken
from jobs.importers.notes import Note


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A job of another scheduler as a definition of ours."""

    line: int | None
    title: str
    definition: dict[str, Any]
    notes: list[Note] = field(default_factory=list)


def loaded(text: str, source: str) -> Any | Broken:
    """Return what a JSON text says, or why it says nothing."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        reason = said(
            "This is not JSON: {reason} at line {line} column {column}.",
            reason=error.msg,
            line=error.lineno,
            column=error.colno,
        )
        return Broken(f"{source}:{error.lineno}", reason)
    except (ValueError, RecursionError):
        return Broken(
            source, said("This is deeper, or holds a longer number, than any list of jobs.")
        )


def glance(text: str) -> Any:
    """Return what a JSON text says; None for any other."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    found = loaded(text, "")
    return None if isinstance(found, Broken) else found


def whole(value: object, usual: int = 0) -> int:
    """Return a number that may be written as a text; ``usual`` for what is none."""
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]  # judged by doing it
    except (TypeError, ValueError, OverflowError):
        return usual


def word(value: object) -> str:
    """Return a text; empty for anything else."""
    return value if isinstance(value, str) else ""
