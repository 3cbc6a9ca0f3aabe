"""The numbers of the overview: totals, success over a day and a week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, Sum

from jobs.domain.permissions import Actor
from jobs.domain.states import ExecutionState, JobState
from jobs.models import Execution, Job, Stat
from jobs.models.job import of_jobs_seen_by
from jobs.queries.standing import failing

DAY, WEEK = 24, 24 * 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What ended in one hour, over all queues."""

    hour: datetime
    succeeded: int
    failed: int
    wait_seconds: float

    @property
    def rate(self) -> float | None:
        """Return the share that succeeded; None when nothing ended."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The tiles."""

    total: int
    active: int
    paused: int
    auto_disabled: int
    failing: int  # not disabled, and the last run was bad or one of the last 24 hours
    executing: int
    waiting: int
    hours: list[Hour]  # the last week, oldest first; hours without an ending are missing
    now: datetime

    def _day(self) -> list[Hour]:
        return [hour for hour in self.hours if hour.hour > self.now - timedelta(hours=DAY)]

    @property
    def ended_day(self) -> int:
        """Return how many succeeded or failed in the last 24 hours."""
        return sum(hour.succeeded + hour.failed for hour in self._day())

    @property
    def failed_day(self) -> int:
        """Return how many of them failed."""
        return sum(hour.failed for hour in self._day())

    @property
    def rate_day(self) -> float | None:
        """Return the success rate of the last 24 hours."""
        return _rate(self._day())

    @property
    def rate_week(self) -> float | None:
        """Return the success rate of the last 7 days."""
        return _rate(self.hours)

    @property
    def wait_day(self) -> float | None:
        """Return the mean wait for a worker over the last 24 hours, in seconds."""
        ended = self.ended_day
        return sum(hour.wait_seconds for hour in self._day()) / ended if ended else None

    @property
    def hourly_rates(self) -> list[float]:
        """Return the success rate of each of the last 24 hours that saw an ending."""
        return [hour.rate for hour in self._day() if hour.rate is not None]

    @property
    def hourly_waits(self) -> list[float]:
        """Return the mean wait of each of the last 24 hours that saw an ending."""
        return [
            hour.wait_seconds / (hour.succeeded + hour.failed)
            for hour in self._day()
            if hour.rate is not None
        ]


def _rate(hours: Sequence[Hour]) -> float | None:
    good = sum(hour.succeeded for hour in hours)
    ended = good + sum(hour.failed for hour in hours)
    return good / ended if ended else None


def totals(now: datetime, seen_by: Actor | None = None) -> Totals:
    """Return the tiles; three queries, none of which counts history.

    They count the jobs that may be seen. The hours are kept for all jobs together, so who does not
    see all gets none.
    """
    everything = seen_by is None or seen_by.sees_all
    jobs = (
        Job.objects.present()
        .visible_to(seen_by)
        .aggregate(
            total=Count("pk"),
            active=Count("pk", filter=Q(state=JobState.ACTIVE.value)),
            paused=Count("pk", filter=Q(state=JobState.PAUSED.value)),
            auto_disabled=Count("pk", filter=Q(state=JobState.AUTO_DISABLED.value)),
            failing=Count("pk", filter=failing(now)),  # as the filter of jobs counts them
        )
    )
    live = (
        Execution.objects.filter(
            of_jobs_seen_by(seen_by),
            state__in=(ExecutionState.RUNNING.value, ExecutionState.QUEUED.value),
        )
        .values_list("state")
        .annotate(number=Count("pk"))
        .order_by()
    )
    counts = dict(live)
    return Totals(
        **jobs,
        executing=counts.get(ExecutionState.RUNNING.value, 0),
        waiting=counts.get(ExecutionState.QUEUED.value, 0),
        hours=_hours(now) if everything else [],
        now=now,
    )


def _hours(now: datetime) -> list[Hour]:
    rows = (
        Stat.objects.filter(hour__gt=now - timedelta(hours=WEEK))
        .values("hour")
        .annotate(
            good=Sum("succeeded"),
            bad=Sum(F("failed") + F("timed_out") + F("lost")),
            waited=Sum("wait_seconds"),
        )
        .order_by("hour")
    )
    return [
        Hour(
            hour=row["hour"],
            succeeded=row["good"],
            failed=row["bad"],
            wait_seconds=row["waited"],
        )
        for row in rows
    ]
