"""Turn Pydantic's findings into one sentence a field, the same on every face."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from jobs.domain.errors import InvalidError, JobdeckError
from jobs.domain.said import said, told
from jobs.executors.faults import REASONS, expected
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
    lines = [text if key == WHOLE else told((f"{key}:", text)) for key, text in fields.items()]
    return InvalidError(told(lines), fields=fields)


def _sentences(detail: ErrorDetails, model: type[BaseModel] | None) -> dict[str, str]:
    """Return field name -> sentence for one finding."""
    place = ".".join(str(part) for part in detail["loc"] if not str(part).endswith("]"))
    context: Mapping[str, Any] = detail.get("ctx") or {}
    if detail["type"] == "refused":
        under = ".".join(part for part in (place, context.get("under", "")) if part)
        inner: Mapping[str, str] = context.get("fields") or {}
        if inner:
            return {".".join(p for p in (under, key) if p): text for key, text in inner.items()}
        sentence: str = context.get("sentence", detail["msg"])
        return {under or WHOLE: sentence}
    if detail["type"] == "extra_forbidden":
        return {place or WHOLE: no_such_field(model, detail["loc"])}
    return {place or WHOLE: _plain(detail, context)}


def _plain(detail: ErrorDetails, context: Mapping[str, Any]) -> str:
    """Return a sentence for one of Pydantic's own findings, naming the value."""
    if detail["type"] == "value_error" and "error" in context:
        # A check of our own: its words are a sentence, but for the full stop.
        return told([str(context["error"]), "."], "")
    value, limit = _shown(detail.get("input")), _limit(context)
    limits = {
        "greater_than_equal": said(
            "{value} is too small. Use {limit} or more.", value=value, limit=limit
        ),
        "greater_than": said(
            "{value} is too small. Use more than {limit}.", value=value, limit=limit
        ),
        "less_than_equal": said(
            "{value} is too large. Use {limit} or less.", value=value, limit=limit
        ),
        "missing": said("This field is required."),
        "string_too_long": said("Too long. Use {limit} characters or less.", limit=limit),
        "string_too_short": _too_short(value, limit),
        "too_short": said("Too few. Use {limit} or more.", limit=limit),
        "too_long": said("Too many. Use {limit} or less.", limit=limit),
        "literal_error": said(
            "{value} is not allowed. Use {allowed}.", value=value, allowed=expected(context)
        ),
    }
    reason = _reason(detail, context)
    return limits.get(detail["type"], said("{value}: {reason}.", value=value, reason=reason))


def _reason(detail: ErrorDetails, context: Mapping[str, Any]) -> str:
    """Return what Pydantic finds."""
    if detail["type"] == "enum":
        return said("Input should be {allowed}", allowed=expected(context))
    made = (one for one in _with_values(context) if one == detail["msg"])
    return next(made, REASONS.get(detail["msg"], detail["msg"]))


def _with_values(context: Mapping[str, Any]) -> Iterator[str]:
    """Yield what Pydantic may have found, with the values that it names."""
    if "class_name" in context:
        yield said(
            "Input should be a valid dictionary or instance of {name}", name=context["class_name"]
        )
    if "error" in context:
        why = _NO_MOMENT.get(str(context["error"]), str(context["error"]))
        yield said("Input should be a valid datetime or date, {why}", why=why)
        yield said("Input should be a valid date or datetime, {why}", why=why)


# Why Pydantic takes a text for no date and no moment.
_NO_MOMENT: dict[str, str] = {
    one: one
    for one in (
        said("input is too short"),
        said("invalid character in year"),
        said("invalid date separator, expected `-`"),
        said("month value is outside expected range of 1-12"),
        said("day value is outside expected range"),
        said("unexpected extra characters at the end of the input"),
    )
}


def _limit(context: Mapping[str, Any]) -> object:
    """Return the bound that one of Pydantic's findings names."""
    names = ("ge", "gt", "le", "max_length", "min_length")
    return next((context[name] for name in names if name in context), None)


def _too_short(value: str, least: object) -> str:
    if least == 1:
        return said("This field is required.")
    return said("{value} is too short. Use {least} characters or more.", value=value, least=least)


def _shown(value: object) -> str:
    """Return ``value`` short enough for a sentence."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"
