"""Find a moment in the history by its ids: executions are numbered in the order of their making."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection

from jobs.queries.pieces import pieces

_PROBES = 32  # looked at in one statement: five statements find a moment among 30 million
_ENDS = "SELECT (SELECT min(id) FROM jobs_execution), (SELECT max(id) FROM jobs_execution)"
_PROBE = "SELECT id, queued_at FROM jobs_execution WHERE id >= {key} ORDER BY id LIMIT 1"


def first_id_from(moment: datetime) -> int:
    """Return the id from which on executions were queued at or after ``moment``.

    There is no index on the time of queueing, and none is needed: ids grow with it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ENDS)
        least, most = cursor.fetchone()
    low, high = least or 0, (most or 0) + 1
    while low < high:
        places = range(low, high, max((high - low) // _PROBES, 1))
        for place, (found, queued_at) in zip(places, _look(places), strict=False):
            if queued_at >= moment:
                high = place
                break
            low = max(low, found + 1)
        else:
            low = max(low, places[-1] + 1)  # the last ones may be empty places
    return high


def as_moment(value: datetime | str | None) -> datetime | None:
    """Return a moment of a raw statement: SQLite gives its text, in UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)


def _look(places: range) -> list[tuple[int, datetime]]:
    """Return the first execution from each place on."""
    found = [(pk, as_moment(queued_at)) for pk, queued_at in pieces(_PROBE, places)]
    return sorted((pk, at) for pk, at in found if at is not None)
