"""The numbers of the overview: totals, success over a day and a week, what needs attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Case, Count, F, IntegerField, Q, Sum, Value, When

from jobs.domain.permissions import Actor
from jobs.domain.states import ExecutionState, JobState
from jobs.models import Execution, Job, Stat
from jobs.models.job import of_jobs_seen_by
from jobs.queries.standing import overdue
from jobs.queries.waiting import ALERT_AFTER, Unserved, unserved

DAY, WEEK = 24, 24 * 7
# The alert rules of the seed (REQUIREMENTS S0): in a row, and time in progress.
CRITICAL_IN_A_ROW, WARNING_IN_A_ROW = 5, 3
LONG = timedelta(minutes=30)
SHOWN = 8  # what needs attention is ranked; the rest is one click away


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


class Trouble(StrEnum):
    """What can need attention, worst first."""

    AUTO_DISABLED = "auto_disabled"
    IN_A_ROW = "in_a_row"
    LONG = "long"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """One thing for a person to look at."""

    kind: Trouble
    critical: bool
    job: Job
    since: datetime | None
    execution: Execution | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionList:
    """What is shown, and how much there is of it."""

    items: list[Attention]
    critical: int
    warnings: int
    unserved: list[Unserved]  # critical, and beside the items

    @property
    def hidden(self) -> int:
        """Return how many more there are."""
        return self.critical + self.warnings - len(self.items) - len(self.unserved)


_IN_A_ROW = Q(state=JobState.ACTIVE.value, consecutive_failures__gte=WARNING_IN_A_ROW)
_CRITICAL = Q(state=JobState.AUTO_DISABLED.value) | Q(
    state=JobState.ACTIVE.value, consecutive_failures__gte=CRITICAL_IN_A_ROW
)


def attention(now: datetime, seen_by: Actor | None = None) -> AttentionList:
    """Return what needs a person, critical first; three queries."""
    troubled = (
        Job.objects.present().visible_to(seen_by).filter(_CRITICAL | _IN_A_ROW | overdue(now))
    )
    counts = troubled.aggregate(
        critical=Count("pk", filter=_CRITICAL), warnings=Count("pk", filter=~_CRITICAL)
    )
    rank = Case(
        When(state=JobState.AUTO_DISABLED.value, then=Value(0)),
        When(_CRITICAL, then=Value(1)),
        When(_IN_A_ROW, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    jobs = troubled.order_by(rank, "-consecutive_failures", "next_fire_at")[:SHOWN]
    found = [_of_job(job) for job in jobs] + [_of_run(run) for run in _long_runs(now, seen_by)]
    found.sort(key=lambda one: (not one.critical, list(Trouble).index(one.kind)))
    runs = sum(one.kind == Trouble.LONG for one in found)
    everything = seen_by is None or seen_by.sees_all
    missing = unserved(now, longer_than=ALERT_AFTER) if everything else []
    return AttentionList(
        items=found[:SHOWN],
        critical=counts["critical"] + runs + len(missing),
        warnings=counts["warnings"],
        unserved=missing,
    )


def _of_job(job: Job) -> Attention:
    if job.state == JobState.AUTO_DISABLED:
        return Attention(
            kind=Trouble.AUTO_DISABLED, critical=True, job=job, since=job.state_changed_at
        )
    if job.consecutive_failures >= WARNING_IN_A_ROW:
        critical = job.consecutive_failures >= CRITICAL_IN_A_ROW
        return Attention(
            kind=Trouble.IN_A_ROW, critical=critical, job=job, since=job.last_failure_at
        )
    return Attention(kind=Trouble.OVERDUE, critical=False, job=job, since=job.next_fire_at)


def _of_run(run: Execution) -> Attention:
    return Attention(
        kind=Trouble.LONG, critical=True, job=run.job, since=run.started_at, execution=run
    )


def _long_runs(now: datetime, seen_by: Actor | None) -> list[Execution]:
    rows = Execution.objects.select_related("job").filter(
        of_jobs_seen_by(seen_by), state=ExecutionState.RUNNING.value, started_at__lt=now - LONG
    )
    return list(rows.order_by("started_at")[:SHOWN])
