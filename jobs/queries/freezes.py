"""Freezes as pages and programs look at them: what holds, what is planned, what is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Count, F, Q, QuerySet, Sum

from jobs.domain.errors import UnknownError
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.domain.states import FreezeScope, JobState, OmissionReason
from jobs.models import Execution, Freeze, Job, JobTag, Omission
from jobs.models.execution import NOT_STARTED, UNASKED_TRIGGERS
from jobs.models.job import JobQuerySet, of_jobs_seen_by
from jobs.queries.holds import applies, hold_of, marks_of
from jobs.queries.listing import Page
from jobs.queries.sway import freezes_seen_by

PAGE_SIZE = 25
# A freeze that begins this soon is announced like one that holds.
ANNOUNCED = timedelta(hours=1)


class Phase(StrEnum):
    """Where a freeze stands."""

    PLANNED = "planned"
    HOLDING = "holding"
    ENDED = "ended"
    CANCELLED = "cancelled"  # called off before it began


def phase_of(freeze: Freeze, now: datetime) -> Phase:
    """Return where a freeze stands at ``now``."""
    if freeze.ends_at is not None and freeze.ends_at <= freeze.starts_at:
        return Phase.CANCELLED
    if freeze.ends_at is not None and freeze.ends_at <= now:
        return Phase.ENDED
    return Phase.HOLDING if freeze.starts_at <= now else Phase.PLANNED


def get_freeze(freeze_id: int, *, seen_by: Actor | None = None) -> Freeze:
    """Return a freeze; UnknownError when there is none that may be seen."""
    found = Freeze.objects.filter(freezes_seen_by(seen_by), pk=freeze_id).first()
    if found is None:
        raise UnknownError(said("Freeze {number} does not exist.", number=freeze_id))
    return found


def open_freezes(now: datetime, *, seen_by: Actor | None = None) -> list[Freeze]:
    """Return what holds now and what is planned, by start."""
    rows = Freeze.objects.filter(freezes_seen_by(seen_by)).filter(
        Q(ends_at=None) | Q(ends_at__gt=now)
    )
    # One that was called off ends where it would have begun.
    return [
        row
        for row in rows.order_by("starts_at", "pk")
        if row.ends_at is None or row.ends_at > row.starts_at
    ]


def freezing(freezes: Sequence[Freeze], job: Job, at: datetime) -> Freeze | None:
    """Return the freeze that holds back a job at a moment."""
    marks = marks_of(job) if freezes else set()
    return next(
        (
            one
            for one in freezes
            if one.starts_at <= at
            and (one.ends_at is None or at < one.ends_at)
            and applies(one, marks)
        ),
        None,
    )


def jobs_under(freeze: Freeze) -> JobQuerySet:
    """Return the present jobs that a freeze holds back."""
    jobs = Job.objects.present()
    if freeze.scope == FreezeScope.WORKSPACE:
        return jobs.in_workspace(freeze.target)
    return jobs.tagged(freeze.target) if freeze.scope == FreezeScope.TAG else jobs


def waiting_under(freeze: Freeze) -> QuerySet[Execution]:
    """Return what schedules have queued for these jobs and nobody has started."""
    return waiting_of(jobs_under(freeze))


def waiting_of(jobs: QuerySet[Job]) -> QuerySet[Execution]:
    """Return what schedules have queued for jobs and nobody has started."""
    waiting = Execution.objects.filter(trigger__in=UNASKED_TRIGGERS, state__in=NOT_STARTED)
    return waiting.filter(attempt=1, job__in=jobs.values("pk"))


def jobs_by_workspace(names: Iterable[str]) -> dict[str, int]:
    """Return how many present jobs live in each workspace."""
    wanted = list(names)
    if not wanted:
        return {}
    rows = Job.objects.present().filter(workspace__name__in=wanted).order_by()
    counts = dict(rows.values_list("workspace__name").annotate(jobs=Count("pk")))
    return dict.fromkeys(wanted, 0) | counts


def jobs_by_tag(tags: Iterable[str]) -> dict[str, int]:
    """Return how many present jobs carry each tag."""
    wanted = list(tags)
    if not wanted:
        return {}
    rows = JobTag.objects.filter(tag__in=wanted, job__deleted_at=None)
    return dict.fromkeys(wanted, 0) | dict(rows.values_list("tag").annotate(jobs=Count("pk")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What lifting a freeze means."""

    firing: int  # jobs with a next due time that nothing else holds back
    left_out: int  # due times that it has left out


def consequences(freeze: Freeze, now: datetime) -> Consequences:
    """Return what lifting a freeze now means, true at this moment."""
    others = [one for one in open_freezes(now) if one.pk != freeze.pk and one.starts_at <= now]
    jobs = jobs_under(freeze).filter(state=JobState.ACTIVE.value, next_fire_at__isnull=False)
    if any(one.scope == FreezeScope.EVERYTHING for one in others):
        firing = 0
    else:
        tags = [one.target for one in others if one.scope == FreezeScope.TAG]
        rooms = [one.target for one in others if one.scope == FreezeScope.WORKSPACE]
        still = JobTag.objects.filter(tag__in=tags).values("job")
        inside = Job.objects.filter(workspace__name__in=rooms).values("pk")
        firing = jobs.exclude(pk__in=still).exclude(pk__in=inside).count()
    return Consequences(firing=firing, left_out=left_out(freeze))


def left_out(freeze: Freeze, *, seen_by: Actor | None = None) -> int:
    """Return how many due times a freeze has left out so far."""
    rows = Omission.objects.filter(
        of_jobs_seen_by(seen_by),
        reason=OmissionReason.FROZEN.value,
        detail=hold_of(freeze).detail,
        last_due_at__gte=freeze.starts_at,
    )
    if freeze.ends_at is not None:
        rows = rows.filter(first_due_at__lt=freeze.ends_at)
    total: int | None = rows.aggregate(total=Sum("count"))["total"]
    return total or 0


def list_freezes(
    now: datetime,
    *,
    phase: Phase | None = None,
    after: int | None = None,
    limit: int = 100,
    seen_by: Actor | None = None,
) -> Page[Freeze]:
    """Return a page of freezes, newest first."""
    rows = Freeze.objects.filter(freezes_seen_by(seen_by)).order_by("-pk")
    if phase is not None:
        rows = rows.filter(_in_phase(phase, now))
    if after is not None:
        rows = rows.filter(pk__lt=after)
    return _page(rows, limit)


def _in_phase(phase: Phase, now: datetime) -> Q:
    lasting = Q(ends_at=None) | Q(ends_at__gt=now) & Q(ends_at__gt=F("starts_at"))
    return {
        Phase.PLANNED: lasting & Q(starts_at__gt=now),
        Phase.HOLDING: lasting & Q(starts_at__lte=now),
        Phase.ENDED: Q(ends_at__lte=now) & Q(ends_at__gt=F("starts_at")),
        Phase.CANCELLED: Q(ends_at__lte=F("starts_at")),
    }[phase]


def past_freezes(
    now: datetime, *, before: int | None = None, seen_by: Actor | None = None
) -> Page[Freeze]:
    """Return a page of freezes that are over or were called off, newest first."""
    rows = Freeze.objects.filter(freezes_seen_by(seen_by)).filter(
        Q(ends_at__lte=now) | Q(ends_at__lte=F("starts_at"))
    )
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return _page(rows.order_by("-pk"), PAGE_SIZE)


def _page(rows: QuerySet[Freeze], limit: int) -> Page[Freeze]:
    found = list(rows[: limit + 1])
    return Page(rows=found[:limit], next_after=found[limit - 1].pk if len(found) > limit else None)
