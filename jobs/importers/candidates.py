"""What may become a job: every line of a crontab, every object of a file, with what is to be known.

Which kind of text it is can be told from the text itself; a person may say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any, Final

from jobs.domain.errors import InvalidError
from jobs.importers import cronicle, crontab, jobfiles, notes, seedfiles, tumblebug
from jobs.importers.crontab import Wrong
from jobs.importers.crontab_jobs import propose
from jobs.importers.jobfiles import Broken, Entry
from jobs.importers.notes import Note

MAX_TEXT: Final = 500_000  # twice that, a text and a file, is a form that is still taken
_PASTED: Final = "text"  # how a text is called that is no file
_CRON_LINE = re.compile(r"(?:@[A-Za-z]+|[\d*][\d*,/-]*(?:\s+[\w*,/?#-]+){4})\s+\S.*")
_ASSIGNED = re.compile(r"""["']?[A-Za-z_]\w*["']?\s*=.*""")
_USER_COLUMN = re.compile(r"#.*\buser(?:-name)?\s+command\b")
_ROOM = re.compile(rb"""["']?jobs["']?\s*:""")


class Kind(StrEnum):
    """What a text to import is."""

    JOBS = "jobs"
    CRONTAB = "crontab"
    SYSTEM_CRONTAB = "system_crontab"
    CRONICLE = "cronicle"
    TUMBLEBUG = "tumblebug"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One job that somebody wants; without a definition the reason says why it can be none."""

    line: int | None
    definition: dict[str, Any] | None = None
    reason: str = ""
    title: str = ""  # how it is called there
    workspace: str = ""  # of the file that holds it
    notes: tuple[Note, ...] = ()
    entry: Entry | None = None
    spoken: bool = False  # in the words of the provisioner

    def line_of(self, field: str) -> int | None:
        """Return the line on which a field of ours stands."""
        if self.entry is None:
            return self.line
        word = seedfiles.word_of(field) if self.spoken else field
        return int(self.entry.place(word).rpartition(":")[2])


def recognised(text: str, source: str = "") -> Kind:
    """Return what a text looks like."""
    if cronicle.looks_so(text):
        return Kind.CRONICLE
    if tumblebug.looks_so(text):
        return Kind.TUMBLEBUG
    if PurePath(source).suffix.lower() in jobfiles.ENDINGS:
        return Kind.JOBS
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if line and not line.startswith("#")]
    first = next((line for line in told if not _ASSIGNED.fullmatch(line)), "")
    only_environment = bool(told) and not first
    if not (only_environment or _CRON_LINE.fullmatch(first)):
        return Kind.JOBS
    return Kind.SYSTEM_CRONTAB if _names_users(text, source) else Kind.CRONTAB


def _names_users(text: str, source: str) -> bool:
    """Say whether each line of a crontab names its user: by its heading, or since root is one."""
    if PurePath(source).name == "crontab" or _USER_COLUMN.search(text):
        return True
    found = [one for one in crontab.read(text, system=True) if isinstance(one, crontab.Line)]
    wrong = [one for one in crontab.read(text, system=True) if isinstance(one, Wrong)]
    return bool(found) and not wrong and any(one.user == "root" for one in found)


def read(
    text: str, kind: Kind, *, source: str = "", zone: str = "", home: str = ""
) -> list[Candidate]:
    """Return what a text holds, in order.

    ``zone`` is that of times which name none, ``home`` where the commands of a crontab run.
    """
    if kind in (Kind.CRONTAB, Kind.SYSTEM_CRONTAB):
        return _crontab(text, system=kind == Kind.SYSTEM_CRONTAB, zone=zone, home=home)
    source = source or _PASTED
    raw = text.encode()
    if kind == Kind.JOBS:
        return list(_jobs(raw, source, zone))
    found = (
        cronicle.read(text, source, zone) if kind == Kind.CRONICLE else tumblebug.read(text, source)
    )
    return [
        _broken(one)
        if isinstance(one, Broken)
        else Candidate(
            line=one.line, title=one.title, definition=one.definition, notes=tuple(one.notes)
        )
        for one in found
    ]


def _crontab(text: str, *, system: bool, zone: str, home: str) -> list[Candidate]:
    found = list(crontab.read(text, system=system))
    lines = [one for one in found if not isinstance(one, Wrong)]
    made = [
        Candidate(
            line=one.number,
            title=f"{line.schedule} {line.command}",
            definition=one.definition,
            notes=tuple(one.notes),
        )
        for one, line in zip(propose(lines, zone=zone, home=home), lines, strict=True)
    ]
    wrong = [
        Candidate(line=one.number, reason=one.reason) for one in found if isinstance(one, Wrong)
    ]
    return sorted([*made, *wrong], key=lambda one: one.line or 0)


def _jobs(raw: bytes, source: str, zone: str) -> Iterator[Candidate]:
    """Yield the objects of a file; a workspace's config is looked at before it is a list of jobs."""
    tops = list(jobfiles.read_objects(raw, source)) if _ROOM.search(raw) else []
    rooms = [one for one in tops if isinstance(one, Entry) and _is_room(one.value)]
    if rooms and len(rooms) == len(tops):
        for one in rooms:
            yield from _room(one, zone)
    else:
        yield from (_object(one, zone, ()) for one in jobfiles.read(raw, source))


def _is_room(value: dict[str, Any]) -> bool:
    return isinstance(value.get("jobs"), list) and "type" not in value and "spec" not in value


def _room(config: Entry, zone: str) -> Iterator[Candidate]:
    """Yield the jobs of a workspace's config; what it is itself cannot be imported as jobs."""
    left = ", ".join(name for name in seedfiles.OPERATIONS if config.value.get(name))
    told = (Note(notes.OPERATIONS, {"fields": left}),) if left else ()
    name = config.value.get("name")
    for one in jobfiles.inside(config, "jobs"):
        yield _object(one, zone, told, workspace=name if isinstance(name, str) else "")


def _object(
    one: Entry | Broken, zone: str, told: tuple[Note, ...], workspace: str = ""
) -> Candidate:
    if isinstance(one, Broken):
        return _broken(one)
    value, stem = one.value, PurePath(one.source).stem if one.source != _PASTED else ""
    title = str(value.get("name") or stem)
    line = int(one.place().rpartition(":")[2])
    if not seedfiles.speaks_seed(value):
        values = {"name": stem, **value}
        stopped = values.pop("enabled", True) is False or values.pop("paused", False) is True
        values.pop("paused", None)
        found = [*told, *([Note(notes.DISABLED)] if stopped else [])]
        return Candidate(
            line=line,
            title=title,
            definition=values,
            workspace=workspace,
            notes=tuple(found),
            entry=one,
        )
    try:
        read_ = seedfiles.job_of(value, stem=stem, zone=zone)
    except InvalidError as error:
        field = next(iter(error.fields), "")
        at = int(one.place(field).rpartition(":")[2])
        return Candidate(line=at, title=title, reason=error.message)
    unknown = sorted(set(value) - seedfiles.JOB_FIELDS)
    ignored = [Note(notes.IGNORED, {"field": name}) for name in unknown]
    disabled = [] if read_.enabled else [Note(notes.DISABLED)]
    return Candidate(
        line=line,
        title=title,
        definition=read_.values,
        workspace=workspace,
        notes=(*told, *disabled, *ignored),
        entry=one,
        spoken=True,
    )


def _broken(one: Broken) -> Candidate:
    """Return what cannot be read; its place is a source, and a line where one is known."""
    number = one.place.rpartition(":")[2]
    return Candidate(line=int(number) if number.isdecimal() else None, reason=one.reason)
