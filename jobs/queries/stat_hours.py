"""Sums of each hour over the jobs that somebody sees, remembered where they change no more.

A reader of some jobs has no sums of his own in the database: those of his jobs are added up, which for
90 days of a thousand jobs are millions of rows. What ended three hours ago does not change, so it is
added up once for each set of jobs, and later looks read the newest hours.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet, Sum

from jobs.models import JobStat
from jobs.models.stat import DURATION_COLUMNS, OUTCOMES

SETTLED = timedelta(hours=3)
SUMS = ("run_seconds", "wait_seconds", *OUTCOMES, *DURATION_COLUMNS)
# Sets of jobs that are remembered, each some megabytes; and for how long, since figures can be mended.
MOST_SETS = 8
KEPT_SECONDS = 6 * 3600.0

Hours = dict[datetime, Sequence[float]]


@dataclass(slots=True)
class _Known:
    """The settled hours of a set of jobs from ``since`` to before ``until``."""

    since: datetime
    until: datetime
    at: float
    hours: Hours = field(default_factory=dict)


class Remembered:
    """Sums of hours by the sets of jobs asked for lately."""

    def __init__(self) -> None:
        """Know nothing."""
        self._sets: OrderedDict[frozenset[int], _Known] = OrderedDict()
        self._lock = threading.Lock()

    def hours(
        self, jobs: frozenset[int], rows: QuerySet[JobStat], start: datetime, end: datetime
    ) -> Hours:
        """Return the sums of each hour from ``start`` to before ``end``; reads what is not known."""
        until = end - SETTLED
        known = self._taken(jobs, start)
        if start < known.since:
            known.hours |= _read(rows, start, known.since)
            known.since = start
        if known.until < until:
            known.hours |= _read(rows, known.until, until)
            known.until = until
        self._keep(jobs, known)
        newest = _read(rows, known.until, end)
        return {hour: sums for hour, sums in known.hours.items() if start <= hour < end} | newest

    def _taken(self, jobs: frozenset[int], start: datetime) -> _Known:
        """Return a copy of what is known, for this thread alone."""
        with self._lock:
            known = self._sets.get(jobs)
            if known is None or time.monotonic() - known.at > KEPT_SECONDS:
                return _Known(start, start, time.monotonic())
            return _Known(known.since, known.until, known.at, dict(known.hours))

    def _keep(self, jobs: frozenset[int], known: _Known) -> None:
        with self._lock:
            self._sets[jobs] = known
            self._sets.move_to_end(jobs)
            while len(self._sets) > MOST_SETS:
                self._sets.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._sets.clear()


REMEMBERED = Remembered()


def _read(rows: QuerySet[JobStat], start: datetime, end: datetime) -> Hours:
    """Add up each hour; one query."""
    if start >= end:
        return {}
    sums: dict[str, Any] = {f"all_{name}": Sum(name) for name in SUMS}
    found = (
        rows.filter(hour__gte=start, hour__lt=end)
        .order_by()
        .values_list("hour")
        .annotate(**sums, longest=Max("longest_seconds"))
    )
    return {hour: [value or 0 for value in values] for hour, *values in found}


@dataclass(frozen=True, slots=True)
class AddedHours:
    """Sums of hours as a source of statistics."""

    of: Hours

    def sums(self, start: datetime, end: datetime) -> Mapping[str, Any]:
        """Return everything from ``start`` to before ``end`` in one row."""
        rows = [sums for hour, sums in self.of.items() if start <= hour < end]
        added = [sum(column) for column in zip(*rows, strict=True)][: len(SUMS)]
        found: dict[str, Any] = dict(
            zip((f"all_{name}" for name in SUMS), added or [0] * len(SUMS), strict=True)
        )
        return found | {"longest": max((sums[-1] for sums in rows), default=0.0)}

    def hours(self, start: datetime, end: datetime) -> Iterable[Mapping[str, Any]]:
        """Return a row of each hour."""
        names = [f"all_{name}" for name in SUMS]
        return [
            {"hour": hour, **dict(zip(names, sums, strict=False))}
            for hour, sums in sorted(self.of.items())
            if start <= hour < end
        ]
