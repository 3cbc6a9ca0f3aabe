"""Job and workspace files in the words of the provisioner, as definitions of ours.

A file that speaks our own words (``spec`` or ``schedules``) passes as it is. What is not known is
told as a warning and left out: a file of a newer version must still load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jobs.domain.durations import parse_duration
from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.domain.states import Event

DEFAULT_TIMEOUT: Final = "30m"
OWN: Final = frozenset({"spec", "schedules"})
# What each type is told, by the field that holds it.
SAYS: Final = {"script": "script", "command": "command", "template": "template"}
_MISSING: Final = {
    "script": said("script content is required for script jobs"),
    "command": said("command is required for command jobs"),
    "template": said("template is required for template jobs"),
}
JOB_FIELDS: Final = frozenset(
    {
        "name",
        "type",
        "schedule",
        "enabled",
        "description",
        "timeout",
        "environment",
        "working_dir",
        "tags",
        "depends_on",
        "timezone",
        *SAYS,
    }
)
# What only the provisioner's words have: with one of them, and none of ours, a job speaks these.
_TELLING: Final = frozenset({"schedule", "timeout", "enabled", *SAYS})
# What a workspace says about being deployed and destroyed.
OPERATIONS: Final = (
    "template",
    "deploy_schedule",
    "destroy_schedule",
    "mode_schedules",
    "custom_deploy",
    "custom_destroy",
    "environment",
    "timezone",
)
WORKSPACE_FIELDS: Final = frozenset(
    {
        *OPERATIONS,
        "enabled",
        "description",
        "jobs",
        "name",  # the directory's name counts
        "timeout",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDefinition:
    """A job as a file has it."""

    values: dict[str, Any]
    enabled: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceFile:
    """A workspace as its file has it."""

    name: str
    description: str
    enabled: bool
    operations: dict[str, Any]
    jobs: list[Any] = field(default_factory=list)  # not looked at yet
    warnings: tuple[str, ...] = ()


def speaks_seed(data: Mapping[str, Any]) -> bool:
    """Say whether a job is told in the words of the provisioner."""
    return OWN.isdisjoint(data) and not _TELLING.isdisjoint(data)


def word_of(name: str) -> str:
    """Return how a file of the provisioner calls a field of ours, as far as it differs."""
    first, _, rest = name.partition(".")
    if first == "schedules":
        number = rest.partition(".")[0]
        return f"schedule.{number}" if number else "schedule"
    return {"timeout_seconds": "timeout", "spec": rest or "type"}.get(first, name)


def job_of(data: Mapping[str, Any], *, stem: str, zone: str) -> FileDefinition:
    """Return the job that an object of a file holds; without a name it has that of its file.

    ``zone`` is that of cron expressions which name none; empty: the server's.
    """
    if not OWN.isdisjoint(data):
        values = {"name": stem, **data}
        enabled = _boolean(values, "enabled")
        values.pop("enabled", None)
        paused = values.pop("paused", False)
        return FileDefinition(values=values, enabled=enabled and not paused)
    unknown = sorted(set(data) - JOB_FIELDS)
    values = {
        "name": data.get("name") or stem,
        **_what_runs(data),
        "schedules": _schedules(data, zone),
        "timeout_seconds": _timeout(data.get("timeout") or DEFAULT_TIMEOUT),
    }
    for name in ("description", "environment", "working_dir", "tags", "depends_on"):
        if data.get(name):
            values[name] = data[name]
    return FileDefinition(
        values=values, enabled=_boolean(data, "enabled"), warnings=_warnings(unknown)
    )


def workspace_of(data: Mapping[str, Any], *, name: str) -> WorkspaceFile:
    """Return the workspace that a config.json holds; the directory names it."""
    jobs = data.get("jobs") or []
    if not isinstance(jobs, list):
        raise _wrong("jobs", said("jobs must be a list of job definitions"))
    description = data.get("description") or ""
    if not isinstance(description, str):
        raise _wrong("description", said("description must be a text"))
    operations = {one: data[one] for one in OPERATIONS if data.get(one) not in (None, "")}
    if data.get("timeout"):
        operations["timeout_seconds"] = _timeout(data["timeout"])
    return WorkspaceFile(
        name=name,
        description=description,
        enabled=_boolean(data, "enabled"),
        operations=operations,
        jobs=jobs,
        warnings=_warnings(sorted(set(data) - WORKSPACE_FIELDS)),
    )


def _what_runs(data: Mapping[str, Any]) -> dict[str, Any]:
    kind = data.get("type")
    if not kind:
        raise _wrong("type", said("type is required. Use script, command or template"))
    if not isinstance(kind, str) or kind not in SAYS:
        raise _wrong(
            "type", said("invalid job type: {kind}. Use script, command or template", kind=kind)
        )
    told = data.get(SAYS[kind])
    if not isinstance(told, str) or not told.strip():
        raise _wrong(SAYS[kind], _MISSING[kind])
    return {"type": kind, "spec": {SAYS[kind]: told}}


def _schedules(data: Mapping[str, Any], zone: str) -> list[dict[str, Any]]:
    told = data.get("schedule")
    expressions = [told] if isinstance(told, str) else told
    if not expressions:
        raise _wrong("schedule", said("schedule is required: a cron expression or a list of them"))
    if not isinstance(expressions, list) or not all(isinstance(one, str) for one in expressions):
        raise _wrong("schedule", said("schedule must be a cron expression or a list of them"))
    zone = data.get("timezone") or zone
    return [_schedule(one.strip(), zone) for one in expressions]


def _schedule(text: str, zone: str) -> dict[str, Any]:
    if text in tuple(Event):
        return {"kind": "event", "event": text}
    return {"kind": "cron", "expression": text, **({"timezone": zone} if zone else {})}


def _timeout(value: object) -> float:
    try:
        return parse_duration(
            value if isinstance(value, str | int | float) else str(value)
        ).total_seconds()
    except InvalidError as error:
        raise _wrong(
            "timeout", said("invalid timeout duration: {reason}", reason=error.message)
        ) from error


def _boolean(data: Mapping[str, Any], name: str) -> bool:
    value = data.get(name)
    if value is None:
        return True
    if not isinstance(value, bool):
        raise _wrong(
            name, said("{name} must be true or false, not {value!r:.40}", name=name, value=value)
        )
    return value


def _warnings(unknown: list[str]) -> tuple[str, ...]:
    return tuple(f"unknown field {name} is ignored" for name in unknown)


def _wrong(name: str, sentence: str) -> InvalidError:
    return InvalidError(sentence, fields={name: sentence})
