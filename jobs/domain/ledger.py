"""The ledger: each due time of a period has one verdict, an execution or an omission.

Omissions are kept as stretches of consecutive due times with one reason. Which due times a stretch
covers follows from the schedules, so it can be expanded, and the whole can be proved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from jobs.domain.schedule import Schedule, count_due, due_between
from jobs.domain.states import OmissionReason

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OmissionRange:
    """Consecutive due times that made no execution, for one reason; both ends are due times."""

    first_due_at: datetime
    last_due_at: datetime
    count: int
    reason: OmissionReason
    detail: str = ""


def merge_ranges(
    ranges: Iterable[OmissionRange], schedules: Sequence[Schedule]
) -> list[OmissionRange]:
    """Join ranges of the same reason and detail where no due time lies between them.

    Returns them in the order of time. An execution between two ranges is a due time too, so they
    stay apart.
    """
    merged: list[OmissionRange] = []
    for one in sorted(ranges, key=lambda one: one.first_due_at):
        if merged and _continues(merged[-1], one, schedules):
            before = merged[-1]
            merged[-1] = replace(
                before, last_due_at=one.last_due_at, count=before.count + one.count
            )
        else:
            merged.append(one)
    return merged


def _continues(before: OmissionRange, one: OmissionRange, schedules: Sequence[Schedule]) -> bool:
    """Say whether a range follows the one before without a due time between them."""
    if (before.reason, before.detail) != (one.reason, one.detail):
        return False
    return count_due(schedules, before.last_due_at, one.first_due_at - _TICK).total == 0


def expand(one: OmissionRange, schedules: Sequence[Schedule]) -> Iterator[datetime]:
    """Yield the due times that a range covers.

    The ends are always among them: they were due when the range was recorded, whatever the
    schedules say now (a completion interval's due time is in no schedule).
    """
    yield one.first_due_at
    if one.last_due_at > one.first_due_at:
        yield from due_between(schedules, one.first_due_at, one.last_due_at - _TICK)
        yield one.last_due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What became of the due times of a period, checked against the schedules.

    The lists of moments hold at most ``limit`` entries; the numbers count all.
    """

    due: int
    dispatched: int
    omitted: Counter[OmissionReason] = field(default_factory=Counter)
    unexplained: int = 0  # due, and neither dispatched nor omitted
    doubled: int = 0  # with more than one verdict
    unexpected: int = 0  # with a verdict, but named by no schedule
    unexplained_at: tuple[datetime, ...] = ()
    doubled_at: tuple[datetime, ...] = ()
    unexpected_at: tuple[datetime, ...] = ()

    @property
    def balanced(self) -> bool:
        """Say whether every due time has exactly one verdict."""
        return not (self.unexplained or self.doubled or self.unexpected)


def reconcile(
    schedules: Sequence[Schedule],
    after: datetime,
    until: datetime,
    *,
    dispatched: Iterable[datetime],
    omitted: Iterable[OmissionRange],
    limit: int = 100,
) -> Account:
    """Compare the verdicts of ``(after, until]`` with a fresh computation of the due times.

    ``dispatched`` are the due times of scheduled executions, in order; ``omitted`` may reach beyond
    the period. Holds the period's verdicts in memory: ask for months, not for decades.
    """
    verdicts: Counter[datetime] = Counter()
    started = 0
    for moment in dispatched:
        if after < moment <= until:
            verdicts[moment] += 1
            started += 1
    reasons: Counter[OmissionReason] = Counter()
    for one in omitted:
        for moment in expand(one, schedules):
            if after < moment <= until:
                verdicts[moment] += 1
                reasons[one.reason] += 1
    named = set(due_between(schedules, after, until))
    unexplained = sorted(named - verdicts.keys())
    unexpected = sorted(verdicts.keys() - named)
    doubled = sorted(moment for moment, count in verdicts.items() if count > 1)
    return Account(
        due=len(named),
        dispatched=started,
        omitted=reasons,
        unexplained=len(unexplained),
        doubled=len(doubled),
        unexpected=len(unexpected),
        unexplained_at=tuple(unexplained[:limit]),
        doubled_at=tuple(doubled[:limit]),
        unexpected_at=tuple(unexpected[:limit]),
    )
