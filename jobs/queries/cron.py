"""What the cron API's overview reads beside jobs and queues: breakers, and the host's resources."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db.models import Case, IntegerField, Min, QuerySet, Value, When

from jobs import conf
from jobs.domain.states import BreakerState
from jobs.models import Breaker, Worker, WorkerState
from jobs.queries.breakers import in_use, shared_named

DEFAULT_BREAKER = "default"
MOST_BREAKERS = 200
_MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """How busy this host is; None for what it does not tell."""

    load: float | None  # processes that want a processor, over a minute
    processors: int
    memory_total: int | None
    memory_free: int | None
    disk_total: int
    disk_free: int


def breakers() -> QuerySet[Breaker]:
    """Return the breakers in use, the worst first."""
    rank = Case(
        When(state=BreakerState.OPEN.value, then=Value(0)),
        When(state=BreakerState.HALF_OPEN.value, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    return in_use().order_by(rank, "-last_failure_at", "pk")


def shown_breaker() -> Breaker | None:
    """Return the breaker that stands for all: the one called default, else the worst one."""
    return shared_named(DEFAULT_BREAKER) or breakers().first()


def uptime_seconds(now: datetime) -> float:
    """Return for how long the product has been running: since the oldest living part started."""
    living = Worker.objects.exclude(state=WorkerState.GONE.value)
    started = living.aggregate(first=Min("started_at"))["first"]
    return 0.0 if started is None else max((now - started).total_seconds(), 0.0)


def resources() -> Resources:
    """Ask this host."""
    disk = shutil.disk_usage(conf.data_dir())
    memory = _memory()
    return Resources(
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        processors=os.cpu_count() or 1,
        memory_total=memory.get("MemTotal"),
        memory_free=memory.get("MemAvailable"),
        disk_total=disk.total,
        disk_free=disk.free,
    )


def _memory() -> dict[str, int]:
    """Return bytes by name; nothing where the system does not tell."""
    try:
        lines = _MEMORY.read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    parts = (line.split() for line in lines)
    return {one[0].rstrip(":"): int(one[1]) * 1024 for one in parts if len(one) > 1}
