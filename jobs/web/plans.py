"""What is to come: the next runs of a job or of a form being filled in, and clock changes.

Every due time comes from ``domain.schedule``, which the dispatcher asks too. The one thing added
here is a guess, marked as such: an interval that counts from the end of a run names its next due
time only when the run has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import islice

from jobs.domain.schedule import Schedule, due_between
from jobs.domain.states import Fold, Gap, ScheduleKind
from jobs.domain.zones import timeline, zone

SHOWN = 5
FAR = timedelta(days=366 * 9)  # 29 February comes at most eight years after the last one
_CLOCK_CHANGES_WITHIN = timedelta(days=400)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One run to come; ``about``: it depends on when the run before ends."""

    at: datetime
    about: bool = False


def planned(
    rules: Sequence[Schedule],
    *,
    now: datetime,
    until: datetime | None = None,
    limit: int = SHOWN,
    last_finished_at: datetime | None = None,
    usual: timedelta = timedelta(),
) -> list[Planned]:
    """Return at most ``limit`` runs after ``now``; ``usual`` is how long one takes."""
    until = until or now + FAR
    fixed = [rule for rule in rules if not rule.counts_from_end]
    exact = (Planned(at=at) for at in due_between(fixed, now, until, limit))
    guesses = [
        _guesses(rule, now, until, limit, last_finished_at, usual)
        for rule in rules
        if rule.counts_from_end
    ]
    return list(islice(merge(exact, *guesses, key=lambda one: one.at), limit))


def _guesses(
    rule: Schedule,
    now: datetime,
    until: datetime,
    limit: int,
    last_finished_at: datetime | None,
    usual: timedelta,
) -> list[Planned]:
    """Return the chain of runs that follows if each takes ``usual``; the first one is certain."""
    found: list[Planned] = []
    at = rule.next_after(now, last_finished_at=last_finished_at)
    while at is not None and at <= until and len(found) < limit:
        found.append(Planned(at=at, about=bool(found)))
        at = rule.next_after(at, last_finished_at=at + usual)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockChange:
    """A night on which a schedule's wall-clock time is missing or comes twice."""

    zone: str
    missing: bool
    runs_at: datetime  # missing: when the run starts instead; twice: the first of the two
    again_at: datetime | None = None


def clock_changes(rules: Sequence[Schedule], now: datetime) -> list[ClockChange]:
    """Return the next clock changes, at most one of each sort, that touch one of the schedules."""
    found: dict[bool, ClockChange] = {}
    for rule in rules:
        if rule.kind != ScheduleKind.CRON:
            continue
        until = now + _CLOCK_CHANGES_WITHIN
        for span in timeline(rule.timezone).changes(int(now.timestamp()), int(until.timestamp())):
            change = _touched(rule, datetime.fromtimestamp(span.start, UTC))
            if change and (change.missing not in found):
                found[change.missing] = change
    return sorted(found.values(), key=lambda change: change.runs_at)


def _touched(rule: Schedule, moment: datetime) -> ClockChange | None:
    """Say what the clock change at ``moment`` does: compare the policies around it."""

    def due(gap: Gap, fold: Fold) -> list[datetime]:
        changed = replace(rule, gap=gap, fold=fold)
        # A schedule that follows the clock each minute is never touched; 200 are enough to see.
        return list(due_between([changed], moment - _DAY, moment + _DAY, 200))

    usual = due(Gap.FIRST_VALID, Fold.FIRST)
    moved = set(usual) - set(due(Gap.SKIP, Fold.FIRST))
    if moved:
        return ClockChange(zone=rule.timezone, missing=True, runs_at=min(moved))
    again = set(due(Gap.FIRST_VALID, Fold.BOTH)) - set(usual)
    if not again:
        return None
    second = min(again)
    there = zone(rule.timezone)
    first = second.astimezone(there).replace(fold=0).astimezone(UTC)
    return ClockChange(zone=rule.timezone, missing=False, runs_at=first, again_at=second)
