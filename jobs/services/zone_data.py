"""Newer rules of the world's time zones: what is planned is worked out again, once."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import connection

from jobs.domain.states import JobState, ScheduleKind
from jobs.models import Job, Occurrence, Schedule
from jobs.services import revisions
from jobs.services.dispatch import rows_of
from jobs.services.firing import refresh_next_fire, rules_of
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.dispatch")

BATCH = 250
# The latest row of this name tells by which rules the next fire times were worked out.
_NAME = "zone_data"


def planned_by() -> str | None:
    """Return the version of the rules by which fire times were worked out; None before the first."""
    known = Occurrence.objects.filter(event=_NAME).order_by("-pk").first()
    return known.detail if known is not None else None


def take_over(version: str, now: datetime) -> int:
    """Work the next fire times out again if the zone rules are others than last time.

    Returns how many jobs fire at another time than planned. No instant before ``now`` becomes due
    by it: what a newer rule puts into the past is past.
    """
    known = planned_by()
    if known == version:
        return 0
    moved = _plan_again(now) if known is not None else 0
    Occurrence.objects.create(event=_NAME, at=now, detail=version, served_until=None)
    if moved:
        log.warning(
            "Zone rules are %s now: %d jobs fire at another time than planned", version, moved
        )
    return moved


def _plan_again(now: datetime) -> int:
    moved, last = 0, 0
    while True:
        with write_transaction():
            jobs = _jobs_after(last, now)
            moved += sum(_move(jobs, now))
        if not jobs:
            return moved
        last = jobs[-1].pk


def _jobs_after(last: int, now: datetime) -> list[Job]:
    """Return the next batch of jobs that wait for a wall-clock time."""
    by_clock = Schedule.objects.filter(kind=ScheduleKind.CRON.value).exclude(timezone="UTC")
    jobs = Job.objects.present().filter(
        pk__gt=last,
        state=JobState.ACTIVE.value,
        next_fire_at__gt=now,
        pk__in=by_clock.values("job"),
    )
    if connection.vendor == "postgresql":
        jobs = jobs.select_for_update(of=("self",))
    return list(jobs.order_by("pk")[:BATCH])


def _move(jobs: list[Job], now: datetime) -> list[bool]:
    rows = rows_of(jobs)
    changed = []
    for job in jobs:
        before = job.next_fire_at
        job.decided_until = max(job.decided_until, now)
        try:
            refresh_next_fire(job, rules_of(rows[job.pk]))
        except Exception:
            # A zone that the newer rules do not know any more: the dispatcher says so when it is due.
            log.exception("Job %s could not be planned again", job.name, extra={"job_id": job.pk})
        changed.append(job.next_fire_at != before)
    Job.objects.bulk_update(jobs, ["next_fire_at", "decided_until"])
    if any(changed):
        revisions.bump("jobs")
    return changed
