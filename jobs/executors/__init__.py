"""What can be run: one executor per job type, by the type's name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pydantic import ValidationError

from jobs.domain.errors import InvalidError
from jobs.domain.said import said, told
from jobs.executors import faults, plugins
from jobs.executors.base import (
    BeatAnswer,
    Chunk,
    ExecutionContext,
    ExecutionResult,
    Executor,
    Monitor,
    Spec,
)
from jobs.executors.command import CommandExecutor
from jobs.executors.http import HttpExecutor
from jobs.executors.management import ManagementExecutor
from jobs.executors.python import PythonExecutor
from jobs.executors.script import ScriptExecutor
from jobs.executors.template import TemplateExecutor
from jobs.executors.tumblebug import TumblebugExecutor

__all__ = [
    "EXECUTORS",
    "PLUGIN_FAULTS",
    "BeatAnswer",
    "Chunk",
    "ExecutionContext",
    "ExecutionResult",
    "Executor",
    "Monitor",
    "Spec",
    "executor_for",
    "load_plugins",
    "parse_spec",
]

EXECUTORS: dict[str, Executor] = {
    "command": CommandExecutor(),
    "script": ScriptExecutor(),
    "template": TemplateExecutor(),
    "http": HttpExecutor(),
    "python": PythonExecutor(),
    "management_command": ManagementExecutor(),
    "registerCspResources": TumblebugExecutor(),
}
# What is wrong with the job types of other packages, as sentences; `manage.py check` shows them.
PLUGIN_FAULTS: list[str] = []


def load_plugins() -> None:
    """Add the job types of installed packages; done once, when Django is set up."""
    PLUGIN_FAULTS[:] = plugins.load(EXECUTORS)


def executor_for(job_type: str) -> Executor:
    """Return the executor of a job type; InvalidError names the types there are."""
    try:
        return EXECUTORS[job_type]
    except (KeyError, TypeError):
        allowed = reduce(_either, EXECUTORS)
        message = said("invalid job type: {type}. Use {allowed}.", type=job_type, allowed=allowed)
        raise InvalidError(message, fields={"type": message}) from None


def _either(first: str, last: str) -> str:
    return said("{first} or {last}", first=first, last=last)


def parse_spec(job_type: str, data: object) -> Spec:
    """Check what a job of this type is told to do; InvalidError has a sentence per field."""
    model = executor_for(job_type).spec_model
    if not isinstance(data, Mapping):
        message = said("spec must be an object, not {value!r:.80}", value=data)
        raise InvalidError(message, fields={"spec": message})
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fields = faults.sentences(error, job_type, model)
        raise InvalidError(told(fields.values(), "; "), fields=fields) from None
