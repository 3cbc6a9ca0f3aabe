"""A list of cron jobs in a file: made at start, kept up to date, paused when they vanish from it.

    {"jobs": [{"name": "fetch-paris-data", "cron": "* * * * *", "timezone": "Europe/Paris",
               "enabled": true, "description": "…", "category": "data", "priority": "normal",
               "command": "python fetch.py"}]}

What a person changed wins, as for jobs of the project's code (`registered`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs import conf
from jobs.domain.errors import InvalidError, JobdeckError
from jobs.domain.permissions import Actor, Role
from jobs.domain.said import said
from jobs.domain.strategies import strategy, strategy_for
from jobs.registry import REGISTRY, RegisteredJob
from jobs.services import registered
from jobs.services.definitions import MAX_SECONDS
from jobs.services.problems import invalid_from

log = logging.getLogger("scheduler.cron")

# No person can have this name: user names hold no blanks.
LIST = Actor(name="the list of cron jobs", role=Role.ADMINISTRATOR)
MOST_BYTES = 5_000_000
MANY = 1000  # runs at a time where nothing prevents duplicates


class Entry(BaseModel):
    """One job of the list; what it runs is a command, a type with its spec, or code of its name."""

    model_config = ConfigDict(extra="forbid")

    name: str
    cron: str
    timezone: str = "UTC"
    enabled: bool = Field(default=True, strict=True)
    description: str = ""
    category: str = ""
    priority: str | int = "normal"
    queue: str = "default"
    retry: str | dict[str, Any] | None = None
    breaker: str | dict[str, Any] | None = None
    timeout: float | str | None = None
    command: str | None = None
    type: str | None = None
    spec: dict[str, Any] | None = None

    @property
    def runs_something(self) -> bool:
        """Say whether anything is named that it runs."""
        return self.command is not None or self.type is not None or self.name in REGISTRY

    def definition(self) -> dict[str, Any]:
        """Return the fields of a job definition that the list decides."""
        duplicates = not conf.cron_feature("duplicate_prevention")
        values: dict[str, Any] = {
            "name": self.name,
            "external_id": self.name,
            "description": self.description,
            "category": self.category,
            "priority": self.priority,
            "queue": self.queue,
            "schedules": [{"kind": "cron", "expression": self.cron, "timezone": self.timezone}],
            "overlap": "allow" if duplicates else "skip",
            "max_parallel": MANY if duplicates else 1,
            "misfire": "skip",
            "retry": self._retry(),
            "breaker": self.breaker if self.breaker is not None else _breaker(),
            **self._what_runs(),
        }
        if self.timeout is not None:
            values["timeout_seconds"] = self.timeout
        return values

    def _retry(self) -> dict[str, Any]:
        if self.retry is None:
            return strategy_for(self.category)
        return strategy(self.retry) if isinstance(self.retry, str) else self.retry

    def _what_runs(self) -> dict[str, Any]:
        if self.type is not None:
            return {"type": self.type, "spec": self.spec or {}}
        if self.command is not None:
            return {"type": "command", "spec": {"command": self.command}}
        if self.name in REGISTRY:
            return {"type": "python", "spec": {"job": self.name}}
        # Without a word of what to run it is made paused: people see it and say what it runs.
        sentence = f"{self.name} does not say yet what it runs. Edit the job, or the list."
        return {"type": "command", "spec": {"command": f"echo '{sentence}' >&2; exit 78"}}


def _breaker() -> dict[str, Any]:
    """Return the circuit breaker that a job of the list has of its own."""
    settings = conf.cron_breaker()
    if not conf.cron_feature("automatic_recovery"):
        settings["open_seconds"] = MAX_SECONDS
    for name in ("open_seconds", "window_seconds"):
        settings[name] = min(settings[name], MAX_SECONDS)
    return dict(settings)


def sync(*, reset: Iterable[str] = ()) -> registered.Outcome:
    """Bring the jobs of the code and of the list in line with both.

    A list may say when and how a job of the code runs; all others of the list are its own.
    """
    path = conf.cron_jobs_file()
    if path is None:
        return registered.sync(reset=reset)
    try:
        good, faults = _entries(path)
    except InvalidError as error:
        # Nothing is paused for a file that cannot be read: it may be half written.
        log.error("%s", error.message)  # noqa: TRY400 - the sentence says it all
        outcome = registered.sync(reset=reset)
        outcome.faults[str(path)] = error.message
        return outcome
    code = [_overlaid(one, good.get(one.job_id)) for one in REGISTRY if not one.source]
    outcome = registered.sync(code, reset=reset)
    own = [entry for name, entry in good.items() if name not in REGISTRY]
    outcome.add(registered.sync(own, source=LIST, reset=reset, spared=faults))
    outcome.faults |= faults
    return outcome


def _entries(path: Path) -> tuple[dict[str, RegisteredJob], dict[str, str]]:
    """Return the entries by name, and the sentences about those that are wrong."""
    good: dict[str, RegisteredJob] = {}
    faults: dict[str, str] = {}
    for number, raw in enumerate(read(path), start=1):
        name = str(raw.get("name") or f"#{number}") if isinstance(raw, Mapping) else f"#{number}"
        try:
            entry = _entry(raw, path)
            if entry.job_id in good:
                raise InvalidError(
                    said("{name} is listed twice. Keep one of them.", name=entry.job_id)
                )
            good[entry.job_id] = entry
        except JobdeckError as error:
            faults[name] = error.message
            log.error("Job %s of %s: %s", name[:100], path, error.message)  # noqa: TRY400
    return good, faults


def _overlaid(code: RegisteredJob, listed: RegisteredJob | None) -> RegisteredJob:
    """Return a job of the code as the list wants it."""
    if listed is None:
        return code
    definition = {**code.definition, **listed.definition}
    return replace(code, definition=definition, enabled=listed.enabled)


def read(path: Path) -> list[Any]:
    """Return the entries of a file: a list, or an object with a list called jobs."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InvalidError(
                said("{path} is larger than {most:,} bytes.", path=path, most=MOST_BYTES)
            )
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidError(
            said("CRON_JOBS_FILE names {path}: {why}.", path=path, why=error.strerror)
        ) from error
    except ValueError as error:
        raise InvalidError(said("{path} is not JSON: {why}", path=path, why=error)) from error
    if isinstance(document, Mapping) and isinstance(document.get("cron"), Mapping):
        document = document["cron"]
    found = document.get("jobs") if isinstance(document, Mapping) else document
    if not isinstance(found, list):
        raise InvalidError(
            said('{path} holds no list of jobs. Write {{"jobs": [...]}}.', path=path)
        )
    return found


def _entry(raw: object, path: Path) -> RegisteredJob:
    """Return an entry as code would register it."""
    try:
        entry = Entry.model_validate(raw)
    except ValidationError as error:
        raise invalid_from(error, Entry) from error
    return RegisteredJob(
        job_id=entry.name,
        path=str(path),
        call=_not_called,
        definition=entry.definition(),
        enabled=entry.enabled and entry.runs_something,
    )


def _not_called(context: object, arguments: Mapping[str, Any]) -> None:
    """Refuse: what a job of the list runs is in its spec."""
    raise TypeError("A job of the list is run by its type.")
