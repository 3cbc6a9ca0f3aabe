"""The OpenAPI 3.1 document: what ninja knows of the operations, and what it cannot know.

Bodies are validated by the services, so that every face says the same; here they are only described.
"""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI

from jobs.api import sparse
from jobs.services.accounts import PersonChanges, PersonDefinition
from jobs.services.alert_requests import AlertMute, AlertNote, AlertRuleChanges
from jobs.services.backfill_requests import BackfillRequest
from jobs.services.calendars import CalendarDefinition
from jobs.services.channels import ChannelDefinition
from jobs.services.check_ins import CheckInDefinition
from jobs.services.definitions import BreakerDefinition, JobDefinition
from jobs.services.event_requests import EventReport
from jobs.services.freeze_requests import FreezeChanges, FreezeRequest
from jobs.services.many_requests import BulkRequest
from jobs.services.operation_requests import DeployRequest
from jobs.services.queues import QueueSettings
from jobs.services.token_requests import TokenDefinition
from jobs.services.variables import VariableChanges, VariableDefinition
from jobs.services.workspaces import WorkspaceChanges, WorkspaceDefinition

_REFERENCE = "#/components/schemas/{model}"

EXAMPLE_JOB: dict[str, Any] = {
    "name": "report",
    "type": "command",
    "spec": {"command": "date"},
    "schedules": [
        {"kind": "cron", "expression": "*/5 * * * *", "timezone": "Europe/Paris"},
        {"kind": "interval", "seconds": 10, "anchor": "start"},
    ],
    "timeout_seconds": 60,
    "overlap": "skip",
    "misfire": "fire_once",
    "retry": {"max_attempts": 3, "kind": "exponential", "base_seconds": 10},
    "environment": {},
    "tags": [],
}
_EXAMPLES: dict[str, dict[str, Any]] = {
    "JobDefinition": {
        "command": {"summary": "A command every five minutes", "value": EXAMPLE_JOB},
        "script": {
            "summary": "A script, each night, up to three attempts",
            "value": {
                "name": "system-health",
                "type": "script",
                "spec": {"script": "#!/bin/bash\ndf -h /\nfree -m\n"},
                "schedules": [{"kind": "cron", "expression": "0 2 * * *", "timezone": "UTC"}],
                "timeout_seconds": 600,
                "retry": {"max_attempts": 3, "base_seconds": 60},
            },
        },
        "management_command": {
            "summary": "A Django management command, each night",
            "value": {
                "name": "clear-sessions",
                "type": "management_command",
                "spec": {"command": "clearsessions", "args": [], "options": {}},
                "schedules": [{"kind": "cron", "expression": "0 4 * * *", "timezone": "UTC"}],
            },
        },
        "registerCspResources": {
            "summary": "Register the resources of a cloud, an hour after each run",
            "value": {
                "name": "aws-kr-prod",
                "type": "registerCspResources",
                "spec": {
                    "ns_id": "production",
                    "connection_name": "aws-ap-northeast-2",
                    "mci_name_prefix": "aws-kr-prod",
                    "option": "vNet,securityGroup",
                },
                "schedules": [{"kind": "interval", "seconds": 3600}],
                "auto_disable_after": 5,
            },
        },
    },
    "JobChanges": {
        "timeout": {"summary": "Another time limit", "value": {"timeout_seconds": 120}},
        "schedules": {
            "summary": "Other schedules; the list is replaced as a whole",
            "value": {"schedules": [{"kind": "interval", "seconds": 300, "anchor": "start"}]},
        },
    },
    "BackfillRequest": {
        "missed": {
            "summary": "What was missed on a day, one a minute at most",
            "value": {
                "from": "2026-01-31T00:00:00Z",
                "to": "2026-01-31T23:59:59Z",
                "only": "missed",
                "pace_seconds": 60,
            },
        }
    },
    "PersonDefinition": {
        "operator": {
            "summary": "An operator",
            "value": {"username": "otto", "email": "otto@example.org", "role": "operator"},
        }
    },
    "PersonChanges": {
        "role": {"summary": "Another role", "value": {"role": "editor"}},
        "deactivate": {"summary": "Deactivate", "value": {"active": False}},
    },
    "TokenDefinition": {
        "deploy": {
            "summary": "For a deployment: starts the jobs with a tag, for 90 days",
            "value": {
                "name": "deploy",
                "role": "operator",
                "permissions": ["scheduled_job.read", "scheduled_job.execute"],
                "tags": ["deploy"],
                "expires_at": "90d",
            },
        }
    },
    "BulkRequest": {
        "pause": {
            "summary": "Pause two jobs",
            "value": {"action": "pause", "ids": [1, 2], "reason": "Moving the database"},
        },
        "trigger": {"summary": "Start three", "value": {"action": "trigger", "ids": [1, 2, 3]}},
    },
    "TriggerRequest": {
        "parameters": {
            "summary": "With parameters that the job declares",
            "value": {"parameters": {"day": "2026-01-31", "limit": 100}},
        }
    },
    "PauseReason": {"reason": {"summary": "Why", "value": {"reason": "Moving the database"}}},
    "FreezeRequest": {
        "everything": {
            "summary": "Everything, for two hours",
            "value": {"reason": "Moving the database", "duration_seconds": "2h"},
        },
        "tag": {
            "summary": "The jobs with a tag, until somebody lifts it",
            "value": {"scope": "tag", "target": "nightly", "reason": "The disk is full"},
        },
    },
    "FreezeChanges": {
        "longer": {"summary": "An hour from now", "value": {"duration_seconds": 3600}}
    },
    "WorkspaceDefinition": {
        "shop": {"summary": "A workspace", "value": {"name": "shop", "description": "The shop"}}
    },
    "WorkspaceChanges": {
        "close": {"summary": "Let nothing of it run", "value": {"enabled": False}}
    },
    "DeployRequest": {"busy": {"summary": "In a mode", "value": {"mode": "busy"}}},
    "QueueSettings": {
        "limit": {"summary": "Three at a time", "value": {"limit": 3}},
        "none": {"summary": "No limit", "value": {"limit": None}},
    },
    "AlertMute": {"hour": {"summary": "For an hour", "value": {"seconds": 3600}}},
    "AlertNote": {"note": {"summary": "Why", "value": {"note": "The database is moving"}}},
    "AlertRuleChanges": {
        "sooner": {
            "summary": "Critical from the third failure in a row on",
            "value": {"limits": {"critical_in_a_row": 3}},
        }
    },
    "ChannelDefinition": {
        "webhook": {
            "summary": "A signed webhook for critical alerts",
            "value": {
                "name": "pager",
                "kind": "webhook",
                "settings": {"url": "https://pager.example.com/in", "secret": "a long secret"},
                "severity": "critical",
            },
        },
        "email": {
            "summary": "E-mail",
            "value": {"name": "ops", "kind": "email", "settings": {"to": ["ops@example.com"]}},
        },
    },
    "ChannelChanges": {"off": {"summary": "Off", "value": {"enabled": False}}},
    "CheckInDefinition": {
        "backup": {
            "summary": "A backup of another host, each night",
            "value": {
                "name": "backup of db1",
                "expression": "30 2 * * *",
                "timezone": "Europe/Paris",
                "grace_seconds": "1h",
            },
        },
        "period": {
            "summary": "Every 15 minutes",
            "value": {"name": "mail queue", "period_seconds": 900, "grace_seconds": 300},
        },
    },
    "CheckInChanges": {"grace": {"summary": "More time", "value": {"grace_seconds": "2h"}}},
    "BreakerChanges": {
        "longer": {"summary": "Open for ten minutes", "value": {"open_seconds": 600}}
    },
    "CalendarDefinition": {
        "holidays": {
            "summary": "Nothing at night and over the holidays",
            "value": {
                "name": "Quiet hours",
                "mode": "block",
                "timezone": "Europe/Paris",
                "windows": [
                    {
                        "kind": "weekly",
                        "days": ["mon", "tue", "wed", "thu", "fri"],
                        "from": "22:00",
                        "to": "06:00",
                        "label": "Night",
                    },
                    {"kind": "yearly", "month": 12, "day": 25, "label": "Christmas"},
                    {"kind": "date", "date": "2026-12-28", "until": "2026-12-31"},
                ],
            },
        }
    },
    "CalendarChanges": {
        "zone": {"summary": "Another time zone", "value": {"timezone": "Asia/Jakarta"}}
    },
    "VariableDefinition": {
        "secret": {
            "summary": "A secret for every job",
            "value": {"name": "db_password", "value": "correct horse", "secret": True},
        },
        "plain": {
            "summary": "A variable of one job",
            "value": {"name": "db_host", "value": "db.lan", "job_id": None},
        },
    },
    "VariableChanges": {"value": {"summary": "Another value", "value": {"value": "new"}}},
    "EventReport": {
        "deployment": {
            "summary": "A deployment; repeated, it is still one",
            "value": {"event": "@deployment", "detail": "shop 4.2", "key": "shop-4.2"},
        }
    },
    "PreviewRequest": {
        "cron": {
            "summary": "One cron schedule",
            "value": {
                "schedules": [
                    {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Paris"}
                ],
                "count": 3,
            },
        }
    },
}
_REFUSALS = {
    400: "A value cannot be accepted; `fields` names each one.",
    401: "Credentials are missing, unknown, revoked or expired.",
    403: "The caller's role may not do this, or the CSRF token is missing.",
    404: "Nothing has that id.",
    405: "The address does not know this method.",
    409: "The present state, another name or another version stands in the way.",
    413: "The body is larger than 1 MB.",
    415: "The body is compressed.",
    422: "Well-formed, but it cannot be done.",
    429: "More requests a minute than the setting allows; `Retry-After` says when to go on.",
    503: "The database does not answer at the moment.",
}
_PROBLEM = {
    "title": "Problem",
    "description": "RFC 9457: what was wrong, and what to do.",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable, for programs."},
        "detail": {"type": "string", "description": "A sentence for a person."},
        "fields": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "A sentence for each wrong field, such as `schedules.0.expression`.",
        },
        "existing_job_id": {
            "type": "integer",
            "description": "With `duplicate`: the job that registers the same resources.",
        },
        "version": {"type": "integer", "description": "With `stale`: the current version."},
        "diff": {
            "type": "array",
            "description": "With `stale`: what has changed since the version of `If-Match`.",
            "items": {
                "type": "object",
                "required": ["field", "before", "now", "yours"],
                "properties": {
                    "field": {"type": "string"},
                    "before": {"description": "As it was edited."},
                    "now": {"description": "As it is."},
                    "yours": {"description": "As the refused edit would have it."},
                },
            },
        },
    },
}


def _answer(content_type: str, *, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the description of an answer that is no JSON document."""
    described = {
        name: {"description": text, "schema": {"type": "string"}}
        for name, text in (headers or {}).items()
    }
    return {
        "description": "OK",
        "content": {content_type: {"schema": {"type": "string"}}},
        "headers": described,
    }


TEXT_ANSWER = {
    "responses": {
        200: _answer(
            "text/plain",
            headers={
                "Log-Next": "Where the next request goes on: its `from`.",
                "Log-Complete": "`true` when the execution has ended and nothing more comes.",
            },
        )
    }
}
FILE_ANSWER = {"responses": {200: _answer("application/octet-stream")}}
ICALENDAR_BODY = {
    "requestBody": {
        "required": True,
        "content": {"text/calendar": {"schema": {"type": "string"}}},
    }
}
_lines = _answer("application/x-ndjson")
LEDGER_ANSWER = {
    "responses": {
        200: {**_lines, "content": {**_lines["content"], **_answer("text/csv")["content"]}}
    }
}


def body_of(model: str, *, required: bool = True) -> dict[str, Any]:
    """Return the description of a JSON body for an operation that reads it by itself."""
    content = {"schema": {"$ref": _REFERENCE.format(model=model)}, "examples": _EXAMPLES[model]}
    return {"requestBody": {"required": required, "content": {"application/json": content}}}


def document(api: NinjaAPI) -> dict[str, Any]:
    """Return the whole document, as plain JSON."""
    found: dict[str, Any] = dict(api.get_openapi_schema())
    schemas: dict[str, Any] = found["components"]["schemas"]
    schemas.update(_request_schemas())
    schemas["Problem"] = _PROBLEM
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(operation, method=method, path=path)
            sparse.describe(operation, schemas)
    return found


def _complete(operation: dict[str, Any], *, method: str, path: str) -> None:
    """Add what every operation may answer, and the path parameters' range."""
    for status, text in _REFUSALS.items():
        content = {
            "application/problem+json": {"schema": {"$ref": _REFERENCE.format(model="Problem")}}
        }
        operation["responses"].setdefault(status, {"description": text, "content": content})
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            parameter["schema"].update(minimum=0, maximum=10**18 - 1)
    operation["operationId"] = operation["operationId"].rstrip("_")
    # The first sentence of the docstring says more than the function's name.
    summary, _, rest = operation.get("description", "").partition("\n\n")
    operation["summary"] = summary.removesuffix(".") or f"{method.upper()} {path}"
    operation["description"] = rest or summary


def _request_schemas() -> dict[str, Any]:
    """Return the schemas of bodies, with everything that they refer to."""
    from jobs.api.previews import PreviewRequest

    schemas: dict[str, Any] = {}
    for model in (
        JobDefinition,
        BreakerDefinition,
        PreviewRequest,
        BackfillRequest,
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
        WorkspaceChanges,
        QueueSettings,
        AlertNote,
        AlertMute,
        AlertRuleChanges,
        ChannelDefinition,
        CheckInDefinition,
    ):
        schema = model.model_json_schema(ref_template=_REFERENCE)
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
