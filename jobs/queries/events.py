"""Events that were reported, for programs and pages."""

from __future__ import annotations

from django.db.models import Q

from jobs.models import Occurrence
from jobs.models.event import AFTER, ENDED
from jobs.queries.listing import Page


def list_occurrences(
    *, event: str = "", after: int | None = None, limit: int = 100
) -> Page[Occurrence]:
    """Return a page of events, newest first."""
    # The ends of runs that start other jobs are told by those jobs.
    ends = Q(event__startswith=ENDED) | Q(event__startswith=AFTER)
    rows = Occurrence.objects.exclude(ends).order_by("-pk")
    if event:
        rows = rows.filter(event=event)
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)
