"""The counters that say whether anything changed since a page was drawn."""

from __future__ import annotations

from django.db import connection

_SUMS = "SELECT topic, SUM(value) FROM jobs_revision WHERE topic IN ({}) GROUP BY topic"


def revision(*topics: str) -> str:
    """Return a short text that differs whenever one of ``topics`` changed; one small query."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS.format(", ".join(["%s"] * len(topics))), topics)
        sums = dict(cursor.fetchall())
    return "-".join(str(sums.get(topic, 0)) for topic in topics)
