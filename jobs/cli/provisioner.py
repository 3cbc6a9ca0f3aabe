"""Files in the words of the provisioner, for the commands over files; whole directories, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.domain.errors import InvalidError
from jobs.domain.schedule import Schedule
from jobs.domain.states import ScheduleKind
from jobs.importers.jobfiles import ENDINGS, Broken, Entry, files_in, inside, read, read_objects
from jobs.importers.seedfiles import job_of, speaks_seed, word_of, workspace_of

_JOBS, _WORKSPACES = "jobs", "workspaces"


@dataclass(frozen=True)
class SeedEntry(Entry):
    """One job that a file tells in the words of the provisioner; ``value`` is told in ours."""

    warnings: tuple[str, ...] = ()

    def place(self, field: str = "") -> str:
        """Return file and line; a field of ours stands there under its own name."""
        return super().place(word_of(field) if field else "")


def understood(one: Entry | Broken) -> Entry | Broken:
    """Return what a file holds in our words; what speaks them already is as it was."""
    if not isinstance(one, Entry) or not speaks_seed(one.value):
        return one
    try:
        told = job_of(one.value, stem=Path(one.source).stem, zone="")
    except InvalidError as error:
        return Broken(one.place(next(iter(error.fields or {}), "")), error.message)
    value = {**told.values, **({} if told.enabled else {"paused": True}), **_home(one.source)}
    return SeedEntry(one.source, value, one.node, told.warnings)


def definitions(raw: bytes, source: str) -> Iterator[Entry | Broken]:
    """Yield the jobs that a file holds; that of a workspace need not hold any."""
    if not _home(source):
        yield from read(raw, source)
        return
    for one in read_objects(raw, source):
        if isinstance(one, Broken):
            yield one
            continue
        try:
            told = workspace_of(one.value, name=_home(source)["workspace"])
            _check_times(told.operations)
        except InvalidError as error:
            yield Broken(one.place(next(iter(error.fields or {}), "")), error.message)
            continue
        if told.jobs:
            yield from inside(one, _JOBS)


def _check_times(operations: Mapping[str, Any]) -> None:
    """Refuse the first time that is none, of a deployment, a destruction or a mode, with its field."""
    modes = operations.get("mode_schedules")
    given = {name: operations.get(name) for name in ("deploy_schedule", "destroy_schedule")}
    for mode, times in modes.items() if isinstance(modes, dict) else ():
        given[f"mode_schedules.{mode}"] = times
    for field, times in given.items():
        for text in times if isinstance(times, list) else [times]:
            if isinstance(text, str):  # what is no text at all, the server tells
                _check_time(text, operations.get("timezone") or "UTC", field)


def _check_time(text: str, zone: object, field: str) -> None:
    try:
        Schedule(kind=ScheduleKind.CRON, expression=text.strip(), timezone=str(zone))
    except InvalidError as error:
        where = "timezone" if "timezone" in error.fields else field
        raise InvalidError(f"{where}: {error.message}", fields={where: error.message}) from error


def _home(source: str) -> dict[str, str]:
    """Return the workspace of the jobs of ``workspaces/NAME/config.json``; nothing for others."""
    parts = Path(source).parts[-3:]
    inside = len(parts) == 3 and parts[0] == _WORKSPACES and Path(source).stem == "config"
    return {"workspace": parts[1]} if inside else {}


def all_files(path: Path) -> Iterator[Path]:
    """Yield the files of a path; of a configuration directory those of its jobs and workspaces."""
    folders = [path / name for name in (_JOBS, _WORKSPACES)]
    if not any(folder.is_dir() for folder in folders):
        yield from files_in(path)
        return
    jobs, workspaces = folders
    if jobs.is_dir():
        yield from files_in(jobs)
    rooms = sorted(workspaces.iterdir()) if workspaces.is_dir() else []
    for room in rooms:
        configs = [room / f"config{ending}" for ending in ENDINGS]
        yield from [one for one in configs if one.is_file()][:1]
