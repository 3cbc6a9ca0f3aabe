"""A condition on a JSON answer: where to look, and one comparison. Nothing is evaluated."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from jobs.domain.said import said

MAX_STEPS = 32
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d{1,9})\]")
_NULLABLE = frozenset({"equals", "not_equals", "contains"})
Step = str | int


class _Missing:
    """What stands at a path that leads nowhere; null is a value."""

    def __repr__(self) -> str:
        return "missing"


MISSING = _Missing()


class JsonCondition(BaseModel):
    """One comparison with the value at ``path``, such as ``data.items[0].state``."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    path: str | Annotated[list[Step], Field(max_length=MAX_STEPS)]
    equals: JsonValue = None
    not_equals: JsonValue = None
    one_of: list[JsonValue] | None = None
    contains: JsonValue = None
    at_least: int | float | None = None
    at_most: int | float | None = None
    exists: bool | None = None

    @field_validator("path")
    @classmethod
    def _check_path(cls, path: str | list[Step]) -> str | list[Step]:
        steps_of(path)
        return path

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self._comparisons()
        if len(given) != 1:
            allowed = ", ".join(name for name in type(self).model_fields if name != "path")
            raise ValueError(
                said(
                    "json_condition needs one comparison, not {n}: {allowed}",
                    n=len(given),
                    allowed=allowed,
                )
            )
        if given[0] not in _NULLABLE and getattr(self, given[0]) is None:
            raise ValueError(said("json_condition: {name} must not be null", name=given[0]))
        return self

    @model_serializer(mode="wrap")
    def _serialize(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the comparisons that are not used: ``equals`` null is one that is."""
        kept = {"path", *self._comparisons()}
        return {name: value for name, value in handler(self).items() if name in kept}

    def fault_of(self, document: Any) -> str | None:
        """Return why a document does not meet the condition; None when it does."""
        name = self._comparisons()[0]
        wanted = getattr(self, name)
        found = value_at(document, steps_of(self.path))
        if _holds(name, found, wanted):
            return None
        return f"{self._place()} is {_brief(found)}, not {_wish(name, wanted)}"

    def _comparisons(self) -> list[str]:
        return [n for n in type(self).model_fields if n != "path" and n in self.model_fields_set]

    def _place(self) -> str:
        return self.path or "the answer" if isinstance(self.path, str) else _brief(self.path)


def steps_of(path: str | list[Step]) -> list[Step]:
    """Return the keys and indexes of a path; an empty one is the whole document."""
    if isinstance(path, list):
        return path
    steps: list[Step] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or len(steps) == MAX_STEPS or (position == 0 and path[0] == "."):
            raise ValueError(
                said(
                    "json_condition: path {path!r} is not written like data.items[0].state",
                    path=path[:80],
                )
            )
        steps.append(match[1] if match[1] is not None else int(match[2]))
        position = match.end()
    return steps


def value_at(document: Any, steps: list[Step]) -> Any:
    """Return what a document holds at a path, or MISSING."""
    for step in steps:
        if isinstance(step, str) and isinstance(document, dict) and step in document:
            document = document[step]
        elif _is_index(step) and isinstance(document, list) and 0 <= int(step) < len(document):
            document = document[int(step)]
        else:
            return MISSING
    return document


def _is_index(step: Step) -> bool:
    return isinstance(step, int) and not isinstance(step, bool)


def _holds(name: str, found: Any, wanted: Any) -> bool:
    if name == "exists":
        return (found is not MISSING) is wanted
    if found is MISSING:
        return False
    match name:
        case "equals":
            return _same(found, wanted)
        case "not_equals":
            return not _same(found, wanted)
        case "one_of":
            return any(_same(found, value) for value in wanted)
        case "contains":
            return _contains(found, wanted)
        case "at_least":
            return _is_number(found) and found >= wanted
        case _:
            return _is_number(found) and found <= wanted


def _contains(found: Any, wanted: Any) -> bool:
    if isinstance(found, str):
        return isinstance(wanted, str) and wanted in found
    if isinstance(found, dict):
        return isinstance(wanted, str) and wanted in found
    return isinstance(found, list) and any(_same(value, wanted) for value in found)


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does: true is not 1, but 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wish(name: str, wanted: Any) -> str:
    if name == "exists":
        return "there" if wanted else "missing"
    words = {"equals": "", "not_equals": "anything else than ", "one_of": "one of "}
    return words.get(name, name.replace("_", " ") + " ") + _brief(wanted)


def _brief(value: Any) -> str:
    if value is MISSING:
        return repr(value)
    # Cut far beyond what is shown: secrets are masked after this, and a piece of one is not found.
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 20_000 else f"{text[:20_000]}…"
