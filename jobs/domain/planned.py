"""The runs to come, and the due times that will make none because they are held back.

Every due time comes from ``domain.schedule``, which the dispatcher asks too, and what holds and
limits do to it follows the dispatcher's rules. The one thing added here is a guess, marked as such:
an interval that counts from the end of a run names its next due time only when the run has ended.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, islice

from jobs.domain.holds import Hold, Outside
from jobs.domain.instants import LAST_INSTANT, DueTimes, Grid, Single, to_instant, to_moment
from jobs.domain.merged import Merged
from jobs.domain.schedule import Schedule, due_between, naming, next_due

SHOWN = 5
END = to_moment(LAST_INSTANT)
# Stretches that one plan lists: a calendar with a window for each hour has 8,784 in a year.
MOST_STRETCHES = 200
# Several schedules at once are counted one by one; of more there is no number.
MOST_COUNTED = 50_000
# Executions that a limit leaves, walked to find the last one; a larger limit ends nothing soon.
MOST_LEFT = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One run to come; ``about``: it depends on when the run before ends.

    With ``held`` it is no run but ``count`` due times up to ``last`` that are held back; a count of
    None is one too large to tell.
    """

    at: datetime
    about: bool = False
    held: Hold | None = None
    last: datetime | None = None
    count: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to come, in order. ``until``: more is due, but it was looked no further than this."""

    entries: Sequence[Planned] = ()
    until: datetime | None = None

    @property
    def runs(self) -> list[Planned]:
        """Return what will run."""
        return [one for one in self.entries if one.held is None]

    @property
    def held(self) -> list[Planned]:
        """Return the stretches that will not."""
        return [one for one in self.entries if one.held is not None]

    @property
    def due_count(self) -> int | None:
        """Return how many due times it speaks of; None when that is too many to tell."""
        counts = [one.count for one in self.entries]
        return None if None in counts else sum(count or 0 for count in counts)


def planned(
    rules: Sequence[Schedule],
    *,
    now: datetime,
    until: datetime | None = None,
    limit: int = SHOWN,
    last_finished_at: datetime | None = None,
    usual: timedelta = timedelta(),
    first: datetime | None = None,
) -> list[Planned]:
    """Return at most ``limit`` runs after ``now`` of schedules that nothing holds back or limits."""
    return plan(
        rules,
        now=now,
        until=until,
        limit=limit,
        last_finished_at=last_finished_at,
        usual=usual,
        first=first,
    ).runs


def plan(
    rules: Sequence[Schedule],
    *,
    now: datetime,
    until: datetime | None = None,
    limit: int = SHOWN,
    last_finished_at: datetime | None = None,
    usual: timedelta = timedelta(),
    first: datetime | None = None,
    holds: Sequence[Hold] = (),
    left: Sequence[int | None] = (),
) -> Plan:
    """Return what is to come after ``now`` up to ``limit`` runs; ``usual`` is how long one takes.

    ``first`` is due for sure, such as the stored next fire time. ``holds`` as `flatten` returns
    them. ``left`` says for each rule how many executions it may still make, None for any number.
    """
    counted = any(rule.counts_from_end for rule in rules)
    if not (counted or first or holds or until) and all(one is None for one in left):
        return Plan(entries=[Planned(at=at) for at in due_between(rules, now, END, limit)])
    walk = _Walk(rules, left, now, last_finished_at, usual=usual, holds=holds, until=until or END)
    return walk.plan(first, limit)


class _Walk:
    """Goes from due time to due time as the dispatcher will."""

    def __init__(
        self,
        rules: Sequence[Schedule],
        left: Sequence[int | None],
        at: datetime,
        ended: datetime | None,
        *,
        usual: timedelta,
        holds: Sequence[Hold],
        until: datetime,
    ) -> None:
        """Start after ``at``, with a last run that ended at ``ended``."""
        known = left or [None] * len(rules)
        pairs = zip(rules, known, strict=True)
        self.active = [(rule, n) for rule, n in pairs if n is None or n > 0]
        self.at, self.ended = at, ended
        self.usual, self.until, self.holds = usual, until, holds
        self.starts = [hold.start for hold in holds]
        self.entries: list[Planned] = []
        self._sort()

    def plan(self, first: datetime | None, limit: int) -> Plan:
        """Go on until there are ``limit`` runs, or nothing more to see."""
        made = 0
        due, sure = (first, True) if first is not None else self._next()
        known = due if first is not None else None
        while due is not None and made < limit:
            if due > self.until or len(self.entries) > MOST_STRETCHES + limit:
                beyond = self.until if due > self.until else self.at
                return Plan(entries=self.entries, until=None if beyond >= END else beyond)
            about = bool(self.entries) and not sure
            hold = self._holding(to_instant(due))
            if hold is None:
                self._run(due, about=about)
                made += 1
            else:
                self._pass(due, hold, about=about, alone=due == known)
            due, sure = self._next()
        return Plan(entries=self.entries)

    def _sort(self) -> None:
        rules = [rule for rule, _left in self.active]
        self.fixed = [rule for rule in rules if not rule.counts_from_end]
        self.counted = [rule for rule in rules if rule.counts_from_end]

    def _next(self) -> tuple[datetime | None, bool]:
        """Return what is due next, and whether that is sure."""
        sure = next_due(self.fixed, self.at)
        guess = next_due(self.counted, self.at, self.ended)
        due = min((one for one in (sure, guess) if one is not None), default=None)
        return due, due == sure

    def _holding(self, instant: int) -> Hold | None:
        place = bisect_right(self.starts, instant) - 1
        return self.holds[place] if place >= 0 and instant < self.holds[place].end else None

    def _run(self, due: datetime, *, about: bool) -> None:
        # The first one counts from an end that is known; every later one from a run to come.
        self.entries.append(Planned(at=due, about=about))
        self.at, self.ended = due, due + self.usual
        if any(left is not None for _rule, left in self.active):
            self._count(naming([rule for rule, _left in self.active], due))

    def _count(self, named: Sequence[Schedule]) -> None:
        """Take an execution from what the schedules of a run may still make."""
        fewer = [
            (rule, left - 1 if left is not None and rule in named else left)
            for rule, left in self.active
        ]
        self.active = [pair for pair in fewer if pair[1] != 0]
        self._sort()

    def _pass(self, due: datetime, hold: Hold, *, about: bool, alone: bool) -> None:
        """Pass over all that one hold holds back from ``due`` on, in one step however long it is."""
        after, end = to_instant(due) - 1, min(hold.end - 1, to_instant(self.until))
        last: int | None = to_instant(due)
        count: int | None = 1
        if not alone:
            sets = [rule.due_times() for rule in self.fixed]
            sets += [self._chain(rule) for rule in self.counted]
            last, count = Merged(sets).last_until(end), counted_in(sets, after, end)
        self.at = to_moment(last or after + 1)
        one = Planned(at=due, about=about, held=hold, last=self.at, count=count)
        before = self.entries[-1] if self.entries else None
        if before is not None and before.held is not None and before.held[2:] == hold[2:]:
            both = None if before.count is None or count is None else before.count + count
            self.entries[-1] = replace(before, last=self.at, count=both)
        else:
            self.entries.append(one)

    def _chain(self, rule: Schedule) -> DueTimes:
        """Return when an interval is due while no run moves it: a due time left out counts anew."""
        first = rule.next_after(self.at, last_finished_at=self.ended)
        if first is None:
            return Single()
        return rule.windowed(Grid(to_instant(first), rule.period))


def counted_in(sets: Sequence[DueTimes], after: int, until: int) -> int | None:
    """Return how many due times several sets name together; None when they are too dense to say."""
    filled = [times for times in sets if times.count(after, until)]
    if len(filled) > 1 and sum(times.count(after, until) for times in filled) > MOST_COUNTED:
        return None
    return Merged(filled).count(after, until)


def end_of(times: DueTimes, left: int | None, after: int, holds: Sequence[Hold] = ()) -> int | None:
    """Return the instant before which due times with a limit end; None when none is reached.

    ``left`` executions may still be made after ``after``; what is held back makes none.
    """
    if left is None or left > MOST_LEFT:
        return None
    if left <= 0:
        return after + 1
    free = Merged([Outside(times, holds) if holds else times])
    found = list(islice(chain.from_iterable(free.chunks(after, LAST_INSTANT)), left))
    return found[-1] + 1 if len(found) == left else None
