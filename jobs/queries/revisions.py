"""The counters that say whether anything changed since a page was drawn."""

from __future__ import annotations

from django.db.models import Sum

from jobs.models import Revision


def revision(*topics: str) -> str:
    """Return a short text that differs whenever one of ``topics`` changed; one small query."""
    sums = dict(
        Revision.objects.filter(topic__in=topics).values_list("topic").annotate(total=Sum("value"))
    )
    return "-".join(str(sums.get(topic, 0)) for topic in topics)
