"""Backfill: which due times of the past are run again, how many at a time, and when it is done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain

from jobs.domain.instants import to_instant, to_moment
from jobs.domain.schedule import Schedule, count_due, due_between
from jobs.domain.states import (
    FAILURES,
    LIVE,
    Anchor,
    BackfillChoice,
    ExecutionState,
    OmissionReason,
    Overlap,
    ScheduleKind,
)

# Ends that leave nothing done: the due time counts as missed still.
_NOT_RUN = (ExecutionState.SKIPPED, ExecutionState.CANCELLED)
_UNTOLD = (*_NOT_RUN, ExecutionState.LOST)


class Basis(StrEnum):
    """Which schedules name the due times of a backfill."""

    HISTORY = "history"  # those of each time; before the job was created, the present ones
    PRESENT = "present"  # the present ones, for the whole window


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a due time has: its executions, oldest first, or why it made none."""

    states: Sequence[ExecutionState] = ()
    execution_id: int | None = None  # the latest one
    reason: OmissionReason | None = None

    @property
    def state(self) -> ExecutionState | None:
        """Return where the latest execution stands; None without one."""
        return self.states[-1] if self.states else None

    @property
    def live(self) -> bool:
        """Say whether an execution of the due time is in progress."""
        return any(state in LIVE for state in self.states)


def wanted(choice: BackfillChoice, record: Record) -> bool:
    """Say whether a due time belongs to the choice; never while an execution of it is live.

    A lost execution counts as missed and as failed: what became of it is unknown.
    """
    if record.live:
        return False
    if choice == BackfillChoice.MISSED:
        return all(state in _UNTOLD for state in record.states)
    if choice == BackfillChoice.FAILED:
        ran = [state for state in record.states if state not in _NOT_RUN]
        return bool(ran) and ran[-1] in FAILURES
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the window, ``(after, until]``, with the schedules that held in it."""

    rules: Sequence[Schedule]
    after: datetime
    until: datetime

    @property
    def fixed(self) -> list[Schedule]:
        """Return the schedules that name times of the past: not those that count from an end."""
        return [rule for rule in self.rules if not rule.counts_from_end]

    def count(self) -> int:
        """Return how many due times it has."""
        return count_due(self.fixed, self.after, self.until).total

    def due_times(self) -> Iterator[datetime]:
        """Yield its due times in order."""
        return due_between(self.fixed, self.after, self.until)


def due_times(stretches: Iterable[Stretch], recorded: Iterable[datetime]) -> list[datetime]:
    """Return the due times of all stretches and those on record, in order, each once."""
    return sorted({*chain.from_iterable(one.due_times() for one in stretches), *recorded})


def backdated(rule: Schedule, start: datetime) -> Schedule:
    """Return the schedule with its grid of intervals extended back to ``start``.

    A grid begins when its schedule was made; before, the same grid is meant.
    """
    if rule.kind != ScheduleKind.INTERVAL or rule.anchor != Anchor.START or rule.anchor_at is None:
        return rule
    behind = to_instant(rule.anchor_at) - to_instant(start)
    if behind <= 0:
        return rule
    periods = -(-behind // rule.period)
    return replace(rule, anchor_at=to_moment(to_instant(rule.anchor_at) - periods * rule.period))


def room(overlap: Overlap, *, live: int, own: int, most: int, job_most: int) -> int:
    """Return how many executions a backfill may start now.

    ``live`` counts all of the job, ``own`` those of the backfill. Only where several may run beside
    each other does one start while another is live; none is ever cancelled for a backfill.
    """
    if overlap != Overlap.ALLOW:
        return 0 if live else 1
    return max(min(most - own, job_most - live), 0)


def estimated_end(
    now: datetime, *, left: int, running: int, usual: timedelta, pace: timedelta, abreast: int
) -> datetime | None:
    """Return when a backfill is likely to be over; None when neither length nor pace is known."""
    if not usual and not pace:
        return None
    between = max(pace, usual / max(abreast, 1))
    return now + between * left + (usual if running or left else timedelta())
