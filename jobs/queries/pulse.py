"""Whether the product itself is alive: what every page shows first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, IntegerField, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from jobs.domain.alerts import Severity
from jobs.domain.permissions import Actor
from jobs.models import Alert, Worker, WorkerKind, WorkerState
from jobs.queries.alerts import unresolved

# A tick older than this means that nothing starts any more (UX 1.1).
DOWN_AFTER = timedelta(seconds=60)
# A cluster beats each second; after this it no longer counts as serving.
CLUSTER_SILENT_AFTER = timedelta(seconds=30)
MOST_PROCESSES = 100  # of one host, as labels of a metric


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
