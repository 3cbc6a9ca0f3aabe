"""Schedules: when a job is due. Preview, dispatcher, ledger and API all ask here.

Moments in and out are aware datetimes; what comes out is UTC. Ranges are ``(after, until]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

from jobs.domain.cron_clock import CronClock, cron_clock
from jobs.domain.describe import describe, describe_all
from jobs.domain.instants import (
    LAST_INSTANT,
    SECOND,
    CronTimes,
    DueTimes,
    Grid,
    Single,
    Window,
    to_instant,
    to_moment,
)
from jobs.domain.jitter import delay
from jobs.domain.merged import Merged
from jobs.domain.schedule_checks import check_schedule
from jobs.domain.states import (
    Anchor,
    DayMatch,
    Fold,
    Gap,
    ScheduleKind,
    SecondsPosition,
)
from jobs.domain.zones import zone, zone_name, zone_names

__all__ = [
    "DueCount",
    "Schedule",
    "count_due",
    "describe",
    "describe_all",
    "due_between",
    "latest_due",
    "merged",
    "naming",
    "next_due",
    "start_at",
    "upcoming",
    "zone",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One entry of a job's list. Which fields count depends on ``kind``.

    ``gap`` and ``fold`` may be empty for their defaults. ``starts_at`` is inclusive, ``ends_at``
    exclusive. Raises InvalidError, with the messages per field, when the fields make no schedule.
    """

    kind: ScheduleKind
    expression: str = ""
    day_match: DayMatch = DayMatch.ANY
    seconds_position: str = SecondsPosition.LAST
    gap: str = ""
    fold: str = ""
    seconds: float | None = None
    anchor: Anchor = Anchor.COMPLETION
    # Where an interval's grid begins; for completion, what counts before anything has finished.
    anchor_at: datetime | None = None
    at: datetime | None = None
    event: str = ""
    timezone: str = "UTC"
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    jitter_seconds: float = 0
    spread_seconds: float = 0

    def __post_init__(self) -> None:
        """Refuse what makes no schedule; put the IANA name for a city."""
        check_schedule(self)
        if self.timezone not in zone_names():
            object.__setattr__(self, "timezone", zone_name(self.timezone))

    def next_after(
        self, moment: datetime, *, last_finished_at: datetime | None = None
    ) -> datetime | None:
        """Return the first due time strictly after ``moment``; None when there is none.

        An interval with anchor ``completion`` counts from the later of ``last_finished_at`` and
        ``anchor_at``. When that due time is not after ``moment`` (it was handled, or the interval
        was shortened) it counts from ``moment``: never into the past, and never stuck.
        """
        found = self.due_times(last_finished_at).next_after(to_instant(moment))
        if found is None and self.counts_from_end:
            again = Single(to_instant(moment) + self.period)
            found = self.windowed(again).next_after(to_instant(moment))
        return _moment(found)

    def due_times(self, last_finished_at: datetime | None = None) -> DueTimes:
        """Return the instants that the schedule names, given what is known now.

        A completion interval names a single one: the next follows from an end that is not known.
        """
        if not self.counts_from_end:
            return _fixed_times(self)
        known = [moment for moment in (self.anchor_at, last_finished_at) if moment is not None]
        return self.windowed(Single(to_instant(max(known)) + self.period if known else None))

    @property
    def clock(self) -> CronClock:
        """Return the cron rule in its zone; only for kind cron."""
        return cron_clock(
            self.expression,
            self.timezone,
            DayMatch(self.day_match),
            SecondsPosition(self.seconds_position),
            Gap(self.gap or Gap.FIRST_VALID),
            Fold(self.fold or Fold.FIRST),
        )

    @property
    def counts_from_end(self) -> bool:
        """Say whether its due times follow from when an execution ended."""
        return self.kind == ScheduleKind.INTERVAL and self.anchor == Anchor.COMPLETION

    @property
    def period(self) -> int:
        """Return an interval's length in microseconds."""
        return round((self.seconds or 0) * SECOND)

    def windowed(self, inner: DueTimes) -> DueTimes:
        """Return the due times between the schedule's start and end.

        A completion interval that would be due before the start is due at the start.
        """
        if self.starts_at is None and self.ends_at is None:
            return inner
        start = to_instant(self.starts_at) if self.starts_at else -LAST_INSTANT
        end = to_instant(self.ends_at) if self.ends_at else LAST_INSTANT
        if self.counts_from_end and isinstance(inner, Single) and inner.instant is not None:
            inner = Single(max(inner.instant, start))
        return Window(inner, start, end)


# Keyed by value: rows that say the same share what was worked out, and nothing goes stale.
@lru_cache(maxsize=8192)
def _fixed_times(rule: Schedule) -> DueTimes:
    """Return the instants of a schedule that depend on nothing but itself."""
    if rule.kind == ScheduleKind.CRON:
        return rule.windowed(CronTimes(rule.clock))
    if rule.kind == ScheduleKind.INTERVAL:
        origin = to_instant(rule.anchor_at) if rule.anchor_at else 0
        return rule.windowed(Grid(origin, rule.period))
    if rule.kind == ScheduleKind.ONCE and rule.at is not None:
        return rule.windowed(Single(to_instant(rule.at)))
    return Single()  # an event names no time


class DueCount(NamedTuple):
    """How many due times a range has, and the outermost two."""

    total: int
    first: datetime | None
    last: datetime | None


def merged(schedules: Iterable[Schedule], last_finished_at: datetime | None = None) -> Merged:
    """Return the due times of all schedules as one set of instants."""
    return Merged([rule.due_times(last_finished_at) for rule in schedules])


def next_due(
    schedules: Iterable[Schedule], after: datetime, last_finished_at: datetime | None = None
) -> datetime | None:
    """Return the earliest due time of all schedules after ``after``; None when there is none."""
    found = [rule.next_after(after, last_finished_at=last_finished_at) for rule in schedules]
    return min((moment for moment in found if moment is not None), default=None)


def due_between(
    schedules: Iterable[Schedule],
    after: datetime,
    until: datetime,
    limit: int | None = None,
    *,
    last_finished_at: datetime | None = None,
) -> Iterator[datetime]:
    """Yield the due times of all schedules in ``(after, until]``: in order, each instant once.

    Holds a day at most in memory, however long the range is. ``limit`` ends it early.
    """
    chunks = merged(schedules, last_finished_at).chunks(to_instant(after), to_instant(until))
    return map(to_moment, islice(chain.from_iterable(chunks), limit))


def count_due(
    schedules: Iterable[Schedule],
    after: datetime,
    until: datetime,
    last_finished_at: datetime | None = None,
) -> DueCount:
    """Return how many instants of ``(after, until]`` are due, with the first and the last."""
    due = merged(schedules, last_finished_at)
    start, end = to_instant(after), to_instant(until)
    total = due.count(start, end)
    if not total:
        return DueCount(0, None, None)
    return DueCount(total, _moment(due.next_after(start)), _moment(due.last_until(end)))


def latest_due(
    schedules: Iterable[Schedule],
    after: datetime,
    until: datetime,
    limit: int,
    *,
    last_finished_at: datetime | None = None,
) -> list[datetime]:
    """Return the newest ``limit`` due times of ``(after, until]``, in order."""
    due = merged(schedules, last_finished_at)
    return [to_moment(one) for one in due.latest(to_instant(after), to_instant(until), limit)]


def upcoming(
    schedules: Sequence[Schedule],
    after: datetime,
    count: int,
    last_finished_at: datetime | None = None,
) -> list[datetime]:
    """Return the next ``count`` due times as if each run ended at once.

    For a preview: exact but for completion intervals, whose later due times move with the runs.
    """
    found: list[datetime] = []
    while len(found) < count:
        due = next_due(schedules, after, last_finished_at)
        if due is None:
            break
        found.append(due)
        after = last_finished_at = due
    return found


def start_at(schedules: Iterable[Schedule], due_at: datetime, *, seed: str) -> datetime:
    """Return when the execution of a due time starts: the due time plus jitter and spread.

    ``seed`` names the job. Where several schedules name the instant, the shortest delay counts.
    """
    delays = [
        delay(
            seed,
            due_at,
            jitter=timedelta(seconds=rule.jitter_seconds),
            spread=timedelta(seconds=rule.spread_seconds),
        )
        for rule in naming(schedules, due_at)
    ]
    return due_at + min(delays, default=timedelta())


def naming(schedules: Iterable[Schedule], due_at: datetime) -> list[Schedule]:
    """Return the schedules that name a due time.

    One that no fixed schedule names is an interval's that counts from the end of a run.
    """
    rules, instant = list(schedules), to_instant(due_at)
    fixed = [rule for rule in rules if rule.due_times().count(instant - 1, instant)]
    return fixed or [rule for rule in rules if rule.counts_from_end]


def _moment(instant: int | None) -> datetime | None:
    """Return the instant as a datetime; None when there is none, or it lies beyond the calendar."""
    return None if instant is None or instant >= LAST_INSTANT else to_moment(instant)
