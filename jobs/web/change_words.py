"""What differs between two versions of a definition, as a page shows it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from jobs.domain.definition_changes import FieldChange
from jobs.services.definitions import KEPT, ScheduleDefinition
from jobs.web import schedules
from jobs.web.differences import value_text

_MOST_LINES = 200
_CONTEXT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One field: both values, or the lines of a text that differ, each with its sign."""

    field: str
    before: str = ""
    after: str = ""
    lines: Sequence[tuple[str, str]] = ()
    cut: bool = False


def row(one: FieldChange) -> ChangeRow:
    """Return a field's row; the lines of a script are compared line by line."""
    name = _name(one)
    texts = [text if isinstance(text, str) else "" for text in (one.before, one.after)]
    if any("\n" in text.strip() for text in texts):
        found = _lines(*texts)
        return ChangeRow(field=name, lines=found[:_MOST_LINES], cut=len(found) > _MOST_LINES)
    told = _schedules if one.field == "schedules" else _text
    return ChangeRow(field=name, before=told(one.before), after=told(one.after))


def rows(changes: Sequence[FieldChange]) -> list[ChangeRow]:
    """Return the rows of all fields."""
    return [row(one) for one in changes]


def names(changes: Sequence[FieldChange]) -> str:
    """Return which fields differ, in a few words."""
    return ", ".join(_name(one) for one in changes)


def _name(one: FieldChange) -> str:
    return one.field.removeprefix("spec.").replace("_", " ")


def _lines(before: str, after: str) -> list[tuple[str, str]]:
    told = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=_CONTEXT)
    found = [line for line in told if not line.startswith(("---", "+++"))]
    return [(" ", "…") if line.startswith("@@") else (line[0], line[1:]) for line in found[1:]]


def _schedules(stored: object) -> str:
    """Return schedules in words and as they are written; as stored where a release knew others."""
    try:
        found = [
            ScheduleDefinition.model_validate(one, context=KEPT).rule(anchor_at=timezone.now())
            for one in stored or ()  # type: ignore[attr-defined]  # what is none of these, raises
        ]
    except (TypeError, ValueError):
        return _text(stored)
    told = [f"{schedules.words([rule])} ({schedules.written([rule])})" for rule in found]
    return "; ".join(told) or _text(None)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = ", ".join(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value_text(value)
