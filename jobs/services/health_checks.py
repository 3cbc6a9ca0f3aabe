"""The health check: looks at every queue, tells what is wrong, keeps the figures."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from jobs import conf
from jobs.domain.permissions import SYSTEM, Actor
from jobs.domain.states import BreakerState
from jobs.models import Breaker
from jobs.queries.breakers import in_use, named
from jobs.queries.queue_health import QueueHealth, all_bottlenecks, healths, system
from jobs.services import audit

log = logging.getLogger("scheduler.health")


def check(*, actor: Actor = SYSTEM, now: datetime, record: bool = True) -> dict[str, Any]:
    """Look at all queues; return the figures, and note them where ``record`` says so.

    A job's run keeps them as its result. With performance monitoring off none are kept.
    """
    found = healths(now)
    figures = _figures(found)
    for health in found:
        if health.alerts or any(one.severity == "critical" for one in health.found):
            log.warning(
                "Queue %s is unhealthy: score %.2f, %s",
                health.name,
                health.health.score,
                "; ".join(health.issues) or "below its threshold",
                extra={"queue": health.name, "score": health.health.score},
            )
    if record:
        monitored = conf.cron_feature("performance_monitoring")
        audit.record(actor, "health.check", after=figures if monitored else None)
    return figures


def _figures(found: list[QueueHealth]) -> dict[str, Any]:
    opened = in_use().filter(state=BreakerState.OPEN.value)
    return {
        "system": system(found).value,
        "queues": {
            one.name: {
                "score": round(one.health.score, 3),
                "waiting": int(one.sample.waiting),
                "running": one.sample.running,
                "failure_rate": round(one.sample.failure_rate, 4),
                "processing_seconds": round(one.sample.processing_seconds, 3),
                "per_minute": round(one.sample.per_minute, 3),
            }
            for one in found
        },
        "bottlenecks": [
            f"{one.severity.value}: {one.description}" for one in all_bottlenecks(found)
        ],
        "open_breakers": [_called(row) for row in opened[:20]],
    }


def _called(row: Breaker) -> str:
    if row.name:
        return named(row)
    return f"{named(row)} of {', '.join(row.jobs.values_list('name', flat=True)[:3])}"
