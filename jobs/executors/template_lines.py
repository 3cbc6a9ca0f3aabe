"""What OpenTofu says with ``-json``: one object a line, as text for the log, progress and figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

# What says the same as another line, or nothing to a person.
_SILENT = frozenset({"version", "outputs", "apply_progress", "log"})
_MAX_FAULT = 2000
_BOX = "╷│╵ \t"
# What the engine advises, and what helps here: nobody who reads it has typed its command line.
_TYPE_IT = "Use a -var or -var-file command line argument to provide a value for this variable."
_NAME_IT = "Name it in the environment of the job, or of its workspace."


@dataclass(slots=True)
class Changes:
    """How many resources an operation adds, changes and removes."""

    add: int = 0
    change: int = 0
    remove: int = 0

    def document(self) -> dict[str, int]:
        """Return the figures by name."""
        return {"add": self.add, "change": self.change, "remove": self.remove}

    @property
    def total(self) -> int:
        """Return how many resources that are."""
        return self.add + self.change + self.remove

    def words(self) -> str:
        """Return the figures as OpenTofu words them."""
        return f"{self.add} to add, {self.change} to change, {self.remove} to destroy"


@dataclass(slots=True)
class Reader:
    """Reads the lines of all steps of one operation."""

    planned: Changes = field(default_factory=Changes)
    done: Changes = field(default_factory=Changes)
    drift: list[str] = field(default_factory=list)  # addresses that were changed elsewhere
    fault: str = ""  # the first thing that is wrong, with its place
    completed: int = 0
    _begun: set[str] = field(default_factory=set)

    def text(self, line: str) -> str | None:
        """Take one line; return what of it belongs in the log, None for nothing."""
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict) or "@message" not in said:
            return line.rstrip("\n") or None
        kind = said.get("type")
        if kind == "diagnostic":
            return self._diagnostic(said)
        self._count(kind, said)
        if kind in _SILENT:
            return None
        return str(said["@message"])

    def share(self) -> float:
        """Return how much of what was planned is done, 0 to 1."""
        total = max(self.planned.total, len(self._begun))
        return min(self.completed / total, 1.0) if total else 0.0

    def _count(self, kind: Any, said: dict[str, Any]) -> None:
        match kind:
            case "change_summary":
                self._sum_up(said.get("changes") or {})
            case "resource_drift":
                self.drift.append(_address(said.get("change")))
            case "apply_start":
                self._begun.add(_address(said.get("hook")))
            case "apply_complete":
                self.completed += 1

    def _sum_up(self, changes: dict[str, Any]) -> None:
        found = Changes(*(int(changes.get(name) or 0) for name in ("add", "change", "remove")))
        if changes.get("operation") == "plan":
            self.planned = found
        else:
            self.done = found

    def _diagnostic(self, said: dict[str, Any]) -> str:
        told = said.get("diagnostic") or {}
        place = told.get("range") or {}
        start = (place.get("start") or {}).get("line")
        where = f" ({place.get('filename')} line {start})" if place.get("filename") else ""
        detail = " ".join(str(told.get("detail") or "").split()).replace(_TYPE_IT, _NAME_IT)
        first = f"{str(said['@message']).strip()}{where}"
        if told.get("severity") == "error" and not self.fault:
            self.note(f"{first}. {detail}" if detail else first)
        return f"{first}\n  {detail}" if detail else first

    def note(self, fault: str) -> None:
        """Keep the first fault."""
        self.fault = self.fault or fault.removeprefix("Error: ")[:_MAX_FAULT]


def fault_in(text: str) -> str:
    """Return the first error of a step that speaks to people, one with a place before all others.

    Without any: the last line.
    """
    lines = [line.strip(_BOX) for line in text.splitlines()]
    lines = [line for line in lines if line]
    starts = [number for number, line in enumerate(lines) if line.startswith("Error: ")]
    found = [
        (lines[start].removeprefix("Error: "), _place(lines[start + 1 : start + 4]))
        for start in starts
    ]
    placed = [f"{words} ({place})" for words, place in found if place]
    chosen = placed or [words for words, _ in found] or lines[-1:]
    return chosen[0][:_MAX_FAULT] if chosen else ""


def _place(lines: Sequence[str]) -> str:
    return next((one[3:].rstrip(":") for one in lines if one.startswith("on ")), "")


def _address(held: Any) -> str:
    resource = held.get("resource") if isinstance(held, dict) else None
    return str(resource.get("addr", "")) if isinstance(resource, dict) else ""
