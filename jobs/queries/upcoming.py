"""What is due next, over all jobs."""

from __future__ import annotations

from jobs.domain.permissions import Actor
from jobs.models import Job
from jobs.models.job import JobQuerySet


def next_jobs(limit: int, *, seen_by: Actor | None = None) -> JobQuerySet:
    """Return the jobs that are due next, the soonest first; the index of due times gives them."""
    return (
        Job.objects.present()
        .visible_to(seen_by)
        .filter(next_fire_at__isnull=False)
        .select_related("workspace")
        .order_by("next_fire_at", "pk")[:limit]
    )
