"""Events that were reported, for programs and pages."""

from __future__ import annotations

from jobs.models import Occurrence
from jobs.queries.listing import Page


def list_occurrences(
    *, event: str = "", after: int | None = None, limit: int = 100
) -> Page[Occurrence]:
    """Return a page of events, newest first."""
    rows = Occurrence.objects.order_by("-pk")
    if event:
        rows = rows.filter(event=event)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)
