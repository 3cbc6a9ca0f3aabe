"""What a freeze would hold back, before it is made: worked out from what the dispatcher asks."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from jobs.domain.holds import Hold, Outside
from jobs.domain.instants import DueTimes, to_instant, to_moment
from jobs.domain.merged import Merged
from jobs.domain.permissions import Actor
from jobs.domain.states import JobState
from jobs.models import Freeze, Job
from jobs.queries.freezes import jobs_under, waiting_under
from jobs.queries.holds import hold_of, holds_of
from jobs.queries.planning import RulesOf, due_sets

FIRST = 10  # due times that are named
NAMED = 20  # jobs that are named
# How far one is looked at that ends only when somebody lifts it.
OPEN_ENDED = timedelta(days=7)
# Due times that one preview lists to find those which several schedules of a job name: a second's work.
MOST_LISTED = 500_000


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

    ``about``: some jobs count from the end of a run, so that their due times are a guess; or there
    are so many that those which two schedules of a job name are counted twice.
    """

    start: datetime
    until: datetime
    ends: bool
    total: int
    jobs: list[HeldJob]  # those with most first, and only so many
    job_count: int
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
    jobs = list(
        seen.filter(state=JobState.ACTIVE.value)
        .defer("spec", "environment", "last_error")
        .prefetch_related("schedules")
        .order_by("name", "pk")
    )
    holds = holds_of(jobs, start - timedelta(microseconds=1), until, draft=draft)
    due = {
        job.pk: due_sets(job, list(job.schedules.all()), rules_of=rules_of, now=now) for job in jobs
    }
    found, spare = [], MOST_LISTED
    for job in jobs:
        one = _Held(due[job.pk], holds.get(job.pk, ()), draft, start, until, spare=spare)
        spare -= one.listed
        if one.count:
            found.append((job, one))
    found.sort(key=lambda pair: -pair[1].count)
    return FreezePreview(
        start=start,
        until=until,
        ends=draft.ends_at is not None,
        total=sum(one.count for _job, one in found),
        jobs=[HeldJob(job=job, count=one.count, next_at=one.next_at) for job, one in found[:NAMED]],
        job_count=len(found),
        spared=len(jobs) - len(found),
        first=_first(found),
        taken_back=waiting_under(draft).filter(job__in=seen.values("pk")).count()
        if draft.starts_at <= now
        else 0,
        about=any(job.counts_from_end or one.guessed for job, one in found),
    )


class _Held:
    """The due times of one job that the freeze, and nothing before it, holds back."""

    __slots__ = ("_due", "_end", "_holds", "_pieces", "count", "guessed", "listed")

    def __init__(
        self,
        sets: Sequence[DueTimes],
        holds: Sequence[Hold],
        draft: Freeze,
        start: datetime,
        until: datetime,
        *,
        spare: int,
    ) -> None:
        """Count them: in each piece of the freeze that no other hold names first.

        ``spare`` is how many may be listed for it.
        """
        # What is due at this very moment has been decided already, or is by a start that is later.
        first = max(to_instant(start), to_instant(draft.starts_at))
        self._due, self._holds, self._end = Merged(sets), holds, to_instant(until)
        detail = hold_of(draft).detail
        self._pieces = [
            (max(hold.start, first) - 1, min(hold.end, self._end) - 1)
            for hold in holds
            if hold.detail == detail and hold.start < self._end and hold.end > first
        ]
        # Each schedule by itself is counted by arithmetic.
        self.count = sum(one.count(*piece) for one in sets for piece in self._pieces)
        self.guessed = len(sets) > 1 and self.count > spare
        self.listed = self.count if len(sets) > 1 and not self.guessed else 0
        if self.listed:
            self.count = sum(self._due.count(*piece) for piece in self._pieces)

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


def _first(found: Sequence[tuple[Job, _Held]]) -> list[HeldRun]:
    """Return the earliest due times of all jobs."""
    by_name = [[(at, job.name, job.pk) for at in islice(one, FIRST)] for job, one in found]
    jobs = {job.pk: job for job, _one in found}
    merged = islice(heapq.merge(*by_name), FIRST)
    return [HeldRun(job=jobs[pk], due_at=to_moment(at)) for at, _name, pk in merged]
