"""When the dispatcher has something to do next."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from django.db import connection

# Probes of partial indexes, however many jobs there are. In the text, since with parameters neither
# database would use them.
_MOMENTS = (
    "SELECT "
    "(SELECT min(next_fire_at) FROM jobs_job WHERE next_fire_at IS NOT NULL), "
    "(SELECT min(retry_at) FROM jobs_execution WHERE state = 'retrying'), "
    "(SELECT min(wait_until) FROM jobs_execution WHERE wait_until IS NOT NULL), "
    "(SELECT min(next_at) FROM jobs_backfill WHERE next_at IS NOT NULL), "
    "(SELECT min(at) FROM jobs_occurrence WHERE served_until IS NOT NULL)"
)


class Moments(NamedTuple):
    """When each kind of work is due next; None when there is none of it."""

    job: datetime | None
    retry: datetime | None
    start: datetime | None  # of an execution that jitter or spread has put off
    backfill: datetime | None
    event: datetime | None

    @property
    def first(self) -> datetime | None:
        """Return the earliest of them."""
        return min((moment for moment in self if moment is not None), default=None)


def moments() -> Moments:
    """Return when each kind of work is due next, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_MOMENTS)
        return Moments(*map(_moment, cursor.fetchone()))


def next_moment() -> datetime | None:
    """Return when anything is due next; None when nothing is."""
    return moments().first


def _moment(value: datetime | str | None) -> datetime | None:
    """Return a moment as the database gives it; SQLite gives an expression's text."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
