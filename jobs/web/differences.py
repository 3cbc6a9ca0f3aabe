"""An edit of what somebody else has changed meanwhile, in words for a table."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.domain.errors import Difference

_LONGEST = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceRow:
    """One field; ``both`` says that the reader has changed it as well."""

    field: str
    before: str
    now: str
    yours: str
    both: bool


def row(one: Difference) -> DifferenceRow:
    """Return a field's row."""
    kept = one.yours in (one.before, one.now)
    return DifferenceRow(
        field=one.field.replace("_", " "),
        before=value_text(one.before),
        now=value_text(one.now),
        yours="" if kept else value_text(one.yours),
        both=not kept,
    )


def value_text(value: object) -> str:
    """Return a stored value as a cell of a table shows it; an empty one in a word."""
    return _("nothing") if value in (None, "", [], {}) else stored_text(value)


def stored_text(value: object) -> str:
    """Return a text as it is and anything else as JSON, cut where a table ends."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
