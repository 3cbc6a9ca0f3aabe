"""The first run since somebody changed what a job runs is an alert, where that rule is switched on.

An edit leaves a signal with the newest execution before it; a newer one that has started runs what
was edited. What is found at one look is one alert: an edit of a thousand jobs is told once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from jobs.domain.alerts import Condition, Rule, Severity
from jobs.models import AlertSignal, Execution, Job, JobVersion
from jobs.services import alerting
from jobs.services.alerting import RuleSettings
from jobs.services.signals import CHANGED
from jobs.services.writing import write_transaction

BATCH = 500
# What was changed and has not run for so long is forgotten.
KEPT = timedelta(days=90)
NAMED = 20  # people that one alert names


def serve(given: RuleSettings, now: datetime) -> bool:
    """Tell of the jobs that run for the first time since their change; say whether more wait."""
    if Rule.CHANGED in given.off:
        return False
    with write_transaction():
        rows = list(_started().order_by("pk")[:BATCH])
        if not rows:
            return False
        AlertSignal.objects.filter(pk__in=[row.pk for row in rows]).update(served_at=now)
        # Of several changes before a run the latest is what it ran.
        latest = {row.job_id: row for row in rows}
        jobs = Job.objects.present().in_bulk(list(latest))
        found = [(jobs[number], row) for number, row in latest.items() if number in jobs]
        if found:
            condition = _condition(found)
            alerting.open_alert(condition, severity=given.judged(condition), now=now)
    return len(rows) == BATCH


def _started() -> QuerySet[AlertSignal]:
    """Return the signals whose job has started something newer than they are."""
    newer = _runs().filter(job=OuterRef("job_id"), pk__gt=OuterRef("execution_id"))
    waiting = AlertSignal.objects.filter(served_at__isnull=True, kind=CHANGED)
    return waiting.filter(Exists(newer))


def _runs() -> QuerySet[Execution]:
    return Execution.objects.filter(started_at__isnull=False)


def _condition(found: Sequence[tuple[Job, AlertSignal]]) -> Condition:
    job, signal = found[0]
    runs = _runs().filter(job=job, pk__gt=signal.execution_id).order_by("pk")
    run = runs.values_list("pk", "version").first() or (None, job.version)
    authors = _authors([row for _, row in found])
    title = (
        f"{job.name} runs for the first time since it was changed"
        if len(found) == 1
        else f"{len(found)} jobs run for the first time since they were changed"
    )
    by = f" by {', '.join(authors)}" if authors else ""
    return Condition(
        key=f"{Rule.CHANGED}:{max(row.pk for _, row in found)}",
        rule=Rule.CHANGED,
        severity=Severity.WARNING,
        title=title + by,
        jobs=tuple(one.pk for one, _ in found),
        execution=run[0],
        evidence={
            "jobs": len(found),
            "changed_by": authors,
            "changed_at": max(row.at for _, row in found).isoformat(),
            "version": run[1] if len(found) == 1 else None,
        },
    )


def _authors(rows: Sequence[AlertSignal]) -> list[str]:
    """Return who made the changes; a version is as old as its signal."""
    made = JobVersion.objects.filter(
        job__in={row.job_id for row in rows}, created_at__in={row.at for row in rows}
    )
    names = made.exclude(created_by="").order_by("created_by").values_list("created_by", flat=True)
    return list(names.distinct()[:NAMED])


def forget(now: datetime) -> None:
    """Delete what was changed long ago and has not run since."""
    AlertSignal.objects.filter(served_at__isnull=True, kind=CHANGED, at__lt=now - KEPT).delete()
