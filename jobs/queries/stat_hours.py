"""Sums of each hour over the jobs that somebody sees, remembered where they change no more.

A reader of some jobs has no sums of his own in the database: those of his jobs are added up, which for
90 days of a thousand jobs are millions of rows. What ended three hours ago does not change, so it is
added up once for each set of jobs, and later looks read the newest hours; of a set with jobs more than
a known one has, the rows of those jobs. Only figures that were mended are read anew.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet, Sum

from jobs.models import JobStat
from jobs.models.stat import DURATION_COLUMNS, OUTCOMES
from jobs.queries.revisions import revision

SETTLED = timedelta(hours=3)
SUMS = ("run_seconds", "wait_seconds", *OUTCOMES, *DURATION_COLUMNS)
# Sets of jobs that are remembered, each some megabytes; and for how long at most.
MOST_SETS = 8
KEPT_SECONDS = 7 * 24 * 3600.0
# An ending may be written late, as after an outage of the database: so often, so much is read again.
AGAIN_SECONDS = 6 * 3600.0
LATE = timedelta(days=3)
# More jobs than this are not asked for by number.
MOST_ADDED = 500

Hours = dict[datetime, Sequence[float]]


@dataclass(slots=True)
class _Known:
    """The settled hours of a set of jobs from ``since`` to before ``until``."""

    since: datetime
    until: datetime
    mended: str  # the revision of mended figures that it knows
    at: float = field(default_factory=time.monotonic)
    late_at: float = field(default_factory=time.monotonic)  # when the last days were read again
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
        known, added = self._taken(jobs, start, revision("figures"))
        if added:
            of_added = _read(JobStat.objects.filter(job__in=added), known.since, known.until)
            known.hours = _together(known.hours, of_added)
        if time.monotonic() - known.late_at > AGAIN_SECONDS:
            known.until = max(known.since, known.until - LATE)
            known.late_at = time.monotonic()
            known.hours = {hour: sums for hour, sums in known.hours.items() if hour < known.until}
        if start < known.since:
            known.hours |= _read(rows, start, known.since)
            known.since = start
        if known.until < until:
            known.hours |= _read(rows, known.until, until)
            known.until = until
        self._keep(jobs, known)
        newest = _read(rows, known.until, end)
        return {hour: sums for hour, sums in known.hours.items() if start <= hour < end} | newest

    def _taken(
        self, jobs: frozenset[int], start: datetime, mended: str
    ) -> tuple[_Known, frozenset[int]]:
        """Return a copy of what is known, for this thread alone, and the jobs that it lacks."""
        oldest = time.monotonic() - KEPT_SECONDS
        with self._lock:
            usable = [
                (jobs - of, known)
                for of, known in self._sets.items()
                if of <= jobs
                and len(jobs - of) <= min(MOST_ADDED, len(of))
                and known.mended == mended
                and known.at > oldest
            ]
            if not usable:
                return _Known(start, start, mended), frozenset()
            added, known = min(usable, key=lambda one: len(one[0]))
            return replace(known, hours=dict(known.hours)), added

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


def _together(one: Hours, two: Hours) -> Hours:
    """Return the sums of two sets of jobs; the last figure is the greatest."""
    return one | {
        hour: [*map(sum, zip(sums[:-1], one[hour][:-1], strict=True)), max(sums[-1], one[hour][-1])]
        if hour in one
        else sums
        for hour, sums in two.items()
    }


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
