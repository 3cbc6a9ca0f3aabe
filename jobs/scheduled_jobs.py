"""The product's own jobs: they look after it, and are managed like everybody's."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from jobs import conf
from jobs.domain.permissions import SYSTEM
from jobs.registry import scheduled_job
from jobs.services import health_checks, retention_rules

_HIGH, _LOW = 10, -10


@scheduled_job(
    job_id="health-check",
    description="Looks at queues, circuit breakers and bottlenecks every 5 minutes",
    cron="*/5 * * * *",
    timezone="UTC",
    category="monitoring",
    priority=_HIGH,
    max_retries=0,
    timeout=60,
)
def health_check() -> dict[str, Any]:
    """Look at every queue; the figures are the result."""
    figures = health_checks.check(now=timezone.now(), record=False)
    count = len(figures["queues"])
    message = (
        f"System is {figures['system']}, {count} {'queue' if count == 1 else 'queues'} looked at"
    )
    kept = figures if conf.cron_feature("performance_monitoring") else None
    return {"success": True, "message": message, "data": kept}


@scheduled_job(
    job_id="weekly-cleanup",
    description="Deletes old executions, logs and figures by the retention rules",
    cron="0 2 * * 0",
    timezone="UTC",
    category="maintenance",
    priority=_LOW,
    max_retries=1,
    timeout="1h",
)
def weekly_cleanup() -> dict[str, Any]:
    """Delete what is not to be kept."""
    done = retention_rules.clean(actor=SYSTEM, now=timezone.now())
    total = sum(done.counts().values())
    return {"success": True, "message": f"Deleted {total} rows", "data": done.counts()}


jobs_to_register = [health_check, weekly_cleanup] if conf.builtin_jobs() else []
