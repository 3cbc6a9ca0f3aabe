"""From stored schedules to the next fire time: the one place that asks the domain for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from jobs.domain import schedule as rules
from jobs.domain.states import (
    Anchor,
    DayMatch,
    Fold,
    Gap,
    JobState,
    ScheduleKind,
    SecondsPosition,
)
from jobs.models import Job, Schedule


def rule_of(row: Schedule) -> rules.Schedule:
    """Return the domain's value for a stored schedule."""
    return rules.Schedule(
        kind=ScheduleKind(row.kind),
        expression=row.expression,
        day_match=DayMatch(row.day_match),
        seconds_position=SecondsPosition(row.seconds_position),
        gap=Gap(row.gap),
        fold=Fold(row.fold),
        seconds=row.seconds,
        anchor=Anchor(row.anchor),
        anchor_at=row.anchor_at,
        at=row.at,
        event=row.event,
        timezone=row.timezone,
        starts_at=effective_start(row.starts_at, row.exhausted_at),
        ends_at=effective_end(row.ends_at, row.exhausted_at),
        jitter_seconds=row.jitter_seconds,
        spread_seconds=row.spread_seconds,
    )


def effective_start(starts_at: datetime | None, exhausted_at: datetime | None) -> datetime | None:
    """Return when a schedule starts; one used up before that names nothing from then on."""
    used_up_before = starts_at and exhausted_at and exhausted_at < starts_at
    return None if used_up_before else starts_at


def effective_end(ends_at: datetime | None, exhausted_at: datetime | None) -> datetime | None:
    """Return when a schedule ends: as given, or after the last execution that it may make."""
    if exhausted_at is None:
        return ends_at
    after_the_last = exhausted_at + timedelta(microseconds=1)
    return after_the_last if ends_at is None else min(ends_at, after_the_last)


def rules_of(rows: Iterable[Schedule]) -> list[rules.Schedule]:
    """Return the domain's values for stored schedules, in order."""
    return [rule_of(row) for row in rows]


def next_fire(
    schedules: list[rules.Schedule],
    *,
    after: datetime,
    live: bool,
    last_finished_at: datetime | None,
) -> datetime | None:
    """Return the earliest due time after ``after``; None when nothing is due any more.

    While an execution is live, intervals that count from its end name nothing: the end sets them.
    """
    named = [rule for rule in schedules if not (live and rule.counts_from_end)]
    return rules.next_due(named, after, last_finished_at=last_finished_at)


def refresh_next_fire(job: Job, schedules: list[rules.Schedule]) -> None:
    """Set ``job.next_fire_at`` from its state, schedules and last end; the caller saves it.

    Looks from ``decided_until``, so that a due time without a verdict is never stepped over.
    """
    if job.state != JobState.ACTIVE or job.deleted_at is not None:
        job.next_fire_at = None
        return
    job.next_fire_at = next_fire(
        schedules,
        after=job.decided_until,
        live=job.live_count > 0,
        last_finished_at=job.last_finished_at,
    )
