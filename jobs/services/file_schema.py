"""JSON Schemas of job and workspace files, for editors; from what the reader of files goes by."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from jobs.domain.strategies import STRATEGIES
from jobs.executors import EXECUTORS
from jobs.importers.jobfiles import LISTS, MAX_DEFINITIONS
from jobs.importers.seedfiles import JOB_FIELDS, OWN, SAYS, WORKSPACE_FIELDS
from jobs.services.definitions import PRIORITIES, JobDefinition
from jobs.services.operation_requests import Operations

Schema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE: Final = "#/$defs/{model}"
_DURATION: Final = {"type": "string", "pattern": r"\d", "description": "Such as 30s, 10m or 1h30m."}
_TEXT: Final = {"type": ["string", "null"]}
_FLAG: Final = {"type": ["boolean", "null"], "default": True}
_SWITCHES: Final = {
    "enabled": {**_FLAG, "description": "Whether its schedules fire; true when it is left out."},
    "paused": {"type": "boolean", "default": False},
}


@cache
def job_schema() -> Schema:
    """Return the schema of a file of jobs: one, a list, or an object with a list of them."""
    job = {"$ref": _REFERENCE.format(model="Job")}
    listed = {"type": "array", "items": job, "maxItems": MAX_DEFINITIONS}
    bundle = {"type": "object", "not": _has("name"), "anyOf": [_has(name) for name in LISTS]}
    return {
        "$schema": _DIALECT,
        "title": "Jobs of Jobdeck",
        "if": {"type": "array"},
        "then": listed,
        "else": {
            "if": bundle,
            "then": {"properties": dict.fromkeys(LISTS, listed)},
            "else": job,
        },
        "$defs": _definitions(),
    }


@cache
def workspace_schema() -> Schema:
    """Return the schema of a workspace's ``config.json``, which holds its jobs."""
    operations = Operations.model_json_schema(ref_template=_REFERENCE)
    definitions = {**_definitions(), **operations.pop("$defs", {})}
    known: Schema = {
        "enabled": _FLAG,
        "description": _TEXT,
        "name": {**_TEXT, "description": "Told by the directory; this one does not count."},
        "timeout": _either_text(),
        "jobs": {"type": ["array", "null"], "items": {"$ref": _REFERENCE.format(model="Job")}},
        **{
            name: _or_nothing(_or_one(operations["properties"][name]))
            for name in WORKSPACE_FIELDS & set(operations["properties"])
        },
    }
    return {
        "$schema": _DIALECT,
        "title": "A workspace of Jobdeck",
        "type": "object",
        "properties": {name: known[name] for name in sorted(WORKSPACE_FIELDS)},
        "$defs": definitions,
    }


def _definitions() -> Schema:
    """Return what both schemas refer to: a job in either vocabulary."""
    own = JobDefinition.model_json_schema(ref_template=_REFERENCE)
    definitions: Schema = own.pop("$defs", {})
    for one in (own, *definitions.values()):
        _take_text(one)
    provisioner = _provisioner_job(own["properties"])
    own["properties"] = {**own["properties"], **_SWITCHES}
    own["required"] = ["type"]  # a name is that of the file where there is none
    own["properties"]["type"] = {"type": "string", "enum": list(EXECUTORS)}
    own["allOf"] = _specs(definitions)
    return {
        **definitions,
        "JobDefinition": own,
        "ProvisionerJob": provisioner,
        "Job": {
            "type": "object",
            "if": {"anyOf": [_has(name) for name in sorted(OWN)]},
            "then": {"$ref": _REFERENCE.format(model="JobDefinition")},
            "else": {"$ref": _REFERENCE.format(model="ProvisionerJob")},
        },
    }


def _specs(definitions: Schema) -> list[Schema]:
    """Return for each job type what it can be told; adds what that refers to."""
    found = []
    for kind, executor in EXECUTORS.items():
        schema = executor.spec_model.model_json_schema(ref_template=_REFERENCE)
        definitions.update(schema.pop("$defs", {}))
        _take_text(schema)
        definitions[f"spec_{kind}"] = schema
        spec = {"spec": {"$ref": _REFERENCE.format(model=f"spec_{kind}")}}
        found.append({"if": _is("type", kind), "then": {"properties": spec}})
    return found


def _provisioner_job(own: Mapping[str, Schema]) -> Schema:
    """Return a job in the provisioner's words; what it shares with ours is told alike."""
    expressions = {"type": "string", "minLength": 1}
    shared = ("description", "environment", "working_dir", "tags", "depends_on")
    known: Schema = {
        "name": _or_nothing(own["name"]),
        "type": {"type": "string", "enum": list(SAYS)},
        "schedule": {
            "anyOf": [expressions, {"type": "array", "items": expressions, "minItems": 1}],
            "description": "A cron expression or an event such as @deployment; or a list of them.",
        },
        "enabled": _FLAG,
        "timeout": {**_either_text(), "description": "Such as 30m, which it is when left out."},
        "timezone": {**_TEXT, "description": "Such as Europe/Paris; else that of the server."},
        **{name: _or_nothing(own[name]) for name in shared},
        **dict.fromkeys(SAYS.values(), _TEXT),
    }
    # Nothing else is refused: a file of a newer version must still load.
    return {
        "type": "object",
        "required": ["type", "schedule"],
        "properties": {name: known[name] for name in sorted(JOB_FIELDS)},
        "allOf": [
            {
                "if": _is("type", kind),
                "then": {
                    "required": [name],
                    "properties": {name: {"type": "string", "pattern": r"\S"}},
                },
            }
            for kind, name in SAYS.items()
        ],
    }


def _take_text(schema: Schema) -> None:
    """Let fields be told in the words that the reader takes for them."""
    words: Schema = {
        "priority": {"type": "string", "enum": list(PRIORITIES)},
        "retry": {"type": "string", "enum": list(STRATEGIES)},
        "breaker": {"type": "string", "description": "The name of a shared circuit breaker."},
    }
    properties = schema.get("properties", {})
    for name, one in properties.items():
        also = words.get(name) or (_DURATION if name.endswith("seconds") else None)
        if also is not None:
            properties[name] = {"anyOf": [one, also]}
    if "depends_on" in properties:
        items = properties["depends_on"]["items"]
        properties["depends_on"] = {
            **properties["depends_on"],
            "items": {"anyOf": [items, {"type": "string", "description": "Its success."}]},
        }


def _or_one(schema: Schema) -> Schema:
    """Let a list of expressions be told as the only one; also as the values of an object."""
    if "additionalProperties" in schema and isinstance(schema["additionalProperties"], dict):
        return {**schema, "additionalProperties": _or_one(schema["additionalProperties"])}
    lists = [one for one in (schema, *schema.get("anyOf", ())) if one.get("type") == "array"]
    return {"anyOf": [schema, {"type": "string", "minLength": 1}]} if lists else schema


def _either_text() -> Schema:
    return {"anyOf": [{"type": ["number", "null"]}, {"type": "string"}]}


def _or_nothing(schema: Schema) -> Schema:
    """Return a schema that takes what counts as left out, too."""
    return {"anyOf": [schema, {"enum": [None, "", False, [], {}]}]}


def _has(name: str) -> Schema:
    return {"required": [name]}


def _is(name: str, value: str) -> Schema:
    return {"properties": {name: {"const": value}}, "required": [name]}
