"""Sparse documents: ``?fields=id,name`` answers just these, on every operation that reads."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import wraps
from typing import Any, get_args

from ninja.operation import Operation
from pydantic import BaseModel

from jobs.api.requests import ITEMS, ApiRequest
from jobs.domain.errors import InvalidError

PARAMETER = "fields"
_LONGEST = 1000
_DESCRIPTION = {
    "in": "query",
    "name": PARAMETER,
    "required": False,
    "schema": {"type": "string", "maxLength": _LONGEST},
    "description": "Answer only these fields, with commas between them; of a list's items.",
}
_PREFIX = "#/components/schemas/"


def attach(operation: Operation) -> None:
    """Let an operation that answers one document, or a list of them, take ``fields``."""
    known = _fields_of(operation)
    if operation.methods != ["GET"] or not known:
        return
    view = operation.view_func
    extra = dict(operation.openapi_extra or {})
    extra["parameters"] = [*extra.get("parameters", []), _DESCRIPTION]
    operation.openapi_extra = extra

    @wraps(view)
    def chosen(request: ApiRequest, **values: Any) -> Any:
        request.sparse = _asked(request.GET.get(PARAMETER), known)
        return view(request, **values)

    operation.view_func = chosen


def _fields_of(operation: Operation) -> list[str]:
    """Return the names of the document's fields, or of its items'."""
    answer = operation.response_models.get(200)
    document = getattr(answer, "model_fields", {}).get("response")
    model = None if document is None else document.annotation
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return []
    listed = model.model_fields.get(ITEMS)
    inner = get_args(listed.annotation) if listed is not None else ()
    if inner and isinstance(inner[0], type) and issubclass(inner[0], BaseModel):
        model = inner[0]
    elif listed is not None:
        return []  # of plain values
    return [field.serialization_alias or name for name, field in model.model_fields.items()]


def _asked(text: str | None, known: list[str]) -> frozenset[str] | None:
    if text is None or not text.strip():
        return None
    names = [name.strip() for name in text[: _LONGEST + 1].split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        sentence = f"{unknown[0][:80]!r} is not a field. Use {', '.join(known)}."
        raise InvalidError(f"{PARAMETER}: {sentence}", fields={PARAMETER: sentence})
    return frozenset(names)


def describe(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Say that with ``fields`` nothing of a document is required."""
    if not any(one["name"] == PARAMETER for one in operation.get("parameters", [])):
        return
    content = operation["responses"][200]["content"]["application/json"]
    name = content["schema"]["$ref"].removeprefix(_PREFIX)
    whole = schemas[name]
    listed = whole["properties"].get(ITEMS, {}).get("items", {}).get("$ref")
    sparse = copy.deepcopy(whole)
    if listed is None:
        _loosen(sparse)
    else:
        item = listed.removeprefix(_PREFIX)
        schemas[f"{item}Part"] = _loosened(schemas[item], item)
        sparse["properties"][ITEMS]["items"]["$ref"] = f"{_PREFIX}{item}Part"
    schemas[f"{name}Part"] = {**sparse, "title": f"{name}Part"}
    content["schema"] = {"anyOf": [{"$ref": _PREFIX + name}, {"$ref": f"{_PREFIX}{name}Part"}]}


def _loosened(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = copy.deepcopy(dict(schema))
    _loosen(found)
    return {**found, "title": f"{name}Part"}


def _loosen(schema: dict[str, Any]) -> None:
    schema.pop("required", None)
