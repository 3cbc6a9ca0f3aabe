"""The jobs that this process's code defines, and how they are found in installed apps."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from jobs.domain.errors import DuplicateError, InvalidError, JobdeckError
from jobs.domain.said import said
from jobs.registry.base import MARK, BaseScheduledJob, entry_of_class, entry_of_function
from jobs.registry.entry import RegisteredJob

log = logging.getLogger("scheduler.registry")

MODULE = "scheduled_jobs"
# A list of this name in a module says what to register; without, everything in it is.
LIST = "jobs_to_register"


class Registry:
    """Registered jobs by their id. ``faults`` says what could not be registered, and why."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._entries: dict[str, RegisteredJob] = {}
        self.faults: list[str] = []

    def __iter__(self) -> Iterator[RegisteredJob]:
        """Yield the jobs in the order of their ids."""
        return iter([self._entries[job_id] for job_id in sorted(self._entries)])

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._entries)

    def __contains__(self, job_id: object) -> bool:
        """Say whether a job of that id is registered."""
        return job_id in self._entries

    def add(self, entry: RegisteredJob) -> None:
        """Register a job; the same code again changes nothing, another of that id is refused."""
        known = self._entries.get(entry.job_id)
        if known is not None and known.path != entry.path:
            raise DuplicateError(
                f"job_id {entry.job_id!r} of {entry.path} is taken by {known.path}. "
                "Give one of them another job_id."
            )
        self._entries[entry.job_id] = entry

    def register(self, job: Any) -> RegisteredJob:
        """Register a job class, an instance of one, or a decorated function."""
        entry = _entry_of(job)
        self.add(entry)
        return entry

    def remove(self, job_id: str) -> None:
        """Forget a job."""
        self._entries.pop(job_id, None)

    def find(self, name: str) -> RegisteredJob:
        """Return the job of that id or path; InvalidError's sentence names those there are.

        Nothing is ever imported for it: whoever may write a spec must not choose the code.
        """
        found = self._entries.get(name)
        if found is None:
            found = next((one for one in self._entries.values() if one.path == name), None)
        if found is None:
            known = ", ".join(sorted(self._entries))[:500] or said("none at all")
            raise InvalidError(
                said(
                    "python job {name!r:.120} is not registered. Registered: {known}.",
                    name=name,
                    known=known,
                )
            )
        return found

    def discover(self, apps: Iterable[str]) -> None:
        """Import `scheduled_jobs` of each app and register what it holds.

        A module or a job that is broken is a fault and leaves the others alone.
        """
        for app in apps:
            name = f"{app}.{MODULE}"
            try:
                if name not in sys.modules and find_spec(name) is None:
                    continue
                module = import_module(name)
            except Exception as error:  # noqa: BLE001 - one app's fault is not the others'
                self._note(f"{name} could not be imported: {type(error).__name__}: {error}", error)
                continue
            self.take_over(module)

    def take_over(self, module: ModuleType) -> None:
        """Register everything that a module holds."""
        listed = getattr(module, LIST, None)
        for job in _found_in(module) if listed is None else listed:
            try:
                self.register(job)
            except JobdeckError as error:
                self._note(error.message)

    def _note(self, fault: str, error: BaseException | None = None) -> None:
        if fault not in self.faults:
            self.faults.append(fault)
            log.error("Not registered: %s", fault, exc_info=error)


def _entry_of(job: Any) -> RegisteredJob:
    if isinstance(job, BaseScheduledJob) or (
        isinstance(job, type) and issubclass(job, BaseScheduledJob)
    ):
        return entry_of_class(job)
    if callable(job) and hasattr(job, MARK):
        return entry_of_function(job)
    raise InvalidError(
        f"{job!r:.120} is no job. Register a BaseScheduledJob or a function with @scheduled_job."
    )


def _found_in(module: ModuleType) -> list[Callable[..., Any]]:
    """Return the concrete job classes and decorated functions that a module names."""
    return [thing for thing in vars(module).values() if _is_job(thing)]


def _is_job(thing: object) -> bool:
    if isinstance(thing, type):
        return (
            issubclass(thing, BaseScheduledJob)
            and not inspect.isabstract(thing)
            and not vars(thing).get("abstract", False)
        )
    return callable(thing) and MARK in getattr(thing, "__dict__", {})


REGISTRY = Registry()
