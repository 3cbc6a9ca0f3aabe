"""Statistics of a job, a queue, or all that a reader sees, out of the hourly sums.

Nothing here reads history. Whoever sees only some jobs gets the sums of those jobs, never those of a
queue, which other jobs share.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Max, QuerySet, Sum

from jobs.domain.errors import ForbiddenError, InvalidError
from jobs.domain.histogram import LATENESS_BOUNDS, Histogram
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.domain.zones import zone as zone_of
from jobs.models import EngineStat, Job, JobStat, Stat
from jobs.models.stat import (
    DURATION_COLUMNS,
    LATE_COLUMNS,
    OUTCOMES,
    WAIT_COLUMNS,
)
from jobs.queries.stat_hours import REMEMBERED, AddedHours

HOUR = timedelta(hours=1)
_FAILED = ("failed", "timed_out", "lost")


class Window(StrEnum):
    """The periods that can be asked for."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"

    @property
    def length(self) -> timedelta:
        """Return how long it is."""
        return timedelta(hours=24) if self == Window.DAY else timedelta(days=int(self[:-1]))


def window_of(text: str) -> Window:
    """Return the period that a text names; InvalidError."""
    try:
        return Window(text)
    except ValueError:
        allowed = ", ".join(Window)
        raise InvalidError(
            said(
                "window {window!r} is not allowed. Use {allowed}.",
                window=text[:20],
                allowed=allowed,
            )
        ) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What ended in a period; rates are 0 to 1 and None where nothing ended."""

    outcomes: Mapping[str, int] = field(default_factory=dict)
    run_seconds: float = 0.0
    wait_seconds: float = 0.0
    durations: Histogram = field(default_factory=Histogram)
    waits: Histogram | None = None  # kept by queue only

    @property
    def succeeded(self) -> int:
        """Return how many succeeded."""
        return self.outcomes.get("succeeded", 0)

    @property
    def failed(self) -> int:
        """Return how many failed, timed out or were lost."""
        return sum(self.outcomes.get(name, 0) for name in _FAILED)

    @property
    def ended(self) -> int:
        """Return how many succeeded or failed; what was cancelled or skipped is neither."""
        return self.succeeded + self.failed

    @property
    def success_rate(self) -> float | None:
        """Return the share that succeeded."""
        return self.succeeded / self.ended if self.ended else None

    @property
    def mean_seconds(self) -> float | None:
        """Return how long one ran."""
        return self.run_seconds / self.ended if self.ended else None

    @property
    def mean_wait_seconds(self) -> float | None:
        """Return how long one waited for a worker."""
        return self.wait_seconds / self.ended if self.ended else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One hour or one day."""

    at: datetime
    succeeded: int
    failed: int
    other: int  # cancelled or skipped
    run_seconds: float

    @property
    def ended(self) -> int:
        """Return how many succeeded or failed."""
        return self.succeeded + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """A period, the one before it, its parts, and its week.

    ``heat`` holds runs and failures by weekday (0 is Monday) and hour of the day in ``zone``.
    """

    window: Window
    start: datetime
    end: datetime
    zone: str
    now: Figures
    before: Figures
    parts: list[Part]  # hours for a day, else days; oldest first, none left out
    heat: Mapping[tuple[int, int], tuple[int, int]]

    @property
    def rate_change(self) -> float | None:
        """Return by how much the success rate rose against the period before."""
        return _change(self.now.success_rate, self.before.success_rate)

    @property
    def p95_change(self) -> float | None:
        """Return by which share the 95th percentile rose against the period before."""
        new, old = self.now.durations.quantile(0.95), self.before.durations.quantile(0.95)
        return None if new is None or not old else new / old - 1

    @property
    def per_day(self) -> float:
        """Return how many ended in a day."""
        return self.now.ended / (self.window.length / timedelta(days=1))


def _change(new: float | None, old: float | None) -> float | None:
    return None if new is None or old is None else new - old


def of_job(job_id: int, window: Window, now: datetime, *, zone: str = "UTC") -> Statistics:
    """Return the statistics of a job."""
    return _statistics(_Source(JobStat.objects.filter(job=job_id)), window, now, zone)


def of_queue(queue: str, window: Window, now: datetime, *, zone: str = "UTC") -> Statistics:
    """Return the statistics of a queue."""
    return _statistics(_Source(Stat.objects.filter(queue=queue)), window, now, zone)


def of_all(
    window: Window,
    now: datetime,
    *,
    seen_by: Actor | None = None,
    workspace: str = "",
    queue: str = "",
    tag: str = "",
    zone: str = "UTC",
) -> Statistics:
    """Return the statistics of all jobs that ``seen_by`` may see, or of a workspace, queue or tag.

    Those of a workspace or tag are of the jobs that are in it now. A queue goes with neither: what
    ran in it is not kept by job.
    """
    everything = seen_by is None or seen_by.sees_all
    if queue and not everything:
        raise ForbiddenError(
            said("You may see some jobs only; a queue's figures are of all its jobs.")
        )
    if queue and (workspace or tag):
        raise InvalidError(
            said("Name a queue or a workspace, not both.")
            if workspace
            else said("Name a queue or a tag, not both.")
        )
    if everything and not workspace and not tag:
        rows = Stat.objects.filter(queue=queue) if queue else Stat.objects.all()
        return _statistics(_Source(rows), window, now, zone)
    jobs = Job.objects.visible_to(seen_by)
    if workspace:
        jobs = jobs.in_workspace(workspace)
    if tag:
        jobs = jobs.filter(tag_rows__tag=tag)
    return _of_jobs(jobs, window, now, zone)


def _of_jobs(jobs: QuerySet[Job], window: Window, now: datetime, zone: str) -> Statistics:
    """Return the statistics of some jobs; of long periods only the newest hours are read each time."""
    seen = JobStat.objects.filter(job__in=jobs.values("pk"))
    if window in {Window.DAY, Window.WEEK}:
        return _statistics(_Source(seen), window, now, zone)
    numbers = frozenset(jobs.order_by().values_list("pk", flat=True))
    end = now.replace(minute=0, second=0, microsecond=0) + HOUR
    hours = REMEMBERED.hours(numbers, seen, end - 2 * window.length, end)
    return _statistics(_Remembered(AddedHours(hours)), window, now, zone)


@dataclass(frozen=True, slots=True)
class _Source:
    """The rows to add up."""

    rows: QuerySet[Any]

    @property
    def waits(self) -> bool:
        return self.rows.model is Stat

    def figures(self, start: datetime, end: datetime) -> Figures:
        """Add up all from ``start`` to before ``end``; one query."""
        names = ("run_seconds", "wait_seconds", *OUTCOMES, *DURATION_COLUMNS)
        names += WAIT_COLUMNS if self.waits else ()
        sums = {f"all_{name}": Sum(name) for name in names}
        longest = {"longest": Max("longest_seconds")}
        if self.waits:
            longest["longest_wait"] = Max("longest_wait_seconds")
        rows = self.rows.filter(hour__gte=start, hour__lt=end).order_by()
        return _figures(rows.aggregate(**sums, **longest), waits=self.waits)

    def hours(self, start: datetime, end: datetime) -> Iterable[Mapping[str, Any]]:
        """Add up each hour; one query."""
        rows = self.rows.filter(hour__gte=start, hour__lt=end).order_by().values("hour")
        names = ("run_seconds", *OUTCOMES)
        found: Iterable[Mapping[str, Any]] = rows.annotate(
            **{f"all_{name}": Sum(name) for name in names}
        )
        return found


@dataclass(frozen=True, slots=True)
class _Remembered:
    """Hours that are added up already."""

    added: AddedHours

    def figures(self, start: datetime, end: datetime) -> Figures:
        """Add up all from ``start`` to before ``end``."""
        return _figures(self.added.sums(start, end), waits=False)

    def hours(self, start: datetime, end: datetime) -> Iterable[Mapping[str, Any]]:
        """Return each hour."""
        return self.added.hours(start, end)


def _figures(found: Mapping[str, Any], *, waits: bool) -> Figures:
    def counts(columns: Iterable[str]) -> list[int]:
        return [found[f"all_{name}"] or 0 for name in columns]

    return Figures(
        outcomes={name: found[f"all_{name}"] or 0 for name in OUTCOMES},
        run_seconds=found["all_run_seconds"] or 0.0,
        wait_seconds=found["all_wait_seconds"] or 0.0,
        durations=Histogram(counts=counts(DURATION_COLUMNS), longest=found["longest"] or 0.0),
        waits=Histogram(counts=counts(WAIT_COLUMNS), longest=found["longest_wait"] or 0.0)
        if waits
        else None,
    )


def _statistics(
    source: _Source | _Remembered, window: Window, now: datetime, zone: str
) -> Statistics:
    """Three queries: the period, the one before, and its hours."""
    end = now.replace(minute=0, second=0, microsecond=0) + HOUR
    start = end - window.length
    hours = list(source.hours(start, end))
    reader = zone_of(zone)
    return Statistics(
        window=window,
        start=start,
        end=end,
        zone=reader.key,
        now=source.figures(start, end),
        before=source.figures(start - window.length, start),
        parts=_parts(hours, window, start, end, reader),
        heat=_heat(hours, reader),
    )


def _parts(
    hours: Iterable[Mapping[str, Any]],
    window: Window,
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
) -> list[Part]:
    """Return each hour of a day, or each day by the clock of ``zone``."""
    daily = window != Window.DAY
    key: Callable[[datetime], Any] = (
        (lambda at: at.astimezone(zone).date()) if daily else (lambda at: at)
    )
    sums: dict[Any, Counter[str]] = defaultdict(Counter)
    ran: dict[Any, float] = defaultdict(float)
    for row in hours:
        place = key(row["hour"])
        sums[place].update({name: row[f"all_{name}"] or 0 for name in OUTCOMES})
        ran[place] += row["all_run_seconds"] or 0.0
    found, at = [], start
    while at < end:
        place = key(at)
        found.append(_part(_midnight(place, zone) if daily else at, sums[place], ran[place]))
        at = _midnight(place + timedelta(days=1), zone) if daily else at + HOUR
    return found


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _part(at: datetime, outcomes: Counter[str], ran: float) -> Part:
    return Part(
        at=at,
        succeeded=outcomes["succeeded"],
        failed=sum(outcomes[name] for name in _FAILED),
        other=outcomes["cancelled"] + outcomes["skipped"],
        run_seconds=ran,
    )


def _heat(
    hours: Iterable[Mapping[str, Any]], zone: ZoneInfo
) -> dict[tuple[int, int], tuple[int, int]]:
    """Return runs and failures by weekday and hour of the reader's clock."""
    cells: dict[tuple[int, int], tuple[int, int]] = {}
    for row in hours:
        at = row["hour"].astimezone(zone)
        failed = sum(row[f"all_{name}"] or 0 for name in _FAILED)
        runs, bad = cells.get((at.weekday(), at.hour), (0, 0))
        total = runs + (row["all_succeeded"] or 0) + failed
        if total:
            cells[at.weekday(), at.hour] = (total, bad + failed)
    return cells


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfWatch:
    """How well the product itself did its work over a period."""

    lateness: Histogram  # from due to queued
    waits: Histogram  # from queued to started
    rescued: int


def self_watch(now: datetime, *, length: timedelta = timedelta(hours=24)) -> SelfWatch:
    """Return how late due times were queued, how long runs waited, and what was rescued."""
    start = now.replace(minute=0, second=0, microsecond=0) + HOUR - length
    rows = EngineStat.objects.filter(hour__gte=start)
    names = ("rescued", *LATE_COLUMNS)
    found = rows.aggregate(
        longest=Max("longest_late_seconds"), **{f"all_{name}": Sum(name) for name in names}
    )
    figures = _Source(Stat.objects.all()).figures(start, now + HOUR)
    return SelfWatch(
        lateness=Histogram(
            counts=[found[f"all_{name}"] or 0 for name in LATE_COLUMNS],
            longest=found["longest"] or 0.0,
            bounds=LATENESS_BOUNDS,
        ),
        waits=figures.waits or Histogram(),
        rescued=found["all_rescued"] or 0,
    )
