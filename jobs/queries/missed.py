"""What an outage left in a window, of several jobs: stretches without a run, and runs that were lost.

Only that is read, not the window: of a day with a million runs few were missed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Value
from django.db.models.functions import Greatest, Least

from jobs.domain.states import ExecutionState, OmissionReason, Trigger
from jobs.models import BackfillItem, Execution, Omission
from jobs.queries.backfills import BY_SCHEDULE, Past

# What an outage leaves; what people or policies left out on purpose (a pause, a freeze, an overlap)
# is not made up for.
REASONS = (OmissionReason.MISFIRE, OmissionReason.NO_DISPATCHER)
_LOST = ExecutionState.LOST.value
_WITHOUT_DUE_TIME = tuple(
    one.value for one in (Trigger.MANUAL, Trigger.API, Trigger.RETRY, Trigger.DEPENDENCY)
)
Row = tuple[int, datetime, int, str]  # job, due time, number and state of an execution


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What a job missed in a window."""

    stretches: list[Omission]  # that nothing dispatched, in order
    lost: set[datetime]  # due times of which a run was lost
    past: Past  # what these due times have on record


def outages_of(
    jobs: Iterable[int], start: datetime, end: datetime, *, events: Iterable[int]
) -> dict[int, Outage]:
    """Return what each job missed in a window, ends included; up to six statements.

    ``events`` are those of the jobs that wait for events.
    """
    named = list(jobs)
    omissions = _omissions(named, start, end)
    items = _items(named, start, end)
    made = {*_inside_stretches(named, start, end), *_lost(named, start, end)}
    made |= {*_by_event(list(events), start, end), *_beside(items)}
    lost: dict[int, set[datetime]] = defaultdict(set)
    executions: dict[int, dict[datetime, list[tuple[int, ExecutionState]]]] = {
        job: defaultdict(list) for job in named
    }
    scheduled: dict[int, set[datetime]] = defaultdict(set)
    for job, due_at, _pk, _state in made:
        scheduled[job].add(due_at)
    for job, due_at, pk, state in sorted([*made, *items]):
        executions[job][due_at].append((pk, ExecutionState(state)))
        if state == _LOST:
            lost[job].add(due_at)
    return {
        job: Outage(
            stretches=[row for row in omissions[job] if row.reason in REASONS],
            lost=lost[job],
            past=Past(
                executions=executions[job], scheduled=scheduled[job], omissions=omissions[job]
            ),
        )
        for job in named
    }


def lost_without_due_time(jobs: Iterable[int], start: datetime, end: datetime) -> dict[int, int]:
    """Count the lost runs of a window that no schedule, event or backfill asked for, by job.

    Somebody, a program or another job started them: there is nothing to make up for.
    """
    rows = Execution.objects.filter(
        job__in=list(jobs),
        state=_LOST,
        due_at__gte=start,
        due_at__lte=end,
        trigger__in=_WITHOUT_DUE_TIME,
    )
    return dict(rows.order_by().values_list("job_id").annotate(number=Count("pk")))


def _omissions(jobs: Sequence[int], start: datetime, end: datetime) -> dict[int, list[Omission]]:
    """Return all that was left out, for whatever reason: the latest stretch tells a due time's."""
    found: dict[int, list[Omission]] = defaultdict(list)
    rows = Omission.objects.filter(job__in=jobs, first_due_at__lte=end, last_due_at__gte=start)
    for row in rows.order_by("first_due_at"):
        found[row.job_id].append(row)
    return found


def _items(jobs: Sequence[int], start: datetime, end: datetime) -> list[Row]:
    """Return what backfills have run."""
    run = BackfillItem.objects.filter(
        backfill__job__in=jobs, execution__isnull=False, due_at__gte=start, due_at__lte=end
    )
    return list(run.values_list("backfill__job_id", "due_at", "execution_id", "execution__state"))


def _inside_stretches(jobs: Sequence[int], start: datetime, end: datetime) -> Iterable[Row]:
    """Return what schedules made between the ends of what was left out: hardly ever anything.

    A stretch may reach beyond the window; what was made there is none of it.
    """
    at = "job__executions__due_at"
    # One bound for each end: of two, SQLite's index takes the first, and reads the whole window.
    inside = {
        f"{at}__gte": Greatest("first_due_at", Value(start)),
        f"{at}__lte": Least("last_due_at", Value(end)),
    }
    rows = Omission.objects.filter(
        job__in=jobs,
        reason__in=[reason.value for reason in REASONS],
        first_due_at__lte=end,
        last_due_at__gte=start,
        **inside,
    ).extra(where=[BY_SCHEDULE])  # noqa: S610 - a constant
    return rows.values_list("job_id", at, "job__executions__pk", "job__executions__state")


def _lost(jobs: Sequence[int], start: datetime, end: datetime) -> Iterable[Row]:
    """Return the runs of due times that were lost."""
    rows = Execution.objects.filter(
        job__in=jobs, state=_LOST, due_at__gte=start, due_at__lte=end
    ).extra(where=[BY_SCHEDULE])  # noqa: S610 - a constant
    return rows.values_list("job_id", "due_at", "pk", "state")


def _by_event(jobs: Sequence[int], start: datetime, end: datetime) -> Iterable[Row]:
    if not jobs:
        return ()
    rows = Execution.objects.filter(
        job__in=jobs, trigger=Trigger.EVENT.value, due_at__gte=start, due_at__lte=end
    )
    return rows.values_list("job_id", "due_at", "pk", "state")


def _beside(items: Iterable[Row]) -> Iterable[Row]:
    """Return what schedules made of the due times whose run of a backfill was lost."""
    lost = {(job, due_at) for job, due_at, _pk, state in items if state == _LOST}
    if not lost:
        return ()
    rows = Execution.objects.filter(
        job__in={job for job, _ in lost}, due_at__in={due_at for _, due_at in lost}
    ).extra(where=[BY_SCHEDULE])  # noqa: S610 - a constant
    return rows.values_list("job_id", "due_at", "pk", "state")
