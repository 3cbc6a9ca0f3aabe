"""How many other jobs are due in the same minute as a run to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from jobs.domain.states import JobState
from jobs.models import Job

LOOKED_AT = 5  # runs whose minutes are compared
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """Other jobs whose next due time lies in the minute of a run.

    There are at least ``jobs``: what a job is due at after its next due time is not looked at.
    """

    at: datetime
    jobs: int


def most_crowded(moments: Sequence[datetime], *, but: int | None) -> Crowd | None:
    """Return the minute of these runs in which most other jobs are due; None when all are alone.

    ``but`` is the job whose runs they are. One query along the index of the dispatcher.
    """
    looked_at = moments[:LOOKED_AT]
    if not looked_at:
        return None
    minutes = [at.replace(second=0, microsecond=0) for at in looked_at]
    others = Job.objects.present().filter(
        state=JobState.ACTIVE.value,
        next_fire_at__gte=minutes[0],
        next_fire_at__lt=minutes[-1] + _MINUTE,
    )
    if but is not None:
        others = others.exclude(pk=but)
    found = others.aggregate(
        **{
            f"minute_{place}": Count(
                "pk", filter=Q(next_fire_at__gte=at, next_fire_at__lt=at + _MINUTE)
            )
            for place, at in enumerate(minutes)
        }
    )
    crowds = [Crowd(at=at, jobs=found[f"minute_{place}"]) for place, at in enumerate(minutes)]
    most = max(crowds, key=lambda crowd: crowd.jobs)
    return most if most.jobs else None
