"""The past of a few jobs on one time axis. What is planned comes from their schedules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from jobs.domain.permissions import Actor
from jobs.models import Execution, Job
from jobs.queries.listed import listed_jobs
from jobs.queries.pieces import pieces
from jobs.queries.standing import by_trouble

LANES = 12
RUNS_A_LANE = 120  # more marks than that in one hour would merge into a band

_LATEST = "SELECT id FROM jobs_execution WHERE job_id = {key} ORDER BY id DESC LIMIT %s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One job and its executions since the start of the axis, oldest first."""

    job: Job
    runs: list[Execution]


def lanes(since: datetime, now: datetime, seen_by: Actor | None = None) -> list[Lane]:
    """Return the jobs that matter most, in trouble or next to run, each with its recent past."""
    # Numbers alone are sorted: whole rows of ten thousand jobs would take ten times as long.
    jobs = by_trouble(Job.objects.present().visible_to(seen_by), now)
    found = listed_jobs(list(jobs.values_list("pk", flat=True)[:LANES]), tags=False)
    runs = _runs([job.pk for job in found], since)
    return [Lane(job=job, runs=runs.get(job.pk, [])) for job in found]


def _runs(job_ids: Sequence[int], since: datetime) -> dict[int, list[Execution]]:
    """Return the latest executions of each job, a bounded piece of each along the history index."""
    ids = [pk for (pk,) in pieces(_LATEST, job_ids, (RUNS_A_LANE,))]
    found: dict[int, list[Execution]] = {}
    rows = Execution.objects.filter(
        Q(finished_at__isnull=True) | Q(finished_at__gte=since),
        pk__in=ids,
        started_at__isnull=False,
    )
    for run in rows.only("job_id", "state", "started_at", "finished_at").order_by("pk"):
        found.setdefault(run.job_id, []).append(run)
    return found
