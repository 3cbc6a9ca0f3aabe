"""What /metrics tells, all of it out of the database: any web process answers the same.

Labels are bounded: queues, states and outcomes, and the jobs that a setting names. Never all jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from jobs import conf
from jobs.domain.histogram import DURATION_BOUNDS, LATENESS_BOUNDS
from jobs.domain.states import JobState
from jobs.models import Alert, EngineStat, Job, Stat, Worker, WorkerState
from jobs.models.stat import DURATION_COLUMNS, LATE_COLUMNS, OUTCOMES, WAIT_COLUMNS
from jobs.queries.pulse import CLUSTER_SILENT_AFTER, pulse
from jobs.queries.waiting import QueueLook, queue_looks

MOST_QUEUES = 200  # the rest is told together, under OTHER
MOST_JOBS = 200
OTHER = "_other"
# What ended so long ago changes no more: it is added up once an hour and remembered, since a year of
# hours is half a million rows.
_SETTLED = timedelta(hours=3)
_SUMS = (*OUTCOMES, "run_seconds", "wait_seconds", *DURATION_COLUMNS, *WAIT_COLUMNS)
_settled: dict[datetime, dict[str, dict[str, float]]] = {}
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Value:
    """One number with its labels."""

    labels: Labels
    value: float


@dataclass(frozen=True, slots=True)
class Buckets:
    """One histogram with its labels; counts are cumulative, the last one is of all."""

    labels: Labels
    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A metric: ``kind`` is gauge, counter, histogram or info; a counter's name ends in _total."""

    name: str
    kind: str
    help: str
    values: tuple[Value, ...] = ()
    histograms: tuple[Buckets, ...] = ()


def families(now: datetime | None = None) -> list[Family]:
    """Return all metrics; about ten queries, whatever history there is."""
    now = now or timezone.now()
    looks = _few(queue_looks(now))
    queues = _queues(now)
    return [*_jobs(), *_ended(queues), *_waiting(looks, now), *_engine(now), *_alerts()]


def forget_settled() -> None:
    """Add everything up again at the next call."""
    _settled.clear()


def _jobs() -> list[Family]:
    found = Job.objects.present().order_by().values_list("state").annotate(n=Count("pk"))
    counts = dict(found)
    named = Job.objects.present().filter(name__in=conf.metrics_jobs()[:MOST_JOBS]).order_by("name")
    rows = list(named.select_related("workspace")[:MOST_JOBS])
    return [
        _gauge(
            "jobs", "Jobs by state.", _by("state", {s.value: counts.get(s, 0) for s in JobState})
        ),
        Family(
            name="jobdeck_job_executions_ended_total",
            kind="counter",
            help="Executions of the jobs that METRICS_JOBS names, by outcome.",
            values=tuple(
                Value({**_labels(row), "outcome": outcome}, count)
                for row in rows
                for outcome, count in (
                    ("succeeded", row.success_count),
                    ("failed", row.failure_count),
                )
            ),
        ),
        _gauge(
            "job_last_success_timestamp_seconds",
            "When a job that METRICS_JOBS names last succeeded.",
            (
                Value(_labels(row), row.last_success_at.timestamp())
                for row in rows
                if row.last_success_at
            ),
        ),
        _gauge(
            "job_last_duration_seconds",
            "How long the last run of a job that METRICS_JOBS names took.",
            (
                Value(_labels(row), row.last_duration_seconds)
                for row in rows
                if row.last_duration_seconds is not None
            ),
        ),
    ]


def _labels(job: Job) -> dict[str, str]:
    return {"job": job.name, "workspace": job.workspace.name if job.workspace else ""}


def _ended(queues: Mapping[str, Mapping[str, float]]) -> list[Family]:
    return [
        Family(
            name="jobdeck_executions_ended_total",
            kind="counter",
            help="Executions that ended, by queue and outcome.",
            values=tuple(
                Value({"queue": queue, "outcome": outcome}, sums[outcome])
                for queue, sums in queues.items()
                for outcome in OUTCOMES
            ),
        ),
        _histogram(
            "execution_duration_seconds",
            "How long executions that succeeded or failed ran.",
            [(queue, sums, DURATION_COLUMNS, "run_seconds") for queue, sums in queues.items()],
        ),
        _histogram(
            "execution_wait_seconds",
            "How long they waited for a worker.",
            [(queue, sums, WAIT_COLUMNS, "wait_seconds") for queue, sums in queues.items()],
        ),
    ]


def _histogram(
    name: str,
    text: str,
    rows: Iterable[tuple[str, Mapping[str, float], tuple[str, ...], str]],
) -> Family:
    return Family(
        name=f"jobdeck_{name}",
        kind="histogram",
        help=text,
        histograms=tuple(
            _buckets({"queue": queue}, sums, columns, total, DURATION_BOUNDS)
            for queue, sums, columns, total in rows
        ),
    )


def _buckets(
    labels: Labels,
    sums: Mapping[str, float],
    columns: tuple[str, ...],
    total: str,
    bounds: tuple[float, ...],
) -> Buckets:
    counts, so_far = [], 0
    for column in columns:
        so_far += int(sums[column])
        counts.append(so_far)
    return Buckets(labels, bounds, tuple(counts), sums[total])


def _queues(now: datetime) -> dict[str, dict[str, float]]:
    """Return the sums of each queue since the first one; those of long ago are remembered."""
    until = now.replace(minute=0, second=0, microsecond=0) - _SETTLED
    if until not in _settled:
        found = _added(Stat.objects.filter(hour__lt=until))
        _settled.clear()
        _settled[until] = found
    total = {queue: dict(sums) for queue, sums in _settled[until].items()}
    for queue, sums in _added(Stat.objects.filter(hour__gte=until)).items():
        _merge(total, queue, sums)
    found = {queue: total[queue] for queue in sorted(total)[:MOST_QUEUES]}
    for queue in sorted(total)[MOST_QUEUES:]:
        _merge(found, OTHER, total[queue])
    return found


def _added(rows: QuerySet[Stat]) -> dict[str, dict[str, float]]:
    sums = {f"all_{name}": Sum(name) for name in _SUMS}
    found: Iterable[Mapping[str, Any]] = rows.order_by().values("queue").annotate(**sums)
    return {row["queue"]: {name: row[f"all_{name}"] or 0 for name in _SUMS} for row in found}


def _merge(total: dict[str, dict[str, float]], queue: str, sums: Mapping[str, float]) -> None:
    known = total.get(queue, {})
    total[queue] = {name: known.get(name, 0) + value for name, value in sums.items()}


def _few(looks: list[QueueLook]) -> list[QueueLook]:
    """Return the queues to tell of: those in which the most waits, where there are too many."""
    looks = sorted(looks, key=lambda look: (-look.waiting, -look.running, look.name))
    return sorted(looks[:MOST_QUEUES], key=lambda look: look.name)


def _waiting(looks: list[QueueLook], now: datetime) -> list[Family]:
    def age(look: QueueLook) -> float:
        return max((now - look.oldest_at).total_seconds(), 0.0) if look.oldest_at else 0.0

    def of(value: Any) -> list[Value]:
        return [Value({"queue": look.name}, value(look)) for look in looks]

    return [
        _gauge("queue_waiting", "Executions that wait for a worker.", of(lambda one: one.waiting)),
        _gauge("queue_running", "Executions that run.", of(lambda one: one.running)),
        _gauge("queue_oldest_wait_seconds", "For how long the oldest of them waits.", of(age)),
        _gauge(
            "queue_clusters", "Living clusters that serve a queue.", of(lambda one: one.clusters)
        ),
        _gauge(
            "queue_paused",
            "1 while a queue is paused.",
            of(lambda one: int(one.paused)),
        ),
    ]


def _engine(now: datetime) -> list[Family]:
    names = ("dispatched", "late_seconds", "rescued", *LATE_COLUMNS)
    found = EngineStat.objects.aggregate(**{f"all_{name}": Sum(name) for name in names})
    sums = {name: found[f"all_{name}"] or 0 for name in names}
    alive = Worker.objects.exclude(state=WorkerState.GONE.value)
    alive = alive.filter(beat_at__gt=now - CLUSTER_SILENT_AFTER).order_by()
    kinds = dict(alive.values_list("kind").annotate(n=Count("pk")))
    state = pulse(now)
    age = (
        [] if state.tick_at is None else [Value({}, max((now - state.tick_at).total_seconds(), 0))]
    )
    return [
        Family(
            name="jobdeck_dispatch_lateness_seconds",
            kind="histogram",
            help="How long after its due time an execution was queued.",
            histograms=(_buckets({}, sums, LATE_COLUMNS, "late_seconds", LATENESS_BOUNDS),),
        ),
        Family(
            name="jobdeck_executions_rescued_total",
            kind="counter",
            help="Executions whose worker was found gone.",
            values=(Value({}, sums["rescued"]),),
        ),
        _gauge("dispatcher_tick_age_seconds", "Since a dispatcher looked at the clock.", age),
        _gauge(
            "workers",
            "Living processes by kind.",
            _by("kind", {kind: kinds.get(kind, 0) for kind in ("dispatcher", "cluster")}),
        ),
        _gauge(
            "worker_slots", "Executions that living clusters can run.", [Value({}, state.slots)]
        ),
        _gauge("worker_busy", "Executions that they have in hand.", [Value({}, state.busy)]),
    ]


def _alerts() -> list[Family]:
    rows = Alert.objects.filter(resolved_at__isnull=True).order_by()
    counts = dict(rows.values_list("severity").annotate(n=Count("pk")))
    known = {"critical": 0, "warning": 0, **counts}
    return [_gauge("alerts_open", "Open alerts by severity.", _by("severity", known))]


def _gauge(name: str, text: str, values: Iterable[Value]) -> Family:
    return Family(name=f"jobdeck_{name}", kind="gauge", help=text, values=tuple(values))


def _by(label: str, counts: Mapping[str, float]) -> list[Value]:
    return [Value({label: name}, count) for name, count in counts.items()]
