"""What can be run: one executor per job type, by the type's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from jobs.domain.errors import InvalidError
from jobs.executors import plugins
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
        allowed = " or ".join(EXECUTORS)
        message = f"invalid job type: {job_type}. Use {allowed}."
        raise InvalidError(message, fields={"type": message}) from None


def parse_spec(job_type: str, data: object) -> Spec:
    """Check what a job of this type is told to do; InvalidError has a sentence per field."""
    model = executor_for(job_type).spec_model
    if not isinstance(data, Mapping):
        message = f"spec must be an object, not {data!r:.80}"
        raise InvalidError(message, fields={"spec": message})
    try:
        return model.model_validate(data)
    except ValidationError as error:
        fields = _sentences(error, job_type, model)
        raise InvalidError("; ".join(fields.values()), fields=fields) from None


def _sentences(error: ValidationError, job_type: str, model: type[Spec]) -> dict[str, str]:
    found: dict[str, str] = {}
    for fault in error.errors(include_url=False):
        field = ".".join(map(str, fault["loc"])) or "spec"
        found.setdefault(field, _sentence(field, dict(fault), job_type, model))
    return found


def _sentence(field: str, fault: dict[str, Any], job_type: str, model: type[Spec]) -> str:
    called = model.called.get(field, field)
    if fault["input"] is None or fault["type"] == "missing":
        return f"{called} is required for {job_type} jobs"
    match fault["type"]:
        case "extra_forbidden":
            allowed = ", ".join(model.model_fields)
            return f"unknown field {field!r} for {job_type} jobs; allowed: {allowed}"
        case "value_error":
            return str(fault["ctx"]["error"])
        case _:
            return f"{field}: {fault['msg']}, not {fault['input']!r:.80}"
