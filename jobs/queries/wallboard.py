"""The few figures that a screen on a wall shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from jobs.domain.permissions import Actor
from jobs.domain.states import JobState
from jobs.models import Job
from jobs.queries.overview import Totals, totals
from jobs.queries.standing import overdue
from jobs.queries.upcoming import next_jobs

NEXT = 5
NAMED = 3
BROKEN = Q(state=JobState.AUTO_DISABLED.value) | Q(
    state=JobState.ACTIVE.value, consecutive_failures__gt=0
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallboard:
    """What is broken, what runs, what is late, what comes next."""

    totals: Totals
    broken: int
    worst: list[Job]  # a few of the broken ones
    late: int
    coming: list[Job]


def late(now: datetime, seen_by: Actor) -> int:
    """Return how many jobs have a due time that nobody decided; it grows without any write."""
    return Job.objects.present().visible_to(seen_by).filter(overdue(now)).count()


def wallboard(now: datetime, seen_by: Actor) -> Wallboard:
    """Return all figures of the jobs that may be seen; six queries, none of which reads history."""
    broken = Job.objects.present().visible_to(seen_by).filter(BROKEN)
    return Wallboard(
        totals=totals(now, seen_by),
        broken=broken.count(),
        worst=list(broken.order_by("-consecutive_failures", "pk")[:NAMED]),
        late=late(now, seen_by),
        coming=list(next_jobs(NEXT, seen_by=seen_by)),
    )
