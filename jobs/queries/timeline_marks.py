"""What a lane of the timeline shows: runs, what was left out, and what is planned, as marks.

Where marks would cover each other they become bands: a stretch of time with the number of each
outcome, or of due times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from jobs.domain.holds import Hold
from jobs.domain.instants import DueTimes, to_instant, to_moment
from jobs.domain.merged import Merged
from jobs.domain.states import LIVE, ExecutionState, JobState, OmissionReason
from jobs.models import Job, Omission

SINGLE = 60  # marks of one sort in a lane beyond which they become bands
_IN_ORDER = [state.value for state in ExecutionState]
_RUN_CELLS, _PLAN_CELLS = 96, 48  # bands at most, over the whole axis and over what is to come


class MarkKind(StrEnum):
    """What a mark stands for."""

    RUN = "run"  # one execution
    RUNS = "runs"  # several
    OMITTED = "omitted"  # due times that made no execution, with the reason
    PLANNED = "planned"
    HELD = "held"  # planned, and a freeze or calendar will hold it back
    OFF = "off"  # named by the schedules of a job that is stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing on a lane. ``end`` of what is planned is where its last run should end.

    ``counts`` has the number of executions of each state, or of due times under ``due``. ``about``:
    the moment or the number is a guess.
    """

    kind: MarkKind
    start: datetime
    end: datetime
    counts: dict[str, int] = field(default_factory=dict)
    reason: str = ""
    detail: str = ""
    execution_id: int | None = None
    about: bool = False

    @property
    def number(self) -> int:
        """Return how many executions or due times it stands for."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The stretch of time that is shown."""

    start: datetime
    end: datetime
    now: datetime

    @property
    def ahead(self) -> datetime:
        """Return where what is to come begins."""
        return max(self.now, self.start)


class Run(NamedTuple):
    """An execution as it is drawn."""

    pk: int
    job_id: int
    state: str
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def begin(self) -> datetime:
        """Return where it stands on the axis: its start; its end or due time when it never started."""
        return self.started_at or self.finished_at or self.due_at

    def end(self, now: datetime) -> datetime:
        """Return where it ends on the axis; what is in progress goes on until now."""
        if self.finished_at is not None:
            return self.finished_at
        return max(now, self.begin) if self.state in LIVE else self.begin


def run_marks(runs: Sequence[Run], axis: Axis) -> list[Mark]:
    """Return the marks of executions, oldest first."""
    if len(runs) <= SINGLE:
        return [_one(run, axis) for run in runs]
    width = (axis.end - axis.start) / _RUN_CELLS
    cells: dict[int, list[Run]] = {}
    for run in runs:
        cells.setdefault((run.begin - axis.start) // width, []).append(run)
    return [_band(cells[place], axis) for place in sorted(cells)]


def _one(run: Run, axis: Axis) -> Mark:
    return Mark(
        kind=MarkKind.RUN,
        start=run.begin,
        end=run.end(axis.now),
        counts={run.state: 1},
        execution_id=run.pk,
    )


def _band(runs: Sequence[Run], axis: Axis) -> Mark:
    if len(runs) == 1:
        return _one(runs[0], axis)
    counts = Counter(run.state for run in runs)
    return Mark(
        kind=MarkKind.RUNS,
        start=min(run.begin for run in runs),
        end=max(run.end(axis.now) for run in runs),
        counts={state: counts[state] for state in _IN_ORDER if state in counts},
    )


def omission_marks(rows: Iterable[Omission]) -> list[Mark]:
    """Return the marks of what was left out; a stretch is counted whole."""
    return [
        Mark(
            kind=MarkKind.OMITTED,
            start=row.first_due_at,
            end=row.last_due_at,
            counts={"due": row.count},
            reason=row.reason,
            detail=row.detail,
            execution_id=row.execution_id,
        )
        for row in rows
    ]


def open_stretch(job: Job, sets: Sequence[DueTimes], axis: Axis) -> list[Mark]:
    """Return what a stopped job leaves out since its last verdict; no row covers it yet."""
    if job.state == JobState.ACTIVE:
        return []
    after, until = to_instant(job.decided_until), to_instant(axis.now)
    due = Merged(sets)
    first, last = due.next_after(after), due.last_until(until)
    if first is None or last is None or not after < first <= last:
        return []
    mark = Mark(
        kind=MarkKind.OMITTED,
        start=to_moment(first),
        end=to_moment(last),
        counts={"due": _number(sets, after, until)},
        reason=OmissionReason(job.state).value,  # a stopped job's state is its reason by name
        detail=job.state_reason,
        about=len(sets) > 1,
    )
    return [mark] if mark.end >= axis.start and mark.start <= axis.end else []


def plan_marks(
    job: Job, sets: Sequence[DueTimes], holds: Sequence[Hold], axis: Axis, usual: int | None
) -> list[Mark]:
    """Return what is to come, each with its expected length; a point where none is known."""
    # A window that is all to come begins with the due time at its very start.
    after, until = to_instant(axis.ahead) - (axis.start > axis.now), to_instant(axis.end)
    if after >= until:
        return []
    length = timedelta(microseconds=usual or 0)
    marks: list[Mark] = []
    single = _number(sets, after, until) <= SINGLE
    for start, end, hold in _segments(holds, after, until):
        kind, reason, detail = _standing(job, hold)
        spans = _singles(sets, start, end) if single else _bands(sets, start, end, until - after)
        marks += [
            Mark(
                kind=kind,
                start=to_moment(first),
                end=to_moment(last) + length,
                counts={"due": number},
                reason=reason,
                detail=detail,
                about=job.counts_from_end or (number > 1 and len(sets) > 1),
            )
            for first, last, number in spans
        ]
    return marks


def _standing(job: Job, hold: Hold | None) -> tuple[MarkKind, str, str]:
    """Return how to mark a planned run, and why it will not happen."""
    if job.state != JobState.ACTIVE:
        return MarkKind.OFF, job.state, job.state_reason
    if hold is not None:
        return MarkKind.HELD, hold.reason.value, hold.detail
    return MarkKind.PLANNED, "", ""


def _segments(
    holds: Sequence[Hold], after: int, until: int
) -> Iterator[tuple[int, int, Hold | None]]:
    """Yield the parts ``(from, to]`` of a range, each with what holds it back."""
    for hold in holds:
        start, end = max(hold.start - 1, after), min(hold.end - 1, until)
        if start >= end:
            continue
        if after < start:
            yield after, start, None
        yield start, end, hold
        after = end
    if after < until:
        yield after, until, None


def _singles(sets: Sequence[DueTimes], after: int, until: int) -> list[tuple[int, int, int]]:
    return [(instant, instant, 1) for instant in Merged(sets).between(after, until)]


def _bands(
    sets: Sequence[DueTimes], after: int, until: int, whole: int
) -> list[tuple[int, int, int]]:
    """Return (first, last, number) of each stretch without an empty cell; counted, not listed."""
    width = max(whole // _PLAN_CELLS, 1)
    due = Merged(sets)
    found: list[tuple[int, int, int]] = []
    gap = True
    for start in range(after, until, width):
        end = min(start + width, until)
        number = _number(sets, start, end)
        first, last = due.next_after(start), due.last_until(end)
        if not number or first is None or last is None:
            gap = True
            continue
        if gap:
            found.append((first, last, number))
        else:
            found[-1] = (found[-1][0], last, found[-1][2] + number)
        gap = False
    return found


def _number(sets: Sequence[DueTimes], after: int, until: int) -> int:
    """Return how many due times there are; an instant of two schedules counts twice."""
    return sum(times.count(after, until) for times in sets)
