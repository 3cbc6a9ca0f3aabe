"""What differs between two definitions of a job, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Fields that are tables of their own: told entry by entry, as ``spec.command``.
_TABLES = frozenset({"spec", "retry", "environment", "breaker"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that differs; None where a side does not have it."""

    field: str
    before: Any
    after: Any


def changes_between(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    shown: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None,
) -> list[FieldChange]:
    """Return the fields that differ; a field that only one side knows of is none.

    A definition does not say what came with a later release of the product. ``shown`` are both
    sides as the reader may see them: a secret that was changed is told, its values are not.
    """
    seen_before, seen_after = shown or (before, after)
    return [
        FieldChange(
            field=".".join(path), before=_at(seen_before, path), after=_at(seen_after, path)
        )
        for path in _paths(before, after)
    ]


def _paths(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name in after:
        if name not in before or before[name] == after[name]:
            continue
        old, new = before[name], after[name]
        if name in _TABLES and isinstance(old, Mapping) and isinstance(new, Mapping):
            keys = dict.fromkeys([*old, *new])
            yield from ((name, key) for key in keys if old.get(key) != new.get(key))
        else:
            yield (name,)


def _at(definition: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = definition
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
