"""Which due times of a job's past a backfill would run, and what each of them has now."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.domain.backfill import Basis, Record, Stretch, backdated, due_times, wanted
from jobs.domain.errors import InvalidError
from jobs.domain.said import said, told
from jobs.domain.schedule import Schedule
from jobs.domain.states import BackfillChoice, JobState, OmissionReason, ScheduleKind
from jobs.models import Job, JobVersion, Omission
from jobs.models import Schedule as StoredSchedule
from jobs.queries.backfills import Past, Taken, in_unfinished, pasts_of
from jobs.services.firing import rules_of
from jobs.services.versions import rules_of_version

# Each due time of a backfill is a row, and the list is shown before the start.
MOST = 10_000
# So many are looked through for those that are missed or failed: about a second.
MOST_LOOKED_AT = 100_000
_INSTANT = timedelta(microseconds=1)


About = Callable[[Record], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTime:
    """A due time of the past, and what it has on record."""

    due_at: datetime
    record: Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a backfill of a window would run, in order of time, and what it would leave out."""

    start: datetime
    end: datetime
    looked_at: int  # due times that the window has
    items: list[DueTime]
    in_progress: int  # left out: an execution of the due time is live
    elsewhere: dict[int, int]  # left out: how many another unfinished backfill has, by its number
    done: int = 0  # left out: they do not belong to the choice, such as what was made up for

    @property
    def counts(self) -> dict[str, int]:
        """Return how many there are of each state or reason that the due times have now."""
        counts: dict[str, int] = {}
        for item in self.items:
            word = what_now(item.record)
            counts[word] = counts.get(word, 0) + 1
        return counts


def what_now(record: Record) -> str:
    """Return the state of the latest execution, else the reason of the omission, else nothing."""
    return str(record.state or record.reason or "")


def list_due(
    job: Job, *, start: datetime, end: datetime, only: BackfillChoice, basis: Basis
) -> Listing:
    """Return the due times of a window, both ends included, that belong to the choice.

    InvalidError when there are too many, with their number and the limit.
    """
    versions = list(JobVersion.objects.filter(job=job).order_by("version"))
    present = list(StoredSchedule.objects.filter(job=job).order_by("position"))
    stretches = stretches_of(job, versions, present, start, end, basis)
    check_number(sum(one.count() for one in stretches))
    events = {job.pk} if any(map(waits_for_events, versions)) else set()
    past = pasts_of([job.pk], start, end, events=events)[job.pk]
    recorded = _recorded(past, start, end) if basis == Basis.HISTORY else ()
    taken = in_unfinished(job, start, end)
    return chosen(job, due_times(stretches, recorded), past, taken, only, start, end)


def check_number(expected: int) -> None:
    """Refuse more due times than are looked through."""
    if expected > MOST_LOOKED_AT:
        raise _too_many(
            said(
                "The window has {number:,} due times; "
                "at most {most:,} can be looked through at a time.",
                number=expected,
                most=MOST_LOOKED_AT,
            )
        )


def chosen(
    job: Job,
    found: Sequence[datetime],
    past: Past,
    taken: Taken,
    only: BackfillChoice,
    start: datetime,
    end: datetime,
    about: About | None = None,
) -> Listing:
    """Return which of the due times belong to the choice; ``about`` says which are looked at."""
    reasons = _Reasons(job, past.omissions)
    items: list[DueTime] = []
    elsewhere: dict[int, int] = {}
    in_progress = done = 0
    for due_at in found:
        record = _record(due_at, past, reasons)
        if about is not None and not about(record):
            continue
        if due_at in taken:
            number = taken[due_at]
            elsewhere[number] = elsewhere.get(number, 0) + 1
        elif record.live:
            in_progress += 1
        elif wanted(only, record) and not (
            only == BackfillChoice.MISSED and _is_pruned(job, record, due_at)
        ):
            items.append(DueTime(due_at=due_at, record=record))
        else:
            done += 1
    if len(items) > MOST:
        raise _too_many(
            said(
                "{number:,} due times would be run; at most {most:,} are allowed a backfill.",
                number=len(items),
                most=MOST,
            )
        )
    return Listing(
        start=start,
        end=end,
        looked_at=len(found),
        items=items,
        in_progress=in_progress,
        elsewhere=elsewhere,
        done=done,
    )


def _is_pruned(job: Job, record: Record, due_at: datetime) -> bool:
    """Say whether a due time had an execution that retention has removed: it was not missed."""
    if job.history_from is None or not job.created_at < due_at <= job.history_from:
        return False
    return not record.states and record.reason is None


def _too_many(sentence: str) -> InvalidError:
    sentence = told([sentence, said("Choose a shorter window.")])
    return InvalidError(sentence, fields={"from": sentence})


def _record(due_at: datetime, past: Past, reasons: _Reasons) -> Record:
    executions = past.executions.get(due_at)
    if not executions:
        return Record(reason=reasons.of(due_at))
    return Record(
        states=tuple(state for _, state in executions),
        execution_id=executions[-1][0],
        reason=None if due_at in past.scheduled else reasons.of(due_at),
    )


def _recorded(past: Past, start: datetime, end: datetime) -> set[datetime]:
    """Return the due times that are known by what became of them; also those no clock named."""
    ends = {
        edge for row in past.omissions for edge in (row.first_due_at, row.last_due_at)
    }  # both are due times themselves
    return past.scheduled | {edge for edge in ends if start <= edge <= end}


def waits_for_events(version: JobVersion) -> bool:
    """Say whether a version has a schedule that no clock names."""
    return any(one["kind"] == ScheduleKind.EVENT for one in version.definition["schedules"])


def stretches_of(
    job: Job,
    versions: Sequence[JobVersion],
    present: Sequence[StoredSchedule],
    start: datetime,
    end: datetime,
    basis: Basis,
) -> list[Stretch]:
    """Return the parts of the window with the schedules that held in each.

    A version holds for due times after its moment, up to and with the next one's. What an active
    job's dispatcher has not decided yet is no past: it is still to be dispatched.
    """
    if job.state == JobState.ACTIVE:
        end = min(end, job.decided_until)
    after = start - _INSTANT
    born = end if basis == Basis.PRESENT or not versions else min(end, versions[0].created_at)
    found = []
    if after < born:
        found.append(Stretch(rules=_present(present, start), after=after, until=born))
    if born == end:
        return found
    ends = [*(version.created_at for version in versions[1:]), end]
    for version, next_at in zip(versions, ends, strict=True):
        begin, until = max(version.created_at, after), min(next_at, end)
        if begin < until:
            found.append(Stretch(rules=rules_of_version(version), after=begin, until=until))
    return found


def _present(rows: Sequence[StoredSchedule], start: datetime) -> list[Schedule]:
    """Return the present schedules as if they had always been there."""
    return [backdated(rule, start) for rule in rules_of(rows)]


class _Reasons:
    """Why due times made no execution; what lies outside all stretches has no reason on record."""

    def __init__(self, job: Job, omissions: Sequence[Omission]) -> None:
        """Take the omissions in order of their first due time."""
        # An event's stands alone and may lie inside another's stretch.
        self._single = {row.first_due_at: row.reason for row in omissions if row.count == 1}
        self._stretches = [row for row in omissions if row.count > 1]
        self._starts = [row.first_due_at for row in self._stretches]
        stopped = job.state != JobState.ACTIVE
        self._open = (job.decided_until, OmissionReason(job.state)) if stopped else None

    def of(self, due_at: datetime) -> OmissionReason | None:
        """Return the reason; None when nothing is on record."""
        if due_at in self._single:
            return OmissionReason(self._single[due_at])
        place = bisect_right(self._starts, due_at) - 1
        if place >= 0 and self._stretches[place].last_due_at >= due_at:
            return OmissionReason(self._stretches[place].reason)
        if self._open is not None and due_at > self._open[0]:
            return self._open[1]  # what a stopped job leaves out is written when it goes on
        return None
