"""Backfills: what past due times have on record, how far each backfill is, and its items."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from django.db.models import Count, QuerySet
from django.db.models.functions import Coalesce

from jobs.domain.backfill import estimated_end
from jobs.domain.errors import UnknownError
from jobs.domain.said import said
from jobs.domain.states import (
    FAILURES,
    BackfillState,
    ExecutionState,
    FreezeScope,
    Overlap,
    Trigger,
)
from jobs.models import Backfill, BackfillItem, Execution, Freeze, Job, Omission
from jobs.models.execution import LIVE_VALUES
from jobs.queries.holds import applies, holding_freezes, marks_of

PAGE_SIZE = 50
UNFINISHED = (BackfillState.RUNNING.value, BackfillState.PAUSED.value)
SAMPLE = 20  # executions that the estimated end is made from
# In the text, since with parameters no database would use the partial index over these.
BY_SCHEDULE = "trigger IN ('schedule', 'misfire')"
_FAILED = tuple(state.value for state in FAILURES)
_ENDED_BY_HAND = (ExecutionState.CANCELLED.value, ExecutionState.SKIPPED.value)
_STATES: dict[str, tuple[str, ...]] = {
    "live": LIVE_VALUES,
    "succeeded": (ExecutionState.SUCCEEDED.value,),
    "failed": _FAILED,
    "cancelled": _ENDED_BY_HAND,
}
# What the items of a backfill can be asked for.
ITEM_STATES = ("left", *_STATES, "dropped")

Executions = dict[datetime, list[tuple[int, ExecutionState]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a window has on record."""

    executions: Executions  # by due time, oldest first
    scheduled: set[datetime]  # due times whose execution a schedule or an event made
    omissions: list[Omission]  # in order


def pasts_of(
    jobs: Iterable[int], start: datetime, end: datetime, *, events: Iterable[int]
) -> dict[int, Past]:
    """Return what due times of a window, ends included, have on record, by job; four statements.

    ``events`` are those of the jobs that wait for events.
    """
    named = list(jobs)
    pasts = {
        job: Past(executions=defaultdict(list), scheduled=set(), omissions=[]) for job in named
    }
    found = _made(named, start, end, set(events))
    for job, due_at, _pk, _state in found:
        pasts[job].scheduled.add(due_at)
    found += BackfillItem.objects.filter(
        backfill__job__in=named, execution__isnull=False, due_at__gte=start, due_at__lte=end
    ).values_list("backfill__job_id", "due_at", "execution_id", "execution__state")
    for job, due_at, pk, state in sorted(found):
        pasts[job].executions[due_at].append((pk, ExecutionState(state)))
    omissions = Omission.objects.filter(
        job__in=named, first_due_at__lte=end, last_due_at__gte=start
    )
    for row in omissions.order_by("first_due_at"):
        pasts[row.job_id].omissions.append(row)
    return pasts


def _made(
    jobs: Sequence[int], start: datetime, end: datetime, events: set[int]
) -> list[tuple[int, datetime, int, str]]:
    """Return job, due time, number and state of what schedules and events have made."""
    inside = Execution.objects.filter(due_at__gte=start, due_at__lte=end)
    columns = ("job_id", "due_at", "pk", "state")
    by_schedule = inside.filter(job__in=jobs).extra(where=[BY_SCHEDULE])  # noqa: S610 - a constant
    found = list(by_schedule.values_list(*columns))
    if events:
        by_event = inside.filter(job__in=events, trigger=Trigger.EVENT.value)
        found += by_event.values_list(*columns)
    return found


Taken = dict[datetime, int]  # which unfinished backfill has a due time


def in_unfinished(job: Job, start: datetime, end: datetime) -> Taken:
    """Return the due times of a window that an unfinished backfill has already, with its number."""
    return taken_of([job.pk], start, end).get(job.pk, {})


def taken_of(jobs: Iterable[int], start: datetime, end: datetime) -> dict[int, Taken]:
    """Return the same of each job; those without any are left out."""
    items = BackfillItem.objects.filter(
        backfill__job__in=list(jobs),
        backfill__state__in=UNFINISHED,
        dropped=False,
        due_at__gte=start,
        due_at__lte=end,
    )
    found: dict[int, Taken] = defaultdict(dict)
    for job, due_at, number in items.values_list("backfill__job_id", "due_at", "backfill_id"):
        found[job][due_at] = number
    return dict(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a backfill is, in due times."""

    total: int
    succeeded: int
    failed: int
    cancelled: int  # killed, or skipped before the start
    live: int
    left: int
    dropped: int  # given up before their start
    gone: int  # their execution is deleted; what became of it is not known any more

    @property
    def done(self) -> int:
        """Return how many are over."""
        return self.total - self.left - self.live


def progress_of(backfills: Iterable[Backfill]) -> dict[int, Progress]:
    """Return how far each backfill is; one query for all of them."""
    known = {row.pk: row for row in backfills}
    rows = (
        BackfillItem.objects.filter(backfill__in=known)
        .order_by()
        .values_list("backfill", "dropped", "execution__state")
        .annotate(count=Count("pk"))
    )
    sums: dict[int, dict[str, int]] = {pk: defaultdict(int) for pk in known}
    for pk, dropped, state, count in rows:
        sums[pk][_standing(known[pk], dropped=dropped, state=state)] += count
    return {pk: _progress(found) for pk, found in sums.items()}


def _standing(backfill: Backfill, *, dropped: bool, state: str | None) -> str:
    if state is None:
        if dropped:
            return "dropped"
        return "left" if backfill.state in UNFINISHED else "gone"
    if state in LIVE_VALUES:
        return "live"
    if state == ExecutionState.SUCCEEDED:
        return "succeeded"
    return "failed" if state in _FAILED else "cancelled"


def _progress(sums: dict[str, int]) -> Progress:
    names = [name for name in Progress.__dataclass_fields__ if name != "total"]
    return Progress(total=sum(sums.values()), **{name: sums[name] for name in names})


def get_backfill(backfill_id: int) -> Backfill:
    """Return a backfill with its job; UnknownError when there is none."""
    found = Backfill.objects.select_related("job").filter(pk=backfill_id).first()
    if found is None:
        raise UnknownError(said("Backfill {number} does not exist.", number=backfill_id))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillPage:
    """A job's backfills, newest first; ``older`` begins the next page."""

    rows: list[tuple[Backfill, Progress]]
    older: int | None


def backfills_of(
    job_id: int, *, state: str = "", before: int | None = None, size: int = PAGE_SIZE
) -> BackfillPage:
    """Return one page of a job's backfills, in one state or all."""
    rows = Backfill.objects.filter(job=job_id).select_related("job").order_by("-pk")
    if state:
        rows = rows.filter(state=state)
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: size + 1])
    page = found[:size]
    progress = progress_of(page)
    return BackfillPage(
        rows=[(row, progress[row.pk]) for row in page],
        older=page[-1].pk if len(found) > size else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPage:
    """Items in the order in which they start; ``after`` begins the next page."""

    rows: list[BackfillItem]
    after: int | None


def items_of(
    backfill: Backfill, *, state: str = "", after: int | None = None, size: int = PAGE_SIZE
) -> ItemPage:
    """Return one page of a backfill's items; they were written in the order of their start."""
    rows = BackfillItem.objects.filter(backfill=backfill).select_related("execution")
    if state in {"left", "dropped"}:
        rows = not_started(backfill).filter(dropped=state == "dropped")
    elif state:
        rows = rows.filter(execution__state__in=_STATES[state])
    if after:
        rows = rows.filter(pk__gt=after)
    found = list(rows.order_by("pk")[: size + 1])
    page = found[:size]
    return ItemPage(rows=page, after=page[-1].pk if len(found) > size else None)


MOST_MADE_UP = 20_000  # that a page looks through


def made_up_in(
    job: Job, stretches: Sequence[tuple[datetime, datetime]]
) -> list[tuple[int, int | None]]:
    """Return of each stretch how many due times backfills have run, and the newest such backfill.

    Whether such a run went well is told by its own row; what was given up was not run.
    """
    if not stretches:
        return []
    first, last = min(start for start, _ in stretches), max(end for _, end in stretches)
    items = BackfillItem.objects.filter(
        backfill__job=job, due_at__gte=first, due_at__lte=last, execution__isnull=False
    ).exclude(execution__state__in=_ENDED_BY_HAND)
    rows = dict(items.order_by("backfill").values_list("due_at", "backfill")[:MOST_MADE_UP])
    found = []
    for start, end in stretches:
        inside = [number for at, number in rows.items() if start <= at <= end]
        found.append((len(inside), max(inside, default=None)))
    return found


def live_executions(backfill: Backfill) -> QuerySet[Execution]:
    """Return what a backfill has in progress; found by the job, which has few.

    Not in order: for that, SQLite would read the job's whole history.
    """
    return Execution.objects.filter(
        job=backfill.job_id, state__in=LIVE_VALUES, backfill_item__backfill=backfill
    )


def not_started(backfill: Backfill) -> QuerySet[BackfillItem]:
    """Return the items that have no execution, dropped ones included."""
    # Hidden from SQLite's planner, which would read all backfills' items without one.
    items = BackfillItem.objects.annotate(run=Coalesce("execution_id", 0))
    return items.filter(backfill=backfill, run=0)


def freeze_over(job: Job, now: datetime) -> Freeze | None:
    """Return the freeze that holds the job at ``now``; None when none does."""
    freezes = list(holding_freezes(now, now))
    if not freezes:
        return None
    narrow = any(one.scope != FreezeScope.EVERYTHING for one in freezes)
    marks = marks_of(job) if narrow else set()
    return next((one for one in freezes if applies(one, marks)), None)


def in_the_way(backfill: Backfill) -> Execution | None:
    """Return the oldest live execution of the job that is none of the backfill's own."""
    live = Execution.objects.filter(job=backfill.job_id, state__in=LIVE_VALUES)
    others = live.exclude(backfill_item__backfill=backfill)
    return min(others, key=lambda row: row.pk, default=None)


def likely_end(backfill: Backfill, progress: Progress, now: datetime) -> datetime | None:
    """Return when a running backfill is likely to be over, from how long its runs take."""
    if backfill.state != BackfillState.RUNNING or not (progress.left or progress.live):
        return None
    job = backfill.job
    several = job.overlap == Overlap.ALLOW
    return estimated_end(
        now,
        left=progress.left,
        running=progress.live,
        usual=_usual(backfill),
        pace=timedelta(seconds=backfill.pace_seconds),
        abreast=min(backfill.max_parallel, job.max_parallel) if several else 1,
    )


def _usual(backfill: Backfill) -> timedelta:
    """Return how long its latest runs took, else the job's last one; zero when none has run."""
    ended = Execution.objects.filter(
        backfill_item__backfill=backfill,
        started_at__isnull=False,
        finished_at__isnull=False,
    ).order_by("-pk")[:SAMPLE]
    lengths = [row.duration.total_seconds() for row in ended if row.duration is not None]
    seconds = median(lengths) if lengths else backfill.job.last_duration_seconds or 0
    return timedelta(seconds=max(seconds, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What a running backfill waits for: a freeze, or another execution of its job."""

    freeze: Freeze | None = None
    execution: Execution | None = None


def obstacle_of(backfill: Backfill, progress: Progress, now: datetime) -> Obstacle | None:
    """Return why a running backfill starts nothing although due times are left; None if it may."""
    if backfill.state != BackfillState.RUNNING or not progress.left or progress.live:
        return None
    freeze = freeze_over(backfill.job, now)
    if freeze is not None:
        return Obstacle(freeze=freeze)
    execution = in_the_way(backfill)
    several = backfill.job.overlap == Overlap.ALLOW
    if execution is None or (several and backfill.job.live_count < backfill.job.max_parallel):
        return None
    return Obstacle(execution=execution)
