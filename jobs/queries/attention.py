"""What needs a person now: every alert that has not ended, and trouble that no alert names yet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber

from jobs.domain.alerts import Rule, Severity
from jobs.domain.permissions import Actor
from jobs.domain.states import ExecutionState, JobState
from jobs.models import Alert, AlertJob, Execution, Job
from jobs.models.job import of_jobs_seen_by
from jobs.queries.alerts import RANK, unresolved
from jobs.queries.standing import overdue
from jobs.queries.waiting import ALERT_AFTER, Unserved, unserved

# The alert rules of the seed (REQUIREMENTS S0): in a row, and time in progress.
CRITICAL_IN_A_ROW, WARNING_IN_A_ROW = 5, 3
LONG = timedelta(minutes=30)
SHOWN = 8  # troubles without an alert; what is more is one click away
MOST_ALERTS = 200  # that the list names one by one
NAMED = 3  # jobs of an alert that it names
QUEUE = "queue"
_OF_QUEUES = (
    Rule.NO_WORKER.value,
    Rule.LATE_START.value,
    Rule.QUEUE_HEALTH.value,
    Rule.BOTTLENECK.value,
)
_LATEST_FIRST = (F("last_execution_id").desc(nulls_last=True), F("pk").asc())
TOGETHER = 4  # so many alerts of one rule and severity stand under one line


class Trouble(StrEnum):
    """What can need attention before an alert tells of it, worst first."""

    AUTO_DISABLED = "auto_disabled"
    IN_A_ROW = "in_a_row"
    LONG = "long"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """One thing for a person to look at that no alert names."""

    kind: Trouble
    critical: bool
    job: Job
    since: datetime | None
    execution: Execution | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert with the first of its present jobs."""

    row: Alert
    members: Sequence[AlertJob] = ()

    @property
    def critical(self) -> bool:
        """Say whether it is critical."""
        return self.row.severity == Severity.CRITICAL

    @property
    def only(self) -> AlertJob | None:
        """Return its job where it has one alone."""
        return self.members[0] if len(self.members) == 1 and self.row.job_count == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionList:
    """What is shown, and how much there is of it."""

    alerts: list[list[OpenAlert]]  # worst first; those of one rule together where they are many
    items: list[Attention]
    critical: int
    warnings: int
    hidden_alerts: int
    hidden_jobs: int
    unserved: list[Unserved] = field(default_factory=list)  # critical, and beside the items


_IN_A_ROW = Q(state=JobState.ACTIVE.value, consecutive_failures__gte=WARNING_IN_A_ROW)
_CRITICAL = Q(state=JobState.AUTO_DISABLED.value) | Q(
    state=JobState.ACTIVE.value, consecutive_failures__gte=CRITICAL_IN_A_ROW
)


def attention(now: datetime, seen_by: Actor | None = None) -> AttentionList:
    """Return what needs a person, critical first."""
    alerts = _alerts(seen_by)
    severities = [one.severity for one in alerts]
    if len(alerts) > MOST_ALERTS:
        counted = unresolved(seen_by).values_list("severity").annotate(n=Count("pk")).order_by()
        severities = [severity for severity, number in counted for _ in range(number)]
    shown = alerts[:MOST_ALERTS]
    troubled = _untold(now, seen_by, shown)
    counts = troubled.aggregate(
        critical=Count("pk", filter=_CRITICAL), warnings=Count("pk", filter=~_CRITICAL)
    )
    found = [_of_job(job) for job in _worst(troubled)] if any(counts.values()) else []
    runs = [_of_run(run) for run in _long_runs(now, seen_by, shown)]
    found = sorted(found + runs, key=lambda one: (not one.critical, list(Trouble).index(one.kind)))
    missing = _unserved(now, seen_by, shown)
    critical = severities.count(Severity.CRITICAL.value)
    untold = counts["critical"] + counts["warnings"] + len(runs)
    return AttentionList(
        alerts=together(_with_members(shown)),
        items=found[:SHOWN],
        critical=critical + counts["critical"] + len(runs) + len(missing),
        warnings=len(severities) - critical + counts["warnings"],
        hidden_alerts=len(severities) - len(shown),
        hidden_jobs=untold - len(found[:SHOWN]),
        unserved=missing,
    )


def _alerts(seen_by: Actor | None) -> list[Alert]:
    """Return what has not ended: critical first, then what nobody looks after yet, newest first."""
    looked_after = Case(
        When(acknowledged_at__isnull=True, then=Value(0)),
        default=Value(1),
        output_field=IntegerField(),
    )
    return list(unresolved(seen_by).order_by(RANK, looked_after, "-pk")[: MOST_ALERTS + 1])


def _with_members(rows: Sequence[Alert]) -> list[OpenAlert]:
    """Return alerts with their first jobs; of those with many jobs nobody reads them all."""
    if not rows:
        return []
    place = Window(RowNumber(), partition_by="alert_id", order_by=_LATEST_FIRST)
    first = (
        AlertJob.objects.filter(alert__in=[row.pk for row in rows], left_at__isnull=True)
        .annotate(place=place)
        .filter(place__lte=NAMED)
        .values("pk")
    )
    # Numbers alone are ranked: whole rows of the jobs that one cause took along would take longer
    # than all else on the page.
    found = AlertJob.objects.filter(pk__in=first).select_related("job")
    members: dict[int, list[AlertJob]] = defaultdict(list)
    for one in found.order_by(*_LATEST_FIRST):
        members[one.alert_id].append(one)
    return [OpenAlert(row=row, members=members[row.pk]) for row in rows]


def together(alerts: Iterable[OpenAlert]) -> list[list[OpenAlert]]:
    """Put what belongs together under one line, where its worst alert stands.

    That is all alerts of one queue, which have one cause more often than not, and those of the same
    rule and severity where they are many.
    """
    kinds: dict[tuple[str, str], list[OpenAlert]] = {}
    for one in alerts:
        kinds.setdefault(_kind(one.row), []).append(one)
    return [
        group
        for (name, _), kind in kinds.items()
        for group in (
            [kind] if len(kind) >= (TOGETHER if name != QUEUE else 2) else [[one] for one in kind]
        )
    ]


def _kind(row: Alert) -> tuple[str, str]:
    if row.rule in _OF_QUEUES and (queue := row.evidence.get("queue")):
        return QUEUE, str(queue)
    return row.severity, row.rule


def _untold(now: datetime, seen_by: Actor | None, alerts: Sequence[Alert]) -> QuerySet[Job]:
    """Return the jobs in trouble that no open alert names: the alerter has not looked yet."""
    failing, late = _CRITICAL | _IN_A_ROW, overdue(now)
    told = {row.rule for row in alerts}
    if Rule.FAILURES in told:
        members = AlertJob.objects.filter(
            alert__rule=Rule.FAILURES.value, alert__resolved_at__isnull=True, left_at__isnull=True
        )
        failing &= ~Q(pk__in=members.values("job"))
        late &= ~Q(pk__in=members.values("job"))
    if Rule.OVERDUE in told:  # one alert is about all of them
        late = Q(pk__in=())
    return Job.objects.present().visible_to(seen_by).filter(failing | late)


def _worst(troubled: QuerySet[Job]) -> QuerySet[Job]:
    rank = Case(
        When(state=JobState.AUTO_DISABLED.value, then=Value(0)),
        When(_CRITICAL, then=Value(1)),
        When(_IN_A_ROW, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    order = (rank, "-consecutive_failures", "next_fire_at")
    # Numbers alone are sorted: whole rows of all that is in trouble would take ten times as long.
    worst = troubled.order_by(*order)[:SHOWN].values("pk")
    return Job.objects.filter(pk__in=worst).order_by(*order)


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


def _long_runs(now: datetime, seen_by: Actor | None, alerts: Sequence[Alert]) -> list[Execution]:
    told = {
        row.execution_id
        for row in alerts
        if row.rule in (Rule.LONG_RUN, Rule.STUCK) and row.execution_id is not None
    }
    rows = Execution.objects.select_related("job").filter(
        of_jobs_seen_by(seen_by), state=ExecutionState.RUNNING.value, started_at__lt=now - LONG
    )
    return list(rows.exclude(pk__in=told).order_by("started_at")[:SHOWN])


def _unserved(now: datetime, seen_by: Actor | None, alerts: Sequence[Alert]) -> list[Unserved]:
    if seen_by is not None and not seen_by.sees_all:
        return []
    told = {row.key for row in alerts if row.rule == Rule.NO_WORKER}
    return [
        one
        for one in unserved(now, longer_than=ALERT_AFTER)
        if f"{Rule.NO_WORKER}:{one.queue}:{one.requires}"[:200] not in told
    ]
