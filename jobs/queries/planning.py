"""What is to come for a job: its due times as far as they are known, and how long a run takes.

Exact for fixed schedules. An interval that counts from the end of a run names its next due time only
when the run has ended; what follows is a guess from how long its runs usually take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Protocol

from jobs.domain.holds import Hold
from jobs.domain.instants import LAST_INSTANT, SECOND, DueTimes, Grid, Single, Window, to_instant
from jobs.domain.planned import END, Plan, end_of, plan
from jobs.domain.schedule import Schedule as Rule
from jobs.domain.states import ExecutionState
from jobs.models import Calendar, Job, Schedule
from jobs.queries.holds import holds_for, holds_of


class Timed(Protocol):
    """What says how long the runs of a job take; a job fits."""

    @property
    def recent(self) -> list[Any]:
        """Return the latest outcomes."""

    @property
    def last_duration_seconds(self) -> float | None:
        """Return how long the latest run took."""


RulesOf = Callable[[Iterable[Schedule]], list[Rule]]
HoldsOf = Callable[[Sequence[Job], datetime, datetime], "dict[int, Sequence[Hold]]"]
# Outcomes that say how long a run takes; a killed one was cut short, a skipped one never ran.
_TELLING = (
    ExecutionState.SUCCEEDED.value,
    ExecutionState.FAILED.value,
    ExecutionState.TIMED_OUT.value,
)
# How far a plan looks into what calendars hold back. Most have their runs within days; what is
# due seldom in a year is cheap to follow for ten.
_NEAR, _YEAR, _FAR = timedelta(days=8), timedelta(days=366), timedelta(days=3660)
_SELDOM = 100


def usual_length(job: Timed) -> int | None:
    """Return how many microseconds a run usually takes; None when none has told it yet."""
    lengths = telling(job)
    if lengths:
        return max(round(median(lengths) * 1000), 1)
    if job.last_duration_seconds is None:
        return None
    return max(round(job.last_duration_seconds * SECOND), 1)


def telling(job: Timed) -> list[int]:
    """Return the milliseconds of the latest runs that say how long one takes."""
    return [ms for _id, state, ms in job.recent if state in _TELLING]


def due_sets(
    job: Job,
    rows: Sequence[Schedule],
    *,
    rules_of: RulesOf,
    now: datetime,
    started_at: datetime | None = None,
) -> list[DueTimes]:
    """Return the due times of each schedule of a job; ``started_at`` is of its live execution."""
    sets: list[DueTimes] = []
    for row, rule in zip(rows, rules_of(rows), strict=True):
        times = _guessed(job, rule, now, started_at) if rule.counts_from_end else rule.due_times()
        sets.append(_limited(times, row, job))
    return sets


def _guessed(job: Job, rule: Rule, now: datetime, started_at: datetime | None) -> DueTimes:
    """Return the chain of due times that follows if each run takes as long as usual."""
    usual = usual_length(job) or 0
    ended_at = job.last_finished_at
    if job.live_count > 0:
        ended_at = max(now, (started_at or now) + timedelta(microseconds=usual))
    first = rule.next_after(now, last_finished_at=ended_at)
    if first is None:
        return Single()
    return rule.windowed(Grid(to_instant(first), rule.period + usual))


def _limited(times: DueTimes, row: Schedule, job: Job) -> DueTimes:
    """End the due times after the last run that the schedule may still make."""
    left = left_of(row)
    if left is None:
        return times
    end = end_of(times, left, to_instant(job.decided_until))
    return times if end is None else Window(times, -LAST_INSTANT, end)


def left_of(row: Schedule) -> int | None:
    """Return how many executions a schedule may still make; None for any number."""
    return None if row.max_executions is None else max(row.max_executions - row.fired_count, 0)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What may hold back the due times of a job, or of one that is being written."""

    between: Callable[[datetime, datetime], Sequence[Hold]]
    goes_on: bool  # calendars hold back time and again, freezes are known to the last one

    @classmethod
    def of_job(cls, job: Job) -> HeldBack:
        """Return what the dispatcher will ask for the job."""
        return cls(
            lambda after, until: holds_of([job], after, until).get(job.pk, ()), job.uses_calendars
        )

    @classmethod
    def of_draft(cls, marks: Iterable[str], calendars: Sequence[Calendar]) -> HeldBack:
        """Return what the dispatcher would ask for a job with these marks and calendars."""
        named = list(marks)
        return cls(lambda after, until: holds_for(named, calendars, after, until), bool(calendars))


def look_ahead(
    rules: Sequence[Rule],
    *,
    now: datetime,
    count: int,
    held_back: HeldBack,
    left: Sequence[int | None] = (),
    last_finished_at: datetime | None = None,
    usual: timedelta = timedelta(),
    first: datetime | None = None,
) -> Plan:
    """Return the next ``count`` runs, and what is held back before them. Never looks endlessly."""
    begin = now if first is None else min(now, first) - timedelta(microseconds=1)
    found = Plan()
    for reach in _reaches(now, goes_on=held_back.goes_on):
        if reach - now > _YEAR and not _seldom(found):
            break
        holds = held_back.between(begin, reach)
        # What is frozen until somebody lifts it has no end to look for.
        lasting = reach == END and any(hold.end >= LAST_INSTANT for hold in holds)
        found = plan(
            rules,
            now=now,
            until=_later(now, _YEAR) if lasting else reach,
            limit=count,
            last_finished_at=last_finished_at,
            usual=usual,
            first=first,
            holds=holds,
            left=left,
        )
        if found.until is None or len(found.runs) == count:
            break
    return found


def _reaches(now: datetime, *, goes_on: bool) -> Iterator[datetime]:
    """Yield how far to look, further each time."""
    if not goes_on:
        yield END
        return
    for distance in (_NEAR, _YEAR, _FAR):
        yield _later(now, distance)


def _seldom(found: Plan) -> bool:
    """Say whether a plan has few due times."""
    return found.due_count is not None and found.due_count <= _SELDOM


def _later(now: datetime, distance: timedelta) -> datetime:
    return min(now, END - distance) + distance
