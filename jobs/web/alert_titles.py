"""What an alert says, in the reader's language."""

from __future__ import annotations

from jobs.models import Alert


def title_of(row: Alert) -> str:
    """Return the sentence of an alert."""
    return row.title
