"""Job types of other packages: entry points of the group ``jobdeck.job_types``."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, MutableMapping
from importlib.metadata import EntryPoint, entry_points

from jobs.executors.base import Executor, Spec

log = logging.getLogger("scheduler.job_types")

GROUP = "jobdeck.job_types"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def load(types: MutableMapping[str, Executor]) -> list[str]:
    """Add the job types of installed packages to ``types``; return what is wrong with others.

    A plug-in that does not load costs its own type, never the start of the product.
    """
    faults = []
    for point in sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value)):
        fault = _add(point, types)
        if fault is not None:
            faults.append(fault)
            log.error("Job type not added: %s", fault)
    return faults


def _add(point: EntryPoint, types: MutableMapping[str, Executor]) -> str | None:
    name = f"job type {point.name!r} ({point.value}{_origin(point)})"
    if not _NAME.fullmatch(point.name):
        return f"{name}: a type is called by lower-case letters, digits and _, a letter first"
    if point.name in types:
        return f"{name}: there is a job type of that name already"
    try:
        found = point.load()
        executor = found() if isinstance(found, type) else found
        fault = _fault_of(executor)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not ours and is told
        return f"{name} could not be loaded: {type(error).__name__}: {error}"
    if fault is None:
        types[point.name] = executor
        return None
    return f"{name}: {fault}"


def _origin(point: EntryPoint) -> str:
    return f", from {point.dist.name}" if point.dist is not None else ""


def _fault_of(executor: object) -> str | None:
    """Say what keeps an object from being a job type."""
    model = getattr(executor, "spec_model", None)
    if not (isinstance(model, type) and issubclass(model, Spec)):
        return "spec_model must be a subclass of jobs.executors.base.Spec"
    execute: Callable[..., object] | None = getattr(executor, "execute", None)
    if not callable(execute):
        return "it has no method execute(spec, context, monitor)"
    try:
        inspect.signature(execute).bind(None, None, None)
    except TypeError:
        return "execute must take spec, context and monitor"
    return None
