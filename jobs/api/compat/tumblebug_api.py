"""The interface described: an OpenAPI document, and a page on which to try it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from jobs.api.docs import swagger
from jobs.domain.tumblebug import RESOURCES

_TEXTS = (
    "jobId jobType nsId status connectionName mciNamePrefix option mciFlag createdAt"
    " lastExecutedAt nextExecutionAt lastError lastResult"
)
_NUMBERS = (
    "intervalSeconds executionTimeout executionCount successCount failureCount consecutiveFailures"
)
_SWITCHES = "enabled autoDisabled"
_JOB = "#/components/schemas/Job"
_MESSAGE = "#/components/schemas/Message"
_WHERE = "/registerCspResources/schedule"


def page(request: HttpRequest) -> HttpResponse:
    """Return Swagger UI, which signed-in people use as themselves."""
    return swagger(
        request, title=_("CB-Tumblebug interface"), document_url=reverse("tumblebug-openapi")
    )


def openapi() -> dict[str, Any]:
    """Return the document."""
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "CB-Tumblebug job scheduler, by Jobdeck",
            "version": "1",
            "description": "Scheduled registration of cloud resources.",
        },
        "servers": [{"url": "/tumblebug"}],
        "security": [{}, {"Bearer": []}, {"Basic": []}],
        "paths": {
            _WHERE: {
                "get": _operation("List the jobs", _jobs()),
                "post": _operation("Create a job", _job(), body=_create_body(), conflict=True),
                "delete": _operation("Delete all jobs", _message("deletedCount")),
            },
            f"{_WHERE}/{{jobId}}": {
                "parameters": [_job_id()],
                "get": _operation("Read a job", _job(), missing=True),
                "put": _operation(
                    "Change a job", _job(), body=_update_body(), conflict=True, missing=True
                ),
                "delete": _operation("Stop and delete a job", _message(), missing=True),
            },
            **{
                f"{_WHERE}/{{jobId}}/{verb}": {
                    "parameters": [_job_id()],
                    "put": _operation(f"{verb.title()} a job", _message(), missing=True),
                }
                for verb in ("pause", "resume")
            },
            "/connConfig": {"get": _operation("List the connections", {"type": "object"})},
            "/config": {"get": _operation("List settings and connections", {"type": "object"})},
            "/readyz": {"get": _operation("Say whether it is up", {"type": "object"})},
        },
        "components": {
            "schemas": {"Job": _job_schema(), "Message": _message_schema()},
            "securitySchemes": {
                "Bearer": {"type": "http", "scheme": "bearer"},
                "Basic": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _operation(
    summary: str,
    schema: dict[str, Any],
    *,
    body: dict[str, Any] | None = None,
    conflict: bool = False,
    missing: bool = False,
) -> dict[str, Any]:
    refused = {"description": "Refused, with a message", "content": _json({"$ref": _MESSAGE})}
    codes = ["401", "403", "500"]
    codes += ["400"] if body else []
    codes += ["409"] if conflict else []
    codes += ["404"] if missing else []
    operation: dict[str, Any] = {
        "summary": summary,
        "responses": {
            "200": {"description": "Done", "content": _json(schema)},
            **dict.fromkeys(sorted(codes), refused),
        },
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": _json(body)}
    return operation


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _job_id() -> dict[str, Any]:
    return {
        "name": "jobId",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "example": "registerCspResources-1730188800",
    }


def _job() -> dict[str, Any]:
    return {"$ref": _JOB}


def _jobs() -> dict[str, Any]:
    return {"type": "object", "properties": {"jobs": {"type": "array", "items": _job()}}}


def _message(*counts: str) -> dict[str, Any]:
    more = {name: {"type": "integer"} for name in counts}
    return {"type": "object", "properties": {"message": {"type": "string"}, **more}}


def _message_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "message": {"type": "string"},
            "existingJobId": {"type": "string", "description": "With 409 only."},
        },
    }


def _job_schema() -> dict[str, Any]:
    kinds = {"string": _TEXTS, "integer": _NUMBERS, "boolean": _SWITCHES}
    return {
        "type": "object",
        "properties": {
            name: {"type": kind} for kind, names in kinds.items() for name in names.split()
        },
    }


def _create_body() -> dict[str, Any]:
    example = {
        "jobType": "registerCspResources",
        "nsId": "default",
        "intervalSeconds": 3600,
        "connectionName": "aws-ap-northeast-2",
        "mciNamePrefix": "aws-kr-resources",
    }
    return {
        "type": "object",
        "required": ["jobType", "nsId"],
        "properties": {
            "jobType": {"type": "string", "enum": ["registerCspResources"]},
            **_changeable(),
            "cron": {
                "type": "string",
                "description": "Times of day in place of intervalSeconds, such as 0 3 * * *.",
            },
            "timezone": {"type": "string", "default": "UTC", "description": "Of cron."},
        },
        "example": example,
    }


def _update_body() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**_changeable(), "enabled": {"type": "boolean"}},
        "example": {"intervalSeconds": 7200},
    }


def _changeable() -> dict[str, Any]:
    option = f"Comma separated: {', '.join(RESOURCES)}; empty: all."
    return {
        "nsId": {"type": "string"},
        "intervalSeconds": {"type": "integer", "minimum": 10},
        "connectionName": {"type": "string", "description": "Empty: all connections."},
        "mciNamePrefix": {"type": "string", "default": "mci"},
        "option": {"type": "string", "description": option},
        "mciFlag": {"type": "string", "enum": ["y", "n"], "default": "y"},
        "executionTimeout": {"type": "integer", "minimum": 1, "default": 1800},
    }
