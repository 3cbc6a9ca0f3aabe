"""Whether the product itself is alive: what every page shows first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, IntegerField, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from jobs.domain.alerts import Severity
from jobs.domain.permissions import Actor
from jobs.models import Alert, Worker, WorkerKind, WorkerState
from jobs.queries.alerts import unresolved
from jobs.queries.id_bounds import as_moment

# A tick older than this means that nothing starts any more (UX 1.1).
DOWN_AFTER = timedelta(seconds=60)
# A cluster beats each second; after this it no longer counts as serving.
CLUSTER_SILENT_AFTER = timedelta(seconds=30)
MOST_PROCESSES = 100  # of one host, as labels of a metric

# What the heartbeat shows, read along the index of living processes and nothing else: the counters
# move with every alert and every change of a freeze, the sums of ids when one begins or ends.
_GLANCE = (
    "SELECT kind, beat_at, tick_at, lag_seconds, busy, slots, "
    "(SELECT SUM(value) FROM jobs_revision WHERE topic IN ('jobs', 'alerts')), "
    "(SELECT SUM(id) FROM jobs_freeze WHERE (ends_at IS NULL OR ends_at > %s) "
    "AND starts_at <= %s), "
    "(SELECT SUM(id) FROM jobs_freeze WHERE (ends_at IS NULL OR ends_at > %s) AND starts_at <= %s) "
    "FROM jobs_worker WHERE kind IN ('dispatcher', 'cluster') AND state IN ('running', 'draining')"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The dispatchers' latest sign of life and the clusters' load."""

    tick_at: datetime | None  # None: no dispatcher has ever run, or the last one is forgotten
    lag_seconds: float | None
    clusters: int
    busy: int
    slots: int
    down: bool
    alerts: int = 0  # that have not ended, as far as the reader may see them
    critical: int = 0  # of them

    @property
    def no_workers(self) -> bool:
        """Say whether due jobs are queued but nobody takes them."""
        return not self.down and self.slots == 0


def pulse(now: datetime, seen_by: Actor | None = None) -> Pulse:
    """Read the living processes; one query over a handful of rows."""
    found = Worker.objects.exclude(state=WorkerState.GONE.value).only(
        "kind", "state", "beat_at", "tick_at", "lag_seconds", "busy", "slots"
    )
    # Within the same query: every page shows the number, and asks for it with each poll.
    waiting = unresolved(seen_by)
    annotated = found.annotate(
        alerts=_number(waiting), critical=_number(waiting.filter(severity=Severity.CRITICAL.value))
    )
    rows = list(annotated)
    dispatchers = [row for row in rows if row.kind == WorkerKind.DISPATCHER]
    clusters = [
        row
        for row in rows
        if row.kind == WorkerKind.CLUSTER and now - row.beat_at < CLUSTER_SILENT_AFTER
    ]
    latest = max(
        (row for row in dispatchers if row.tick_at),
        key=lambda row: row.tick_at or now,
        default=None,
    )
    tick_at = latest.tick_at if latest else _last_tick()
    # Without a process that has not signed off there is no row to count beside.
    alerts, critical = (rows[0].alerts, rows[0].critical) if rows else _counted(waiting)
    return Pulse(
        tick_at=tick_at,
        lag_seconds=latest.lag_seconds if latest else None,
        clusters=len(clusters),
        busy=sum(row.busy for row in clusters),
        slots=sum(row.slots for row in clusters),
        down=tick_at is None or now - tick_at > DOWN_AFTER,
        alerts=alerts,
        critical=critical,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What tells whether a heartbeat that was drawn before still holds, except for its last tick."""

    tick_at: datetime
    mark: str


def glance(now: datetime, soon: datetime) -> Glance | None:
    """Read in one statement what a heartbeat depends on; None where no dispatcher lives.

    Time alone changes it too: a tick that is too old, a cluster that fell silent, a freeze that
    begins, ends, or will begin before ``soon``.
    """
    at, later = (connection.ops.adapt_datetimefield_value(moment) for moment in (now, soon))
    with connection.cursor() as cursor:
        cursor.execute(_GLANCE, [at, later, at, at])
        rows = cursor.fetchall()
    ticks = [(as_moment(row[2]), row[3]) for row in rows if row[0] == WorkerKind.DISPATCHER.value]
    known = [(tick_at, lag) for tick_at, lag in ticks if tick_at is not None]
    if not known:
        return None
    tick_at, lag = max(known, key=lambda pair: pair[0])
    beats = [(as_moment(row[1]), row[4], row[5]) for row in rows if row[0] == WorkerKind.CLUSTER]
    alive = [row for row in beats if row[0] and now - row[0] < CLUSTER_SILENT_AFTER]
    facts = (
        now - tick_at > DOWN_AFTER,
        None if lag is None else round(lag, 2),
        len(alive),
        sum(row[1] for row in alive),
        sum(row[2] for row in alive),
        *rows[0][6:],
    )
    return Glance(tick_at=tick_at, mark="-".join(str(fact) for fact in facts))


def _number(alerts: QuerySet[Alert]) -> Coalesce:
    """Return how many alerts there are, beside each row."""
    number = alerts.order_by().values(one=Value(1)).annotate(many=Count("pk")).values("many")
    return Coalesce(Subquery(number), Value(0), output_field=IntegerField())


def _counted(alerts: QuerySet[Alert]) -> tuple[int, int]:
    """Return how many alerts there are, and how many of them are critical."""
    found = alerts.aggregate(
        alerts=Count("pk"), critical=Count("pk", filter=Q(severity=Severity.CRITICAL.value))
    )
    return found["alerts"], found["critical"]


def _last_tick() -> datetime | None:
    """Return the last tick of a dispatcher that has signed off."""
    gone = Worker.objects.filter(kind=WorkerKind.DISPATCHER.value, tick_at__isnull=False)
    return gone.order_by("-tick_at").values_list("tick_at", flat=True).first()


def processes_of(host: str) -> list[tuple[str, str, int]]:
    """Return kind, name and number of the living processes of a host."""
    living = Worker.objects.exclude(state=WorkerState.GONE.value).filter(host=host)
    return list(living.order_by("pk").values_list("kind", "name", "pid")[:MOST_PROCESSES])
