"""Turn Pydantic's findings into one sentence a field, the same on every face."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from jobs.domain.errors import InvalidError, JobdeckError
from jobs.services.allowed_fields import no_such_field
from jobs.services.findings import WHOLE
from jobs.services.storable import check_storable

Model = TypeVar("Model", bound=BaseModel)


def parsed(model: type[Model], data: Mapping[str, Any]) -> Model:
    """Return what ``data`` holds; InvalidError names each field and value that is wrong."""
    check_storable(dict(data))
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        # Not chained: the finding repeats what was sent, a secret perhaps.
        raise invalid_from(error, model) from None


@contextmanager
def named(field: str = "") -> Iterator[None]:
    """Let a domain error pass through Pydantic with its own words, and its fields if it has any."""
    try:
        yield
    except JobdeckError as error:
        context: dict[str, Any] = {
            "sentence": error.message,
            "fields": error.fields,
            "under": field,
        }
        raise PydanticCustomError("refused", "{sentence}", context) from error


def invalid_from(error: ValidationError, model: type[BaseModel] | None = None) -> InvalidError:
    """Return an InvalidError whose fields are keyed like ``schedules.0.expression``.

    With the model that refused, what is no field of it is told with those that there are.
    """
    fields: dict[str, str] = {}
    for detail in error.errors(include_url=False):
        fields.update(_sentences(detail, model))
    return together(fields)


def together(fields: dict[str, str]) -> InvalidError:
    """Return one error with a sentence a field."""
    lines = [text if key == WHOLE else f"{key}: {text}" for key, text in fields.items()]
    return InvalidError(" ".join(lines), fields=fields)


def _sentences(detail: ErrorDetails, model: type[BaseModel] | None) -> dict[str, str]:
    """Return field name -> sentence for one finding."""
    place = ".".join(str(part) for part in detail["loc"] if not str(part).endswith("]"))
    context: Mapping[str, Any] = detail.get("ctx") or {}
    if detail["type"] == "refused":
        under = ".".join(part for part in (place, context.get("under", "")) if part)
        inner: Mapping[str, str] = context.get("fields") or {}
        if inner:
            return {".".join(p for p in (under, key) if p): text for key, text in inner.items()}
        return {under or WHOLE: str(context.get("sentence", detail["msg"]))}
    if detail["type"] == "extra_forbidden":
        return {place or WHOLE: no_such_field(model, detail["loc"])}
    return {place or WHOLE: _plain(detail, context)}


def _plain(detail: ErrorDetails, context: Mapping[str, Any]) -> str:
    """Return a sentence for one of Pydantic's own findings, naming the value."""
    value = _shown(detail.get("input"))
    limits = {
        "greater_than_equal": f"{value} is too small. Use {context.get('ge')} or more.",
        "greater_than": f"{value} is too small. Use more than {context.get('gt')}.",
        "less_than_equal": f"{value} is too large. Use {context.get('le')} or less.",
        "missing": "This field is required.",
        "string_too_long": f"Too long. Use {context.get('max_length')} characters or less.",
        "string_too_short": _too_short(value, context.get("min_length")),
        "too_short": f"Too few. Use {context.get('min_length')} or more.",
        "too_long": f"Too many. Use {context.get('max_length')} or less.",
        "literal_error": f"{value} is not allowed. Use {context.get('expected')}.",
    }
    return limits.get(detail["type"], f"{value}: {detail['msg']}.")


def _too_short(value: str, least: object) -> str:
    if least == 1:
        return "This field is required."
    return f"{value} is too short. Use {least} characters or more."


def _shown(value: object) -> str:
    """Return ``value`` short enough for a sentence."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"
