"""The predicted load of each queue, with its hot spots by name.

All active jobs take part. Jobs whose schedules, policy and holds are equal are one demand, so that
the cost follows from how many different schedules there are, not from how many jobs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.core.cache import cache
from django.db.models import Q, QuerySet

from jobs.domain.holds import Hold, Outside
from jobs.domain.hot_spots import HotSpot, hot_spots
from jobs.domain.instants import SECOND, DueTimes, Single, to_instant, to_moment
from jobs.domain.load import Bucket, Demand, QueueLoad, predict
from jobs.domain.states import ExecutionState, JobState, Overlap
from jobs.models import Execution, Job, Schedule, Worker, WorkerKind, WorkerState
from jobs.queries.holds import holding_freezes
from jobs.queries.holds import holds_of as stored_holds
from jobs.queries.planning import HoldsOf, RulesOf, due_sets, usual_length
from jobs.queries.pulse import CLUSTER_SILENT_AFTER
from jobs.queries.revisions import revision

NAMED = 2  # jobs of a hot spot that its sentence names
LINKED = 1_000  # jobs of a hot spot that its link shows
_IN_HAND = 2_000  # executions in progress or ready that are looked at
_UNKNOWN = SECOND  # what a job counts that has never run
_READ_AT_ONCE = 500  # jobs
_SLICES = 12  # parts into which jobs with a spread are dealt
_KEPT_SECONDS = 300
# What tells schedules apart. The number of executions made only matters where it is limited.
_RULE = (
    "kind", "expression", "day_match", "seconds_position", "gap", "fold", "seconds", "anchor",
    "anchor_at", "at", "event", "timezone", "starts_at", "ends_at", "jitter_seconds",
    "spread_seconds", "max_executions", "exhausted_at",
)  # fmt: skip
Row = tuple[object, ...]
# What guesses are made from.
_OWN = (
    "recent", "last_duration_seconds", "last_finished_at", "decided_until", "execution_count",
    "success_count", "failure_count", "cancelled_count", "skipped_count",
)  # fmt: skip


class JobRow(NamedTuple):
    """What all ten thousand jobs are asked for; model instances cost ten times."""

    pk: int
    name: str
    queue: str
    overlap: str
    max_parallel: int
    uses_calendars: bool
    usual: int | None  # how many microseconds a run takes

    @property
    def parallel(self) -> int:
        """Return how many runs of the job may go on at once."""
        return max(self.max_parallel, 1) if self.overlap == Overlap.ALLOW else 1


class _Outcomes(NamedTuple):
    """What a row says of how long its runs take."""

    recent: list[Any]
    last_duration_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A hot spot with the jobs that make it."""

    start: datetime
    until: datetime
    peak: int
    over: bool
    jobs: int
    names: list[str]
    job_ids: list[int]
    wait_seconds: float
    drains: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One bucket of a queue's load."""

    start: datetime
    end: datetime
    starts: int
    peak: int
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueForecast:
    """What one queue will want; ``slots`` None: no live worker serves it now."""

    queue: str
    slots: int | None
    shared: bool  # its workers serve other queues too
    buckets: list[Slice]
    spots: list[Spot]
    more_spots: int

    @property
    def peak(self) -> int:
        """Return how many slots it wants at most."""
        return max((bucket.peak for bucket in self.buckets), default=0)

    @property
    def starts(self) -> int:
        """Return how many runs will begin."""
        return sum(bucket.starts for bucket in self.buckets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The load of a range; ``counted`` jobs are due too often to be followed run by run."""

    start: datetime
    end: datetime
    jobs: int
    counted: int
    counted_names: list[str]
    never_ran: int
    queues: list[QueueForecast]


def forecast(
    start: datetime,
    end: datetime,
    *,
    now: datetime,
    width: timedelta,
    rules_of: RulesOf,
    holds_of: HoldsOf = stored_holds,
) -> Forecast:
    """Return the load from ``start`` (not before ``now``) to ``end`` in buckets of ``width``."""
    active = Job.objects.present().filter(state=JobState.ACTIVE.value)
    jobs = _rows(active)
    in_hand = _in_hand()
    groups = _Groups(now=now, rules_of=rules_of)
    holds = _holds(jobs, start, end, holds_of)
    groups.add_all(jobs, holds, {run.job_id: run for run in in_hand})
    if start <= now:
        groups.add_in_hand(in_hand, {job.pk: job for job in jobs}, now)
    after = to_instant(start)
    found = predict(
        groups.demands,
        now=to_instant(now),
        after=after,
        until=to_instant(end),
        width=width // timedelta(microseconds=1),
    )
    names = {job.pk: job.name for job in jobs}
    slots = _slots(now)
    counted = [pk for place in found.counted for pk in groups.members[place]]
    return Forecast(
        start=start,
        end=end,
        jobs=len(jobs),
        counted=len(counted),
        counted_names=[names[pk] for pk in counted[:NAMED]],
        never_ran=groups.never_ran,
        queues=[_queue(load, groups, names, slots, after) for load in found.queues],
    )


def cached_forecast(
    start: datetime, end: datetime, *, now: datetime, width: timedelta, rules_of: RulesOf
) -> Forecast:
    """Return the load, worked out once while jobs and workers stay as they are.

    ``start`` is part of the key: round it, so that requests of the same minute share one answer.
    """
    key = cache_key(start, end)
    known: Forecast | None = cache.get(key)
    if known is None:
        known = forecast(start, end, now=now, width=width, rules_of=rules_of)
        cache.set(key, known, _KEPT_SECONDS)
    return known


def is_cached(start: datetime, end: datetime) -> bool:
    """Say whether the load of a range is known already."""
    return cache_key(start, end) in cache


def cache_key(start: datetime, end: datetime) -> str:
    """Return what the load depends on; one small query."""
    return f"forecast:{revision('jobs', 'workers')}:{start:%Y%m%dT%H%M%S}:{end:%Y%m%dT%H%M%S}"


class _Groups:
    """Jobs put together by equal due times, queue and policy."""

    def __init__(self, *, now: datetime, rules_of: RulesOf) -> None:
        """Start empty."""
        self.now = now
        self.rules_of = rules_of
        self.demands: list[Demand] = []
        self.members: list[list[int]] = []  # job ids of each demand
        self.never_ran = 0
        self._own = _with_own_times()

    def add_all(
        self, jobs: Sequence[JobRow], holds: dict[int, Sequence[Hold]], live: dict[int, Execution]
    ) -> None:
        """Sort all jobs into demands."""
        rows = _rows_by_job()
        parts: dict[object, list[JobRow]] = defaultdict(list)
        held: dict[object, Sequence[Hold]] = {}
        key: object
        for job in jobs:
            if job.pk in rows:
                spans = holds.get(job.pk, ())
                key = (
                    job.queue,
                    job.parallel,
                    tuple(rows[job.pk]),
                    tuple(spans),
                    job.pk if job.pk in self._own else 0,
                )
                parts[key].append(job)
                held[key] = spans
        for key, members in parts.items():
            run = live.get(members[0].pk)
            self._add(members, rows[members[0].pk], held[key], run.started_at if run else None)

    def _add(
        self,
        jobs: list[JobRow],
        rows: Sequence[Row],
        spans: Sequence[Hold],
        started_at: datetime | None,
    ) -> None:
        """Add jobs with the same schedules as one demand, or as several where they are spread."""
        first = jobs[0]
        stored = [Schedule(**dict(zip((*_RULE, "fired_count"), row, strict=True))) for row in rows]
        sets: list[DueTimes] = due_sets(
            self._own.get(first.pk) or Job(pk=first.pk),
            stored,
            rules_of=self.rules_of,
            now=self.now,
            started_at=started_at,
        )
        if spans:
            sets = [Outside(times, spans) for times in sets]
        spread = min(row.spread_seconds + row.jitter_seconds / 2 for row in stored)
        number = min(_SLICES, len(jobs)) if spread else 1
        for place in range(number):
            part = jobs[place::number]
            self.demands.append(
                Demand(
                    queue=first.queue,
                    sets=sets,
                    lengths=[self._length(job) for job in part],
                    parallel=first.parallel,
                    offset=round(spread * SECOND * (place + 0.5) / number),
                )
            )
            self.members.append([job.pk for job in part])

    def _length(self, job: JobRow) -> int:
        self.never_ran += job.usual is None
        return _UNKNOWN if job.usual is None else job.usual

    def add_in_hand(
        self, runs: Sequence[Execution], jobs: dict[int, JobRow], now: datetime
    ) -> None:
        """Add what runs or is ready to run: it takes slots from the first moment on."""
        queues: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for run in runs:
            job = jobs.get(run.job_id)
            usual = (job.usual if job else None) or _UNKNOWN
            gone = (now - run.started_at) // timedelta(microseconds=1) if run.started_at else 0
            queues[run.queue].append((run.job_id, max(usual - gone, _UNKNOWN)))
        for queue, pairs in queues.items():
            lengths = [length for _, length in pairs]
            begin = Single(to_instant(now) + 1)
            self.demands.append(Demand(queue=queue, sets=[begin], lengths=lengths))
            self.members.append([job_id for job_id, _ in pairs])


def _rows(jobs: QuerySet[Job]) -> list[JobRow]:
    """Return the jobs; their latest outcomes, two hundred thousand in all, are let go at once."""
    columns = [*JobRow._fields[:-1], *_Outcomes._fields]
    rows = jobs.order_by("pk").values_list(*columns).iterator(chunk_size=_READ_AT_ONCE)
    return [
        JobRow._make([*facts, usual_length(_Outcomes(recent, last_duration))])
        for *facts, recent, last_duration in rows
    ]


def _rows_by_job() -> dict[int, list[Row]]:
    """Return the schedules of all jobs as plain rows; one query."""
    found: dict[int, list[Row]] = defaultdict(list)
    rows = Schedule.objects.filter(job__deleted_at=None, job__state=JobState.ACTIVE.value)
    rows = rows.exclude(kind="event").order_by("job_id", "position")
    place = _RULE.index("max_executions")
    for job_id, fired, *values in rows.values_list("job_id", "fired_count", *_RULE):
        found[job_id].append((*values, 0 if values[place] is None else fired))
    return dict(found)


def _with_own_times() -> dict[int, Job]:
    """Return the jobs whose due times follow from their own runs: they share them with nobody."""
    jobs = Job.objects.present().filter(state=JobState.ACTIVE.value)
    limited = Schedule.objects.filter(max_executions__isnull=False).values("job")
    found = jobs.filter(Q(counts_from_end=True) | Q(pk__in=limited)).only(*_OWN)
    return {job.pk: job for job in found}


def _holds(
    jobs: Sequence[JobRow], start: datetime, end: datetime, holds_of: HoldsOf
) -> dict[int, Sequence[Hold]]:
    """Return what holds back each job; without a freeze only those with a calendar are asked for."""
    frozen = bool(holding_freezes(start, end))
    asked = [job for job in jobs if frozen or job.uses_calendars]
    if not asked:
        return {}
    return holds_of(
        [Job(pk=job.pk, uses_calendars=job.uses_calendars) for job in asked], start, end
    )


def _in_hand() -> list[Execution]:
    states = (ExecutionState.RUNNING, ExecutionState.CLAIMED, ExecutionState.QUEUED)
    rows = Execution.objects.filter(state__in=[state.value for state in states], held=False)
    return list(rows.only("job_id", "queue", "started_at")[:_IN_HAND])


def _slots(now: datetime) -> dict[str, tuple[int, bool]]:
    """Return the slots of each served queue, and whether they serve other queues too."""
    found: dict[str, tuple[int, bool]] = {}
    rows = Worker.objects.filter(
        kind=WorkerKind.CLUSTER.value,
        state=WorkerState.RUNNING.value,
        beat_at__gt=now - CLUSTER_SILENT_AFTER,
    )
    for queues, slots in rows.values_list("queues", "slots"):
        for queue in queues:
            before, shared = found.get(queue, (0, False))
            found[queue] = (before + slots, shared or len(queues) > 1)
    return found


def _queue(
    load: QueueLoad,
    groups: _Groups,
    names: dict[int, str],
    slots: dict[str, tuple[int, bool]],
    after: int,
) -> QueueForecast:
    known, shared = slots.get(load.queue, (None, False))
    spots = hot_spots(load, groups.demands, known)
    return QueueForecast(
        queue=load.queue,
        slots=known,
        shared=shared,
        buckets=[_slice(bucket, after) for bucket in load.buckets],
        spots=[_named(spot, groups, names) for spot in spots.spots],
        more_spots=spots.more,
    )


def _slice(bucket: Bucket, after: int) -> Slice:
    return Slice(
        start=to_moment(max(bucket.start, after)),
        end=to_moment(bucket.end),
        starts=bucket.starts,
        peak=bucket.peak,
        mean=round(bucket.mean, 3),
    )


def _named(spot: HotSpot, groups: _Groups, names: dict[int, str]) -> Spot:
    ids = list(dict.fromkeys(pk for place in spot.demands for pk in groups.members[place]))
    return Spot(
        start=to_moment(spot.start),
        until=to_moment(spot.until),
        peak=spot.peak,
        over=spot.over,
        jobs=len(ids),
        names=[names[pk] for pk in ids if pk in names][:NAMED],
        job_ids=sorted(ids[:LINKED]),
        wait_seconds=spot.wait / SECOND,
        drains=spot.drains,
    )
