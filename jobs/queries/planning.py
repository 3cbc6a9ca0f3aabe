"""What is to come for a job: its due times as far as they are known, and how long a run takes.

Exact for fixed schedules. An interval that counts from the end of a run names its next due time only
when the run has ended; what follows is a guess from how long its runs usually take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from statistics import median
from typing import Any, Protocol

from jobs.domain.holds import Hold
from jobs.domain.instants import LAST_INSTANT, SECOND, DueTimes, Grid, Single, Window, to_instant
from jobs.domain.merged import Merged
from jobs.domain.schedule import Schedule as Rule
from jobs.domain.states import ExecutionState
from jobs.models import Job, Schedule


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
# Runs that a schedule may still make beyond which its end lies out of every window.
_FAR = 11_000


def usual_length(job: Timed) -> int | None:
    """Return how many microseconds a run usually takes; None when none has told it yet."""
    lengths: list[int] = [ms for _id, state, ms in job.recent if state in _TELLING]
    if lengths:
        return max(round(median(lengths) * 1000), 1)
    if job.last_duration_seconds is None:
        return None
    return max(round(job.last_duration_seconds * SECOND), 1)


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
    if row.max_executions is None:
        return times
    left = max(row.max_executions - row.fired_count, 0)
    if left > _FAR:
        return times
    decided = to_instant(job.decided_until)
    chunks = Merged([times]).chunks(decided, LAST_INSTANT)
    first = list(islice(chain.from_iterable(chunks), left))
    return Window(times, -LAST_INSTANT, first[-1] + 1) if first else Single()
