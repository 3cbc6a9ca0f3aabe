"""Propose job definitions for the lines of a crontab, and say what is different from cron."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from jobs.importers import notes
from jobs.importers.crontab import REBOOT, Line
from jobs.importers.notes import Note

_LONGEST_NAME: Final = 90  # room for a number behind it
_MAIL: Final = ("MAILTO", "MAILFROM")
_SHELLS: Final = ("/bin/sh", "/bin/bash", "/usr/bin/bash", "sh", "bash")


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A definition, the line that it comes from, and what somebody has to know."""

    number: int
    definition: dict[str, Any]
    notes: list[Note]


def propose(lines: Iterable[Line], *, zone: str, home: str, prefix: str = "") -> list[Proposal]:
    """Return a definition for each line; ``zone`` is that of the host's clock.

    ``home`` is where the commands run unless the crontab sets HOME; empty for the product's own
    directory. Names are made of the commands, numbered where two are the same.
    """
    names: dict[str, int] = {}
    return [
        Proposal(
            number=line.number,
            definition=_definition(line, _free(f"{prefix}{_name(line)}", names), zone, home),
            notes=_notes(line, home),
        )
        for line in lines
    ]


def _definition(line: Line, name: str, zone: str, home: str) -> dict[str, Any]:
    """Return the definition that does what cron did: no time limit, nothing caught up."""
    kind = "command" if line.given is None else "script"
    spec = {kind: line.script, **({"run_as": line.user} if line.user else {})}
    return {
        "name": name,
        "type": kind,
        "spec": spec,
        "schedules": [_schedule(line, zone)],
        "description": line.comment[:10_000],
        "environment": _environment(line),
        "working_dir": line.environment.get("HOME", home),
        "timeout_seconds": None,
        "misfire": "skip",
    }


def _schedule(line: Line, zone: str) -> dict[str, Any]:
    if line.schedule == REBOOT:
        return {"kind": "event", "event": REBOOT}
    return {"kind": "cron", "expression": line.schedule, "timezone": line.zone or zone}


def _environment(line: Line) -> dict[str, str]:
    apart = (*_MAIL, "SHELL", "HOME")
    return {name: value for name, value in line.environment.items() if name not in apart}


def _notes(line: Line, home: str) -> list[Note]:
    found = [Note(notes.OVERLAP)]
    if any(line.environment.get(name) for name in _MAIL):
        found.append(Note(notes.MAIL))
    shell = line.environment.get("SHELL", "/bin/sh")
    if shell not in _SHELLS:
        found.append(Note(notes.SHELL, {"shell": shell}))
    if line.user:
        found.append(Note(notes.RUN_AS, {"user": line.user}))
    if line.given is not None:
        found.append(Note(notes.INPUT))
    if line.schedule == REBOOT:
        found.append(Note(notes.REBOOTED))
    if not (home or line.environment.get("HOME")):
        found.append(Note(notes.DIRECTORY))
    return found


def _name(line: Line) -> str:
    """Return what a person would call it: the program, without its directory."""
    words = [word for word in line.command.split() if "=" not in word] or ["job"]
    base = PurePosixPath(words[0].strip("\"'`(){}[];&|<>$")).name
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", base).strip("-._")
    return name[:_LONGEST_NAME] or "job"


def _free(name: str, names: dict[str, int]) -> str:
    names[name.lower()] = names.get(name.lower(), 0) + 1
    count = names[name.lower()]
    return name if count == 1 else f"{name}-{count}"
