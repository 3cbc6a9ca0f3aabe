"""When the dispatcher has something to do next."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection

# Two probes of partial indexes, however many jobs there are. In the text, since with parameters
# neither database would use them.
_NEXT = (
    "SELECT min(at) FROM (SELECT min(next_fire_at) AS at FROM jobs_job "
    "WHERE next_fire_at IS NOT NULL UNION ALL SELECT min(retry_at) FROM jobs_execution "
    "WHERE state = 'retrying') AS moments"
)


def next_moment() -> datetime | None:
    """Return when the next job or attempt is due; None when nothing is."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT)
        moment = cursor.fetchone()[0]
    if isinstance(moment, str):  # SQLite gives an expression's text
        moment = datetime.fromisoformat(moment)
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment  # type: ignore[no-any-return]  # both databases give a moment
