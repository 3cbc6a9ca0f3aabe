"""The ledger: each due time of a period has one verdict, an execution or an omission.

Omissions are kept as stretches of consecutive due times with one reason. Which due times a stretch
covers follows from the schedules, so it can be expanded, and the whole can be proved (`proof`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
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
