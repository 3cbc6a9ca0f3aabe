"""The OpenAPI 3.1 document: what ninja knows of the operations, and what it cannot know.

Bodies are validated by the services, so that every face says the same; here they are only described.
"""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI

from jobs.api import sparse
from jobs.api.body_examples import EXAMPLES
from jobs.api.body_schemas import REFERENCE, body_schemas
from jobs.api.problem_schema import PROBLEM, REFUSALS


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
    content = {"schema": {"$ref": REFERENCE.format(model=model)}, "examples": EXAMPLES[model]}
    return {"requestBody": {"required": required, "content": {"application/json": content}}}


def document(api: NinjaAPI) -> dict[str, Any]:
    """Return the whole document, as plain JSON."""
    found: dict[str, Any] = dict(api.get_openapi_schema())
    schemas: dict[str, Any] = found["components"]["schemas"]
    schemas.update(body_schemas())
    schemas["Problem"] = PROBLEM
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            _complete(operation, method=method, path=path)
            sparse.describe(operation, schemas)
    return found


def _complete(operation: dict[str, Any], *, method: str, path: str) -> None:
    """Add what every operation may answer, and the path parameters' range."""
    for status, text in REFUSALS.items():
        content = {
            "application/problem+json": {"schema": {"$ref": REFERENCE.format(model="Problem")}}
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
