"""What is wrong with a spec, in sentences: a field's own checks, and what Pydantic finds by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from jobs.domain.said import said
from jobs.executors.base import Spec

# What Pydantic itself says most often, so that a page can say it in its reader's language.
REASONS: dict[str, str] = {
    one: one
    for one in (
        said("Input should be a valid string"),
        said("Input should be a valid integer"),
        said("Input should be a valid integer, unable to parse string as an integer"),
        said("Input should be a valid integer, got a number with a fractional part"),
        said("Input should be a valid number"),
        said("Input should be a valid number, unable to parse string as a number"),
        said("Input should be a valid boolean"),
        said("Input should be a valid boolean, unable to interpret input"),
        said("Input should be a valid list"),
        said("Input should be a valid dictionary"),
    )
}
# How Pydantic calls what has too many or too few items.
_KINDS: dict[str, str] = {one: one for one in (said("Dictionary"), said("List"))}


def sentences(error: ValidationError, job_type: str, model: type[Spec]) -> dict[str, str]:
    """Return a sentence for each field that is wrong, by its path such as ``limits.nice``."""
    found: dict[str, str] = {}
    for fault in error.errors(include_url=False):
        field = ".".join(map(str, fault["loc"])) or "spec"
        found.setdefault(field, _sentence(field, dict(fault), job_type, model))
    return found


def required(called: str, job_type: str) -> str:
    """Say that a job of this type cannot do without something."""
    return said("{what} is required for {type} jobs", what=called, type=job_type)


def _sentence(field: str, fault: dict[str, Any], job_type: str, model: type[Spec]) -> str:
    if fault["input"] is None or fault["type"] == "missing":
        return required(model.called.get(field, field), job_type)
    match fault["type"]:
        case "extra_forbidden":
            return said(
                "unknown field {field!r} for {type} jobs; allowed: {allowed}",
                field=field,
                type=job_type,
                allowed=", ".join(model.model_fields),
            )
        case "value_error":
            return str(fault["ctx"]["error"])
        case _:
            return said(
                "{field}: {reason}, not {value!r:.80}",
                field=field,
                reason=_reason(fault["msg"], fault.get("ctx") or {}),
                value=fault["input"],
            )


def _reason(message: str, context: Mapping[str, Any]) -> str:
    """Return what Pydantic says, as a sentence that a page can tell where it is a known one."""
    if message in REASONS:
        return REASONS[message]
    return next((one for one in _with_limits(context) if one == message), message)


def _with_limits(context: Mapping[str, Any]) -> Iterator[str]:
    """Yield the sentences that name what is allowed, as far as the finding knows it."""
    values = dict(context)
    kind = _KINDS.get(values.get("field_type", ""), "")
    if "ge" in values:
        yield said("Input should be greater than or equal to {ge}", ge=_plain(values["ge"]))
    if "le" in values:
        yield said("Input should be less than or equal to {le}", le=_plain(values["le"]))
    if "expected" in values:
        yield said("Input should be {allowed}", allowed=expected(values))
    if "class_name" in values:
        name = values["class_name"]
        yield said("Input should be a valid dictionary or instance of {name}", name=name)
    if "max_length" in values:
        most = values["max_length"]
        yield said("String should have at most {most} characters", most=most)
        yield said(
            "{kind} should have at most {most} items after validation, not {count}",
            kind=kind,
            most=most,
            count=values.get("actual_length", ""),
        )
    if "min_length" in values:
        least = values["min_length"]
        yield said("String should have at least {least} character", least=least)
        yield said(
            "{kind} should have at least {least} item after validation, not {count}",
            kind=kind,
            least=least,
            count=values.get("actual_length", ""),
        )


def expected(context: Mapping[str, Any]) -> str:
    """Return the values that Pydantic would take, which it joins in English."""
    rest, joint, last = str(context.get("expected")).rpartition(" or ")
    return said("{rest} or {last}", rest=rest, last=last) if joint else last


def _plain(limit: object) -> str:
    """Return a bound as Pydantic writes it: a whole number without a point."""
    return f"{limit:.15g}" if isinstance(limit, float) else str(limit)
