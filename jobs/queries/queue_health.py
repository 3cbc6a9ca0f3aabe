"""Queue health out of the hourly sums and what waits now; nothing here counts history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet, Sum

from jobs import conf
from jobs.domain.bottlenecks import Bottleneck, bottlenecks, matters, worst_first
from jobs.domain.bottlenecks import Kind as Slowness
from jobs.domain.errors import InvalidError, UnknownError
from jobs.domain.health import Health, Sample, SystemHealth, assess, mean_score, system_health
from jobs.domain.recommendations import Capacity, Recommendation, recommend
from jobs.domain.said import said
from jobs.domain.states import FAILURES, BreakerState
from jobs.domain.trends import Trend, compare
from jobs.models import Breaker, Job, Stat
from jobs.queries.in_use import EVERY, queues_in_use
from jobs.queries.waiting import QueueLook, clusters, queue_looks, takes

HOUR = timedelta(hours=1)
DEFAULT_QUEUE = "default"
# The present score looks at this hour and the one before: a full hour at least, two at most.
RECENT_HOURS = 1
MOST_HOURS = 168


@dataclass(frozen=True, slots=True)
class Sums:
    """What ended in a period."""

    succeeded: int = 0
    failed: int = 0
    run_seconds: float = 0.0
    wait_seconds: float = 0.0

    @property
    def ended(self) -> int:
        """Return how many succeeded or failed."""
        return self.succeeded + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueHealth:
    """One queue: its score, what slows it down, and what it holds.

    ``kept`` is what ended in the whole period for which health figures are kept.
    """

    name: str
    health: Health
    found: list[Bottleneck]
    capacity: Capacity
    kept: Sums
    at: datetime

    @property
    def sample(self) -> Sample:
        """Return the figures that the score is made of."""
        return self.health.sample

    @property
    def recommendations(self) -> list[Recommendation]:
        """Return what to do."""
        return recommend(self.sample, self.found, self.capacity)

    @property
    def alarming(self) -> list[Bottleneck]:
        """Return what is above its threshold, without the failures of a few endings."""
        few = self.sample.few
        return [
            one
            for one in matters(self.found)
            if not (few and one.kind == Slowness.HIGH_FAILURE_RATE)
        ]

    @property
    def issues(self) -> list[str]:
        """Return what is above its threshold, in words."""
        return [one.description for one in matters(self.found)]

    @property
    def alerts(self) -> bool:
        """Say whether the score is below the threshold, and not by a few failures alone."""
        return self.health.certain_score < conf.health_thresholds().score


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A queue's figures in one hour; ``score`` is None where nothing happened."""

    hour: datetime
    score: float | None
    per_minute: float
    failure_rate: float
    processing_seconds: float


def healths(now: datetime) -> list[QueueHealth]:
    """Return all queues by name; a handful of queries, whatever history there is."""
    since = _hour(now) - HOUR * RECENT_HOURS
    until = _hour(now) + HOUR
    recent = _sums(since, until)
    kept = _sums(_hour(now) - timedelta(seconds=conf.health_retention_seconds()), until)
    looks = {look.name: look for look in queue_looks(now)}
    slots = _slots(now)
    names = sorted({DEFAULT_QUEUE, *looks, *kept, *queues_in_use(most=EVERY)})
    return [
        _health(name, looks.get(name), recent.get(name, Sums()), kept.get(name, Sums()), slots, now)
        for name in names
    ]


def health_of(name: str, now: datetime) -> QueueHealth:
    """Return one queue; UnknownError when nothing names it."""
    found = next((one for one in healths(now) if one.name == name), None)
    if found is None:
        raise UnknownError(said("Queue {name!r} does not exist", name=name[:120]))
    return found


def all_bottlenecks(found: Iterable[QueueHealth]) -> list[Bottleneck]:
    """Return what slows any queue down, worst first."""
    return worst_first(one for health in found for one in health.found)


def system(found: list[QueueHealth]) -> SystemHealth:
    """Return the whole in one word."""
    worst = matters(all_bottlenecks(found))
    return system_health(
        mean_score(one.health for one in found),
        critical=any(one.severity == "critical" for one in worst),
        bottleneck=bool(worst),
        circuit_open=Breaker.objects.filter(state=BreakerState.OPEN.value)
        .filter(jobs__deleted_at=None, jobs__isnull=False)
        .exists(),
        failing=Job.objects.present()
        .filter(last_state__in=[state.value for state in FAILURES])
        .exists(),
    )


def trend_of(name: str, now: datetime, *, hours: int = RECENT_HOURS) -> Trend:
    """Compare the last ``hours`` (and the part of this one) with as many before; UnknownError."""
    start = _hour(now) - HOUR * _checked(hours)
    look = next((one for one in queue_looks(now) if one.name == name), None)
    if look is None:
        health_of(name, now)  # or there is none of that name
    before = start - HOUR * (hours + 1)
    return compare(
        _over(name, _sums(start, _hour(now) + HOUR).get(name, Sums()), now - start),
        _over(name, _sums(before, start).get(name, Sums()), start - before),
        conf.health_thresholds(),
    )


def history(name: str, now: datetime, *, hours: int) -> list[Point]:
    """Return the figures of each hour, oldest first; an empty name is all queues together."""
    start = _hour(now) - HOUR * _checked(hours)
    rows = Stat.objects.filter(hour__gt=start, hour__lte=now)
    if name:
        rows = rows.filter(queue=name)
    by_hour = {row["hour"]: _sums_of(row) for row in _added(rows.values("hour")).order_by("hour")}
    limits = conf.health_thresholds()
    points = []
    for number in range(1, hours + 1):
        hour = start + HOUR * number
        sums = by_hour.get(hour, Sums())
        sample = _over(name, sums, min(HOUR, max(now - hour, timedelta(minutes=1))))
        points.append(
            Point(
                hour=hour,
                score=assess(sample, limits).score if sums.ended else None,
                per_minute=sample.per_minute,
                failure_rate=sample.failure_rate,
                processing_seconds=sample.processing_seconds,
            )
        )
    return points


def _checked(hours: int) -> int:
    if 1 <= hours <= MOST_HOURS:
        return hours
    raise InvalidError(
        said("hours {hours} is out of range. Use 1 to {most}.", hours=hours, most=MOST_HOURS)
    )


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _over(name: str, sums: Sums, period: timedelta) -> Sample:
    """Return a period that is over: what waited in it is known from how long runs waited."""
    seconds = period.total_seconds()
    return Sample(
        queue=name,
        period_seconds=seconds,
        succeeded=sums.succeeded,
        failed=sums.failed,
        run_seconds=sums.run_seconds,
        wait_seconds=sums.wait_seconds,
        waiting=sums.wait_seconds / seconds if seconds > 0 else 0,
    )


def _health(
    name: str,
    look: QueueLook | None,
    recent: Sums,
    kept: Sums,
    slots: Mapping[str, int],
    now: datetime,
) -> QueueHealth:
    start = _hour(now) - HOUR * RECENT_HOURS
    sample = Sample(
        queue=name,
        period_seconds=(now - start).total_seconds(),
        succeeded=recent.succeeded,
        failed=recent.failed,
        run_seconds=recent.run_seconds,
        wait_seconds=recent.wait_seconds,
        waiting=look.waiting if look else 0,
        running=look.running if look else 0,
        oldest_seconds=_age(look, now),
        usual_per_minute=_usual(kept, recent),
    )
    limits = conf.health_thresholds()
    capacity = Capacity(
        slots=slots.get(name, 0),
        limit=look.limit if look else None,
        starts_per_minute=look.starts_per_minute if look and look.opens_at else None,
        paused=look is not None and look.paused,
        served=name in slots,
    )
    return QueueHealth(
        name=name,
        health=assess(sample, limits),
        found=bottlenecks(sample, limits),
        capacity=capacity,
        kept=kept,
        at=now,
    )


def _age(look: QueueLook | None, now: datetime) -> float:
    """Return for how long the oldest already waits."""
    if look is None or look.oldest_at is None:
        return 0.0
    return max((now - look.oldest_at).total_seconds(), 0.0)


def _usual(kept: Sums, recent: Sums) -> float:
    """Return how many ended in a minute before, over the time that figures are kept."""
    minutes = conf.health_retention_seconds() / 60 - 60 * RECENT_HOURS
    return max(kept.ended - recent.ended, 0) / minutes if minutes > 0 else 0.0


def _slots(now: datetime) -> dict[str, int]:
    """Return how many places the living clusters have for each queue that they serve."""
    slots: dict[str, int] = {}
    for worker in clusters():
        if takes(worker, now):
            for queue in worker.queues:
                slots[queue] = slots.get(queue, 0) + worker.slots
    return slots


def _sums(since: datetime, until: datetime) -> dict[str, Sums]:
    """Return what ended from the hour of ``since`` on and before ``until``, by queue."""
    rows = Stat.objects.filter(hour__gte=since, hour__lt=until)
    return {row["queue"]: _sums_of(row) for row in _added(rows.values("queue"))}


def _added(rows: QuerySet[Stat, Any]) -> QuerySet[Stat, Any]:
    """Add the shards up."""
    return rows.order_by().annotate(
        good=Sum("succeeded"),
        bad=Sum(F("failed") + F("timed_out") + F("lost")),
        ran=Sum("run_seconds"),
        waited=Sum("wait_seconds"),
    )


def _sums_of(row: Mapping[str, Any]) -> Sums:
    return Sums(row["good"], row["bad"], row["ran"], row["waited"])
