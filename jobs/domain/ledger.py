"""The ledger: each due time of a period has one verdict, an execution or an omission.

Omissions are kept as stretches of consecutive due times with one reason. Which due times a stretch
covers follows from the schedules, so it can be expanded, and the whole can be proved.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby, repeat
from operator import itemgetter
from typing import Literal

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


@dataclass(slots=True, kw_only=True)
class Account:
    """What became of the due times of a period, checked against the schedules.

    The lists name the first few moments; the numbers count all.
    """

    due: int = 0
    dispatched: int = 0
    omitted: Counter[OmissionReason] = field(default_factory=Counter)
    unexplained: int = 0  # due, and neither dispatched nor omitted
    doubled: int = 0  # with more than one verdict
    unexpected: int = 0  # with a verdict, but named by no schedule
    unexplained_at: list[datetime] = field(default_factory=list)
    doubled_at: list[datetime] = field(default_factory=list)
    unexpected_at: list[datetime] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Say whether every due time has exactly one verdict."""
        return not (self.unexplained or self.doubled or self.unexpected)


# What a mark says about a moment: that it is due, that it was dispatched, or why it was omitted.
_Mark = Literal["due", "dispatched"] | OmissionReason


def reconcile(
    schedules: Sequence[Schedule],
    after: datetime,
    until: datetime,
    *,
    dispatched: Iterable[datetime],
    omitted: Iterable[OmissionRange],
    examples: int = 100,
) -> Account:
    """Compare the verdicts of ``(after, until]`` with a fresh computation of the due times.

    ``dispatched`` are the due times of scheduled executions in the order of time; ``omitted`` may
    reach beyond the period. Streams: a year of minutes needs no more memory than an hour.
    """
    streams: list[Iterator[tuple[datetime, _Mark]]] = [
        zip(due_between(schedules, after, until), repeat("due")),
        zip(dispatched, repeat("dispatched")),
    ]
    streams += [zip(expand(one, schedules), repeat(one.reason)) for one in omitted]
    account = Account()
    by_moment = itemgetter(0)
    for moment, marks in groupby(heapq.merge(*streams, key=by_moment), key=by_moment):
        if after < moment <= until:
            _enter(account, moment, [mark for _, mark in marks], examples)
    return account


def _enter(account: Account, moment: datetime, marks: list[_Mark], examples: int) -> None:
    """Count one moment with all that is said about it."""
    verdicts = [mark for mark in marks if mark != "due"]
    account.due += "due" in marks
    account.dispatched += verdicts.count("dispatched")
    account.omitted.update(mark for mark in verdicts if isinstance(mark, OmissionReason))
    if not verdicts:
        account.unexplained += 1
        _note(account.unexplained_at, moment, examples)
    if len(verdicts) > 1:
        account.doubled += 1
        _note(account.doubled_at, moment, examples)
    if "due" not in marks:
        account.unexpected += 1
        _note(account.unexpected_at, moment, examples)


def _note(moments: list[datetime], moment: datetime, examples: int) -> None:
    """Keep the moment as an example while there are few."""
    if len(moments) < examples:
        moments.append(moment)
