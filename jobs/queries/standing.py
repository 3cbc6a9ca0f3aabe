"""How a job stands, in one word; the list is sorted by it, trouble first."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from jobs.domain.states import JobState
from jobs.models import Job

# A due time this old without a verdict is overdue: a tick takes far less.
OVERDUE_AFTER = timedelta(seconds=60)
# How far back the filter "failing" looks for a failure.
LOOK_BACK = timedelta(hours=24)


class Standing(StrEnum):
    """What the list says about a job, worst first."""

    AUTO_DISABLED = "auto_disabled"
    FAILING = "failing"
    OVERDUE = "overdue"
    EXECUTING = "executing"
    SCHEDULED = "scheduled"
    AFTER_OTHERS = "after_others"
    BY_HAND = "by_hand"
    ENDED = "ended"
    PAUSED = "paused"


LIVE = Q(
    execution_count__gt=F("success_count")
    + F("failure_count")
    + F("cancelled_count")
    + F("skipped_count")
)


def overdue(now: datetime) -> Q:
    """Return the condition for a due time that nobody decided."""
    return Q(state=JobState.ACTIVE.value, next_fire_at__lt=now - OVERDUE_AFTER)


def failing(now: datetime) -> Q:
    """Return the condition of the filter: last run bad, or any failure in the look-back."""
    return ~Q(state=JobState.AUTO_DISABLED.value) & (
        Q(consecutive_failures__gt=0) | Q(last_failure_at__gte=now - LOOK_BACK)
    )


def standing(job: Job, now: datetime) -> Standing:
    """Return the word for ``job``; needs schedules and dependencies only when it has nothing due."""
    if job.state == JobState.AUTO_DISABLED:
        return Standing.AUTO_DISABLED
    if job.state == JobState.PAUSED:
        return Standing.PAUSED
    if job.consecutive_failures:
        return Standing.FAILING
    if job.next_fire_at and job.next_fire_at < now - OVERDUE_AFTER:
        return Standing.OVERDUE
    if job.live_count > 0:
        return Standing.EXECUTING
    if job.next_fire_at:
        return Standing.SCHEDULED
    if job.dependencies.all():
        return Standing.AFTER_OTHERS
    return (
        Standing.ENDED
        if any(row.kind != "event" for row in job.schedules.all())
        else Standing.BY_HAND
    )


def by_trouble(jobs: QuerySet[Job], now: datetime) -> QuerySet[Job]:
    """Sort jobs worst first, then by what is due next."""
    ranks = (
        Q(state=JobState.AUTO_DISABLED.value),
        Q(state=JobState.ACTIVE.value, consecutive_failures__gt=0),
        overdue(now),
        Q(state=JobState.ACTIVE.value) & LIVE,
        Q(state=JobState.ACTIVE.value, next_fire_at__isnull=False),
        Q(state=JobState.ACTIVE.value),
    )
    rank = Case(
        *(When(condition, then=Value(place)) for place, condition in enumerate(ranks)),
        default=Value(len(ranks)),
        output_field=IntegerField(),
    )
    return jobs.order_by(rank, F("next_fire_at").asc(nulls_last=True), "name")
