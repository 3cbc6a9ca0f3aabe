"""What a freeze would hold back, before it is made: worked out from what the dispatcher asks.

The work is bounded, however many jobs there are and however long the freeze is: of so many jobs,
those due first, and so many stretches. What is beyond is told as such, never guessed.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db.models import Count, F, Q

from jobs.domain.holds import Hold, Outside
from jobs.domain.instants import DueTimes, to_instant, to_moment
from jobs.domain.merged import Merged
from jobs.domain.permissions import Actor
from jobs.domain.states import JobState
from jobs.models import Freeze, Job, Schedule
from jobs.models.job import JobQuerySet
from jobs.queries.freezes import jobs_under, waiting_of
from jobs.queries.holds import hold_of, holds_of
from jobs.queries.planning import RulesOf, due_sets

Piece = tuple[int, int]  # after, until

FIRST = 10  # due times that are named
NAMED = 20  # jobs that are named
# Jobs whose due times are worked out; each takes about a tenth of a millisecond.
LOOKED_AT = 500
# Stretches between other holds that are counted: calendars cut a long freeze into many.
PIECES = 5_000
# Due times that schedules of one job may share are listed to be counted once; so many of all jobs.
LISTED = 20_000
# How far one is looked at that ends only when somebody lifts it.
OPEN_ENDED = timedelta(days=7)
# What due times are worked out from, and what is shown.
_COLUMNS = (
    "name", "counts_from_end", "uses_calendars", "breaker", "recent", "last_duration_seconds",
    "last_finished_at", "decided_until", "next_fire_at", "execution_count", "success_count",
    "failure_count", "cancelled_count", "skipped_count",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRun:
    """A due time that would be left out."""

    job: Job
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldJob:
    """A job whose due times would be left out; ``next_at`` is its first one after the freeze."""

    job: Job
    count: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezePreview:
    """What would be left out from ``start`` to ``until``, which is the end unless there is none.

    ``about``: some jobs count from the end of a run, so that their due times are a guess.
    ``at_least``: not everything was looked at, so that the numbers are lower bounds.
    """

    start: datetime
    until: datetime
    ends: bool
    total: int
    at_least: bool
    jobs: list[HeldJob]  # those with most first, and only so many
    job_count: int
    unknown: int  # jobs with something due that were not looked at
    spared: int  # jobs that it is about and that have nothing due in it
    first: list[HeldRun]
    taken_back: int
    about: bool


def preview(
    draft: Freeze, now: datetime, *, rules_of: RulesOf, seen_by: Actor | None = None
) -> FreezePreview:
    """Return what a freeze that is not stored yet, or one with another end, would leave out."""
    until = draft.ends_at or max(draft.starts_at, now) + OPEN_ENDED
    start = max(draft.starts_at, now)
    seen = jobs_under(draft).visible_to(seen_by)
    active = seen.filter(state=JobState.ACTIVE.value)
    # What is due later has nothing in it; only the end of a run makes some due earlier than told.
    due = Q(next_fire_at__lt=until) | Q(counts_from_end=True)
    there = active.aggregate(all=Count("pk"), due=Count("pk", filter=due))
    jobs = _jobs(active.filter(due))
    schedules = _schedules(jobs)
    holds = holds_of(jobs, start - timedelta(microseconds=1), until, draft=draft)
    budget = _Budget()
    looked: list[tuple[Job, _Held]] = []
    for job in jobs:
        if not budget.pieces:
            break
        sets = due_sets(job, schedules[job.pk], rules_of=rules_of, now=now)
        looked.append((job, _Held(sets, holds.get(job.pk, ()), draft, (start, until), budget)))
    found = [pair for pair in looked if pair[1].count]
    found.sort(key=lambda pair: (-pair[1].count, pair[0].name, pair[0].pk))
    unknown = max(there["due"] - len(looked), 0)
    return FreezePreview(
        start=start,
        until=until,
        ends=draft.ends_at is not None,
        total=sum(one.count for _job, one in found),
        at_least=unknown > 0 or budget.exceeded,
        jobs=[HeldJob(job=job, count=one.count, next_at=one.next_at) for job, one in found[:NAMED]],
        job_count=len(found),
        unknown=unknown,
        spared=max(there["all"] - len(found) - unknown, 0),
        first=_first(found, looked[-1][0].next_fire_at if unknown else None),
        taken_back=waiting_of(_busy(seen)).count() if draft.starts_at <= now else 0,
        about=any(job.counts_from_end for job, _one in found),
    )


def _jobs(due: JobQuerySet) -> list[Job]:
    """Return the jobs that are looked at: those due first."""
    first = due.order_by(F("next_fire_at").asc(nulls_last=True), "pk")
    return list(first.only(*_COLUMNS)[:LOOKED_AT])


def _schedules(jobs: Iterable[Job]) -> dict[int, list[Schedule]]:
    """Return the schedules of each job, in order."""
    found: dict[int, list[Schedule]] = defaultdict(list)
    rows = Schedule.objects.filter(job__in=[job.pk for job in jobs])
    for row in rows.order_by("job_id", "position"):
        found[row.job_id].append(row)
    return found


def _busy(jobs: JobQuerySet) -> JobQuerySet:
    """Return the jobs with something in progress or queued: the others' runs need no look."""
    ended = F("success_count") + F("failure_count") + F("cancelled_count") + F("skipped_count")
    return jobs.filter(execution_count__gt=ended)


@dataclass(slots=True)
class _Budget:
    """What may still be spent on counting."""

    pieces: int = PIECES
    listed: int = LISTED
    exceeded: bool = False

    def take(self, pieces: Iterable[Piece]) -> list[Piece]:
        """Return as many of a job's stretches as may be counted."""
        found = list(islice(pieces, self.pieces + 1))
        self.exceeded |= len(found) > self.pieces
        found = found[: self.pieces]
        self.pieces -= len(found)
        return found

    def count(self, sets: Sequence[DueTimes], piece: Piece) -> int:
        """Return how many due times the sets have in a stretch; at least, once it is spent."""
        filled = [number for times in sets if (number := times.count(*piece))]
        if len(filled) < 2:
            return sum(filled)
        if sum(filled) <= self.listed:
            self.listed -= sum(filled)
            return Merged(sets).count(*piece)
        self.exceeded = True
        return max(filled)


class _Held:
    """The due times of one job that the freeze, and nothing before it, holds back."""

    __slots__ = ("_due", "_end", "_holds", "_pieces", "count")

    def __init__(
        self,
        sets: Sequence[DueTimes],
        holds: Sequence[Hold],
        draft: Freeze,
        window: tuple[datetime, datetime],
        budget: _Budget,
    ) -> None:
        """Count them: in each piece of the freeze that no other hold names first."""
        start, until = window
        # What is due at this very moment has been decided already, or is by a start that is later.
        first = max(to_instant(start), to_instant(draft.starts_at))
        self._due, self._holds, self._end = Merged(sets), holds, to_instant(until)
        detail = hold_of(draft).detail
        self._pieces = budget.take(
            (max(hold.start, first) - 1, min(hold.end, self._end) - 1)
            for hold in holds
            if hold.detail == detail and hold.start < self._end and hold.end > first
        )
        self.count = sum(budget.count(sets, piece) for piece in self._pieces)

    def __iter__(self) -> Iterator[int]:
        """Yield the instants, in order."""
        for after, until in self._pieces:
            at = self._due.next_after(after)
            while at is not None and at <= until:
                yield at
                at = self._due.next_after(at)

    @property
    def next_at(self) -> datetime | None:
        """Return the first due time after the freeze that nothing else holds back."""
        at = Outside(self._due, self._holds).next_after(self._end - 1)
        return None if at is None else to_moment(at)


def _first(found: Sequence[tuple[Job, _Held]], known: datetime | None) -> list[HeldRun]:
    """Return the earliest due times of all jobs; up to ``known``, where not all are looked at."""
    # None is of a job before whose first one there are that many others already.
    begins = heapq.nsmallest(
        FIRST, ((next(iter(one)), job.name, job.pk, job, one) for job, one in found)
    )
    by_name = [
        [(at, job.name, job.pk, job) for at in islice(one, FIRST)]
        for _at, _name, _pk, job, one in begins
    ]
    merged = islice(heapq.merge(*by_name, key=lambda run: run[:3]), FIRST)
    runs = [HeldRun(job=job, due_at=to_moment(at)) for at, _name, _pk, job in merged]
    return [run for run in runs if known is None or run.due_at <= known]
