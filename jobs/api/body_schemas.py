"""The schemas of bodies: they are read by the services, and only described here."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from jobs.services.access import AccessRequest
from jobs.services.accounts import PersonChanges, PersonDefinition
from jobs.services.alert_requests import AlertBulk, AlertMute, AlertNote, AlertRuleChanges
from jobs.services.backfill_requests import BackfillRequest
from jobs.services.calendars import CalendarDefinition
from jobs.services.channels import ChannelDefinition
from jobs.services.check_ins import CheckInDefinition
from jobs.services.definitions import BreakerDefinition, JobDefinition
from jobs.services.edit_requests import EditApply, EditPreview, EditUndo
from jobs.services.event_requests import EventReport
from jobs.services.freeze_requests import FreezeChanges, FreezeRequest
from jobs.services.import_requests import ImportApply, ImportRequest
from jobs.services.many_requests import BulkRequest
from jobs.services.missed_requests import MissedRequest
from jobs.services.operation_requests import DeployRequest
from jobs.services.own_rules import OwnRule
from jobs.services.preferences import FilterRequest, PreferenceRequest
from jobs.services.queues import QueueSettings
from jobs.services.template_requests import TemplateDefinition
from jobs.services.token_requests import TokenDefinition
from jobs.services.variables import VariableChanges, VariableDefinition
from jobs.services.workspaces import WorkspaceChanges, WorkspaceDefinition

REFERENCE = "#/components/schemas/{model}"
_MODELS: tuple[type[BaseModel], ...] = (
    JobDefinition,
    BreakerDefinition,
    BackfillRequest,
    MissedRequest,
    BulkRequest,
    PersonDefinition,
    PersonChanges,
    TokenDefinition,
    CalendarDefinition,
    FreezeRequest,
    FreezeChanges,
    EventReport,
    VariableDefinition,
    VariableChanges,
    WorkspaceDefinition,
    DeployRequest,
    TemplateDefinition,
    WorkspaceChanges,
    QueueSettings,
    AlertNote,
    AlertMute,
    AlertRuleChanges,
    ChannelDefinition,
    CheckInDefinition,
    AccessRequest,
    AlertBulk,
    EditPreview,
    EditApply,
    ImportRequest,
    ImportApply,
    EditUndo,
    OwnRule,
    PreferenceRequest,
    FilterRequest,
)


def body_schemas() -> dict[str, Any]:
    """Return the schemas of bodies, with everything that they refer to."""
    from jobs.api.previews import PreviewRequest

    schemas: dict[str, Any] = {}
    models: tuple[type[BaseModel], ...] = (*_MODELS, PreviewRequest)
    for model in models:
        schema = model.model_json_schema(ref_template=REFERENCE)
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    definition = schemas["JobDefinition"]
    definition["properties"]["workspace"]["description"] = (
        "Null: a job of its own, in no workspace."
    )
    by_name = {"type": "string", "description": "The name of a shared circuit breaker."}
    definition["properties"]["breaker"]["anyOf"].insert(0, by_name)
    schemas["BreakerChanges"] = _changes("BreakerChanges", schemas["BreakerDefinition"])
    schemas["ChannelChanges"] = _changes("ChannelChanges", schemas["ChannelDefinition"])
    schemas["CheckInChanges"] = _changes("CheckInChanges", schemas["CheckInDefinition"])
    schemas["OwnRuleChanges"] = _changes("OwnRuleChanges", schemas["OwnRule"])
    schemas["PreferenceChanges"] = _changes("PreferenceChanges", schemas.pop("PreferenceRequest"))
    schemas["JobChanges"] = _changes("JobChanges", definition)
    schemas["CalendarChanges"] = _changes("CalendarChanges", schemas["CalendarDefinition"])
    schemas["JobDefinition"] = {
        **definition,
        "properties": {
            **definition["properties"],
            "paused": {"type": "boolean", "default": False, "description": "Create it paused."},
        },
    }
    schemas["PauseReason"] = {
        "title": "PauseReason",
        "type": "object",
        "properties": {"reason": {"type": "string", "default": ""}},
    }
    schemas["TriggerRequest"] = {
        "title": "TriggerRequest",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "parameters": {
                "type": ["object", "null"],
                "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
                "description": "Values by name; a text that reads as the declared type is taken.",
            }
        },
    }
    return schemas


def _changes(title: str, definition: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of changes to what ``definition`` describes: nothing is required."""
    return {
        **{key: value for key, value in definition.items() if key != "required"},
        "title": title,
        "description": "The fields to change; those that are not named stay.",
    }
