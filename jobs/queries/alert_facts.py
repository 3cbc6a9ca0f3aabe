"""What alert rules look at: small sets, read by their indexes, whatever history there is."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo

from django.db.models import Count, F, Min, Sum

from jobs import conf
from jobs.domain.alerts import (
    Condition,
    JobFacts,
    Limits,
    ProductFacts,
    Rule,
    RunFacts,
    Severity,
    product_conditions,
    run_conditions,
    words,
)
from jobs.domain.baseline import Baseline, Past, baseline
from jobs.domain.bottlenecks import Kind
from jobs.domain.bottlenecks import Severity as BottleneckSeverity
from jobs.domain.errors import ZoneError
from jobs.domain.states import BreakerState, ExecutionState, JobState, OmissionReason
from jobs.domain.zones import zone
from jobs.models import (
    AlertJob,
    AlertSignal,
    Breaker,
    Execution,
    Job,
    JobStat,
    Omission,
    Queue,
    Schedule,
)
from jobs.queries import ready
from jobs.queries.breakers import in_use, named, words_of
from jobs.queries.check_ins import check_ins_in_trouble
from jobs.queries.pulse import pulse
from jobs.queries.queue_health import QueueHealth, healths
from jobs.queries.room import room
from jobs.queries.standing import overdue
from jobs.queries.waiting import ALERT_AFTER, unserved

# Runs younger than this are nobody's trouble: most end before anybody looks.
YOUNG = timedelta(seconds=30)
RUNS_LOOKED_AT = 500
# How many executions a baseline reads: bounded, by the index of a job's history.
PAST_READ = 1000
JOBS_NAMED = 200  # that one alert lists; the count tells of the rest


def facts_of(job: Job, *, burst: bool = False) -> JobFacts:
    """Return what the rules of failures ask of a job."""
    return JobFacts(
        name=job.name,
        active=job.state == JobState.ACTIVE and job.deleted_at is None,
        auto_disabled=job.state == JobState.AUTO_DISABLED and job.deleted_at is None,
        executions=job.execution_count,
        failures=job.failure_count,
        in_a_row=job.consecutive_failures,
        last_state=job.last_state,
        last_error=job.last_error,
        burst=burst,
    )


def bursts(causes: Iterable[str], limits: Limits, now: datetime) -> set[str]:
    """Return the causes of which many jobs failed in a short time."""
    since = now - timedelta(seconds=limits.burst_seconds)
    rows = (
        AlertSignal.objects.filter(cause__in=set(causes), at__gt=since)
        .values("cause")
        .annotate(jobs=Count("job_id", distinct=True))
        .filter(jobs__gte=limits.burst_jobs)
    )
    return {row["cause"] for row in rows}


class Baselines:
    """The usual durations of jobs, kept for a while: a long run is looked at every few seconds."""

    KEPT = timedelta(minutes=10)
    MOST = 1000

    def __init__(self) -> None:
        """Know nothing."""
        self._known: OrderedDict[int, tuple[datetime, list[Past]]] = OrderedDict()

    def of(self, job_id: int, at: datetime, now: datetime) -> Baseline | None:
        """Return what is usual for a run of a job that starts ``at``; None for too few."""
        known = self._known.get(job_id)
        if known is None or now - known[0] > self.KEPT:
            known = (now, past_of(job_id))
            self._known[job_id] = known
            while len(self._known) > self.MOST:
                self._known.popitem(last=False)
        return baseline(known[1], at)


def past_of(job_id: int, *, before: int | None = None) -> list[Past]:
    """Return the latest successes of a job among its latest executions, newest first.

    By the clock of the job: what is heavy each day at two stays at two when that clock changes.
    """
    clock = _clock_of(job_id)
    rows = Execution.objects.filter(job=job_id)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = rows.order_by("-pk").values_list("state", "started_at", "finished_at")[:PAST_READ]
    return [
        Past(started.astimezone(clock), (finished - started).total_seconds())
        for state, started, finished in found
        if state == ExecutionState.SUCCEEDED and started is not None and finished is not None
    ]


def _clock_of(job_id: int) -> tzinfo:
    """Return the zone of a job's first schedule; UTC for a job without one, or with one that is gone."""
    names = Schedule.objects.filter(job=job_id).order_by("pk").values_list("timezone", flat=True)
    try:
        return zone(names.first() or "UTC")
    except ZoneError:
        return UTC


def runs(now: datetime, baselines: Baselines) -> list[RunFacts]:
    """Return the executions that have run for a while, the longest first."""
    rows = (
        Execution.objects.filter(
            state=ExecutionState.RUNNING.value, started_at__lt=now - YOUNG, job__deleted_at=None
        )
        .select_related("job")
        .order_by("started_at")[:RUNS_LOOKED_AT]
    )
    return [_run(row, now, baselines) for row in rows]


def _run(row: Execution, now: datetime, baselines: Baselines) -> RunFacts:
    started = row.started_at or now
    cancelled = row.cancel_requested_at
    usual = (
        baselines.of(row.job_id, started, now) if conf.cron_feature("metrics_collection") else None
    )
    return RunFacts(
        execution=row.pk,
        job=row.job_id,
        name=row.job.name,
        seconds=(now - started).total_seconds(),
        timeout_seconds=row.job.timeout_seconds,
        grace_seconds=row.job.grace_seconds,
        cancel_seconds=None if cancelled is None else (now - cancelled).total_seconds(),
        slow_after=None if usual is None else usual.slow_after,
        usual_seconds=None if usual is None else usual.median,
        compared="" if usual is None else f"{usual.count} {usual.among}",
    )


def product(now: datetime) -> ProductFacts:
    """Return how dispatcher and disk stand."""
    heart, free = pulse(now), room()
    return ProductFacts(
        tick_at=heart.tick_at,
        lag_seconds=heart.lag_seconds,
        free_bytes=free.free_bytes,
        disk_low=free.low,
        disk_full=free.full,
    )


def overdue_jobs(now: datetime, limits: Limits) -> list[Condition]:
    """Return one condition for all active jobs whose due time passed and nobody decided it."""
    rows = (
        Job.objects.present()
        .filter(overdue(now))
        .filter(next_fire_at__lt=now - timedelta(seconds=limits.overdue_seconds))
    )
    found = rows.aggregate(count=Count("pk"), oldest=Min("next_fire_at"))
    if not found["count"]:
        return []
    first = list(rows.order_by("next_fire_at").values_list("pk", "name")[:JOBS_NAMED])
    title = (
        f"{first[0][1]} is overdue: its due time passed and nothing started"
        if found["count"] == 1
        else f"{found['count']} jobs are overdue: their due times passed and nothing started"
    )
    return [
        Condition(
            key=f"{Rule.OVERDUE}:jobs",
            rule=Rule.OVERDUE,
            severity=Severity.WARNING,
            title=title,
            jobs=tuple(pk for pk, _ in first),
            evidence={"jobs": found["count"], "oldest_due_at": found["oldest"].isoformat()},
        )
    ]


def day_rates(now: datetime, limits: Limits) -> list[Condition]:
    """Return one condition for the jobs that failed too often in the last 24 h, by the hourly sums.

    Jobs that an alert about failures names already are told of there.
    """
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    told = AlertJob.objects.filter(
        left_at__isnull=True, alert__rule=Rule.FAILURES.value, alert__resolved_at__isnull=True
    )
    # Who has not failed since then needs no sums.
    lately = (
        Job.objects.present()
        .filter(state=JobState.ACTIVE.value, last_failure_at__gte=since)
        .exclude(pk__in=told.values("job"))
    )
    rows = (
        JobStat.objects.filter(job__in=lately.values("pk"), hour__gte=since)
        .values("job", "job__name")
        .annotate(bad=Sum(F("failed") + F("timed_out") + F("lost")), good=Sum("succeeded"))
        .filter(bad__gte=max(limits.day_failures, 1), bad__gt=0)
        .order_by("job")
    )
    found = [
        row for row in rows if row["bad"] > limits.day_failure_rate * (row["bad"] + row["good"])
    ]
    if not found:
        return []
    first = found[0]
    title = (
        f"{first['job__name']}: {first['bad']} of {first['bad'] + first['good']} runs failed in 24 h"
        if len(found) == 1
        else f"{len(found)} jobs failed too often in the last 24 h"
    )
    return [
        Condition(
            key=f"{Rule.FAILURE_RATE}:jobs",
            rule=Rule.FAILURE_RATE,
            severity=Severity.WARNING,
            title=title,
            jobs=tuple(row["job"] for row in found[:JOBS_NAMED]),
            evidence={"jobs": len(found), "threshold": limits.day_failure_rate},
        )
    ]


def queues_without_worker(now: datetime, limits: Limits) -> list[Condition]:
    """Return the queues in which work waits: unserved, or served too slowly."""
    missing = unserved(now, longer_than=ALERT_AFTER)
    found = [
        Condition(
            key=f"{Rule.NO_WORKER}:{one.queue}:{one.requires}"[:200],
            rule=Rule.NO_WORKER,
            severity=Severity.CRITICAL,
            title=one.text[:1].upper() + one.text[1:],
            execution=one.oldest,
            evidence={"queue": one.queue, "labels": one.requires, "since": one.since.isoformat()},
        )
        for one in missing
    ]
    unattended = {one.queue for one in missing}
    return found + _late(now, limits, unattended)


def _late(now: datetime, limits: Limits, without: set[str]) -> list[Condition]:
    """Return the queues whose oldest waits too long although somebody serves them."""
    paused = set(Queue.objects.filter(paused_at__isnull=False).values_list("name", flat=True))
    queues = [one for one in ready.waiting_queues() if one not in without | paused]
    oldest = {kind.oldest: queue for queue in queues for kind in ready.kinds(queue)}
    late = Execution.objects.filter(
        pk__in=oldest, queued_at__lt=now - timedelta(seconds=limits.late_seconds)
    ).order_by("-queued_at")
    # Of several kinds of work in one queue the one that waits longest is told: it comes last.
    return list({oldest[row.pk]: _late_start(row, now) for row in late}.values())


def _late_start(row: Execution, now: datetime) -> Condition:
    waited = words((now - row.queued_at).total_seconds())
    return Condition(
        key=f"{Rule.LATE_START}:{row.queue}"[:200],
        rule=Rule.LATE_START,
        severity=Severity.WARNING,
        title=f"Queue {row.queue} starts late: the oldest has waited for {waited}",
        jobs=(row.job_id,),
        execution=row.pk,
        evidence={"queue": row.queue, "oldest_queued_at": row.queued_at.isoformat()},
    )


def open_breakers() -> list[Condition]:
    """Return the circuit breakers that leave work out."""
    rows = in_use().filter(state__in=(BreakerState.OPEN.value, BreakerState.HALF_OPEN.value))
    return [_open_breaker(row) for row in rows.order_by("pk")[:JOBS_NAMED]]


def _open_breaker(row: Breaker) -> Condition:
    jobs = list(row.jobs.filter(deleted_at=None).values_list("pk", "name")[:JOBS_NAMED])
    title = named(row) if row.name or not jobs else f"Circuit breaker of {jobs[0][1]}"
    return Condition(
        key=f"{Rule.BREAKER}:{row.pk}",
        rule=Rule.BREAKER,
        severity=Severity.CRITICAL,
        title=f"{title} is open: {row.reason}",
        jobs=tuple(pk for pk, _ in jobs),
        execution=row.cause_execution_id,
        evidence={"state": words_of(row), "reason": row.reason},
    )


def _unhealthy(one: QueueHealth) -> str:
    """Say a queue's score, and the first of the reasons for it."""
    why = f". {one.issues[0]}" if one.issues else ""
    return f"Queue {one.name} is unhealthy: score {one.health.score:.2f}{why}"[:500]


def queue_conditions(now: datetime) -> list[Condition]:
    """Return the queues that are unhealthy, and what slows them down."""
    found: list[Condition] = []
    for one in healths(now):
        if one.alerts:
            found.append(
                Condition(
                    key=f"{Rule.QUEUE_HEALTH}:{one.name}"[:200],
                    rule=Rule.QUEUE_HEALTH,
                    severity=Severity.CRITICAL,
                    title=_unhealthy(one),
                    evidence={
                        "queue": one.name,
                        "score": round(one.health.score, 3),
                        "threshold": conf.health_thresholds().score,
                        "issues": one.issues,
                        "says": [[item.kind.value, round(item.value, 3)] for item in one.alarming],
                    },
                )
            )
        found += [
            Condition(
                key=f"{Rule.BOTTLENECK}:{one.name}:{item.kind}"[:200],
                rule=Rule.BOTTLENECK,
                severity=_SEVERITY.get(item.severity, Severity.WARNING),
                title=item.description,
                evidence={
                    "queue": one.name,
                    "kind": item.kind.value,
                    "severity": item.severity.value,
                    "value": round(item.value, 3),
                    "threshold": item.threshold,
                },
            )
            for item in one.alarming
            if item.kind in _ALWAYS or item.severity == BottleneckSeverity.CRITICAL
        ]
    return found


_SEVERITY = {BottleneckSeverity.CRITICAL: Severity.CRITICAL}
# The seed alerts on these from their thresholds on, on the others when they are critical.
_ALWAYS = frozenset({Kind.HIGH_FAILURE_RATE, Kind.SLOW_PROCESSING})

_MISSED = (OmissionReason.MISFIRE.value, OmissionReason.NO_DISPATCHER.value)


def missed_since(after: int, *, limit: int = 500) -> list[Omission]:
    """Return the stretches of due times that were missed, recorded after number ``after``."""
    rows = Omission.objects.filter(pk__gt=after, reason__in=_MISSED).select_related("job")
    return list(rows.order_by("pk")[:limit])


def newest_omission() -> int:
    """Return the number of the newest stretch; 0 before the first."""
    return Omission.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def conditions(
    limits: Limits, now: datetime, baselines: Baselines
) -> Mapping[tuple[Rule, ...], Callable[[], list[Condition]]]:
    """Return what to ask at every look, by the rules that each answers for."""
    return {
        (Rule.STUCK, Rule.LONG_RUN, Rule.SLOW_RUN): lambda: [
            found for run in runs(now, baselines) for found in run_conditions(run, limits)
        ],
        (Rule.DISPATCHER, Rule.DISK): lambda: product_conditions(product(now), limits, now),
        (Rule.OVERDUE,): lambda: overdue_jobs(now, limits),
        (Rule.NO_WORKER, Rule.LATE_START): lambda: queues_without_worker(now, limits),
        (Rule.BREAKER,): open_breakers,
        (Rule.CHECK_IN,): lambda: check_ins_in_trouble(now),
    }
