"""What an edit will do: which due times to come it adds, removes or moves.

Every due time comes from the sets that the dispatcher asks too. What is dense is counted and not
listed, so that a schedule of every second takes no more time and memory than a daily one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from jobs.domain.holds import Hold, Outside
from jobs.domain.instants import SECOND, DueTimes, Grid, Single, to_instant, to_moment
from jobs.domain.merged import Merged
from jobs.domain.schedule import Schedule
from jobs.domain.zones import zone

LISTED = 50
# Due times of each side that a comparison looks at: a minutely schedule has 43,200 in 30 days, and
# they take some 30 ms.
MOST_COMPARED = 45_000
# What is denser can only be shown for a shorter period anyway; a short one then answers fast.
MOST_OF_DENSE = 10_000
# Where the unchanged schedules are too dense to list, each one is looked up by itself: 10 µs.
MOST_LOOKED_UP = 2_000
_HALVINGS = 16  # 40 seconds of 30 days


@dataclass(frozen=True, slots=True, kw_only=True)
class FireDiff:
    """What an edit does to the due times of ``(start, end]``.

    The lists hold the first ones only; the counts are exact up to ``compared_until``, which is
    ``end`` unless there are too many to look at each. A total is None when it would take a merge
    of several dense schedules to know it. ``about``: intervals that count from the end of a run
    take part, as if each run took its usual time. ``held``: some are left out that a freeze or a
    calendar holds back.
    """

    start: datetime
    end: datetime
    compared_until: datetime
    before_count: int | None
    after_count: int | None
    kept_count: int | None
    added_count: int = 0
    removed_count: int = 0
    moved_count: int = 0
    added: tuple[datetime, ...] = ()
    removed: tuple[datetime, ...] = ()
    moved: tuple[tuple[datetime, datetime], ...] = ()
    about: bool = False
    held: bool = False

    @property
    def complete(self) -> bool:
        """Say whether every due time of the period was compared."""
        return self.compared_until == self.end

    @property
    def changed_count(self) -> int:
        """Return how many due times differ."""
        return self.added_count + self.removed_count + self.moved_count


def changed_fires(
    before: Sequence[Schedule],
    after: Sequence[Schedule],
    start: datetime,
    end: datetime,
    *,
    zone_name: str,
    last_finished_at: datetime | None = None,
    usual: timedelta = timedelta(),
    holds: tuple[Sequence[Hold], Sequence[Hold]] = ((), ()),
    listed: int = LISTED,
) -> FireDiff:
    """Compare the due times of ``(start, end]`` under two lists of schedules.

    ``holds`` are what holds back either, as `flatten` returns them; it is no due time here. A due
    time *moved* when on its local day (of ``zone_name``) as many went as came; they are
    paired in order. Otherwise they count as removed and added. Jitter and spread move no due time.
    """

    def named(rules: Sequence[Schedule], held: Sequence[Hold]) -> list[DueTimes]:
        times: Iterable[DueTimes] = (
            expected(rule, start, last_finished_at, usual) for rule in rules
        )
        if held:  # as a tuple: equal sets with equal holds are told by their hash
            times = (Outside(one, tuple(held)) for one in times)
        return list(dict.fromkeys(times))

    first, last = to_instant(start), to_instant(end)
    sides = _Sides.of(named(before, holds[0]), named(after, holds[1]), first, last)
    until = sides.compared_until(first, last)
    edges = _edges(first, until, zone_name, whole=until == last)
    found = _Changes(listed)
    for low, high in pairwise(edges):
        found.add(*sides.changed(low, high), whole=high != until or high == last)
    total = sides.before.total(first, edges[-1])
    return FireDiff(
        start=start,
        end=end,
        compared_until=to_moment(edges[-1]),
        before_count=sides.before.total(first, last),
        after_count=sides.after.total(first, last),
        kept_count=None if total is None else total - found.removed_count - found.moved_count,
        added_count=found.added_count,
        removed_count=found.removed_count,
        moved_count=found.moved_count,
        added=tuple(map(to_moment, found.added)),
        removed=tuple(map(to_moment, found.removed)),
        moved=tuple((to_moment(old), to_moment(new)) for old, new in found.moved),
        about=any(rule.counts_from_end for rule in (*before, *after)),
        held=any(holds),
    )


def expected(
    rule: Schedule, start: datetime, last_finished_at: datetime | None, usual: timedelta
) -> DueTimes:
    """Return what a schedule names; an interval that counts from an end becomes a grid."""
    if not rule.counts_from_end:
        return rule.due_times()
    first = rule.next_after(start, last_finished_at=last_finished_at)
    if first is None:
        return Single()
    return rule.windowed(Grid(to_instant(first), rule.period + usual // timedelta(microseconds=1)))


@dataclass(frozen=True, slots=True)
class _Union:
    """Several sets of due times, counted only as far as that is cheap."""

    sets: Sequence[DueTimes]

    def most(self, start: int, end: int) -> int:
        """Return how many there are at most: each set by arithmetic, shared instants twice."""
        return sum(times.count(start, end) for times in self.sets)

    def total(self, start: int, end: int) -> int | None:
        """Return how many there are; None when a merge of dense sets would have to tell."""
        filled = [times for times in self.sets if times.count(start, end)]
        if len(filled) > 1 and self.most(start, end) > MOST_COMPARED:
            return None
        return Merged(filled).count(start, end)

    def within(self, start: int, end: int) -> set[int]:
        """Return those of ``(start, end]``."""
        found: set[int] = set()
        return found.union(*(times.between(start, end) for times in self.sets))


@dataclass(frozen=True, slots=True)
class _Sides:
    """Two sets of due times, taken apart: what only one side names, and what both name."""

    before: _Union
    after: _Union
    only_before: _Union
    only_after: _Union
    both: _Union
    dense: bool  # what both name has to be looked up, not listed

    @classmethod
    def of(cls, before: list[DueTimes], after: list[DueTimes], start: int, end: int) -> _Sides:
        """Take two lists apart; equal schedules need no comparison, however dense they are."""
        both = _Union([times for times in before if times in after])
        return cls(
            _Union(before),
            _Union(after),
            _Union([times for times in before if times not in after]),
            _Union([times for times in after if times not in before]),
            both,
            both.most(start, end) > MOST_COMPARED,
        )

    def compared_until(self, start: int, end: int) -> int:
        """Return how far each due time can be looked at."""

        def small(until: int, most: int) -> bool:
            return all(
                one.most(start, until) <= most for one in (self.only_before, self.only_after)
            )

        if small(end, MOST_LOOKED_UP if self.dense else MOST_COMPARED):
            return end
        most = MOST_LOOKED_UP if self.dense else MOST_OF_DENSE
        return _last_true(lambda until: small(until, most), start, end)

    def changed(self, start: int, end: int) -> tuple[list[int], list[int]]:
        """Return which due times of ``(start, end]`` go and which come, in order."""
        old, new = self.only_before.within(start, end), self.only_after.within(start, end)
        differing = old ^ new
        if not differing:
            return [], []
        if self.dense:
            differing = {one for one in differing if not self.both.most(one - 1, one)}
        else:
            differing -= self.both.within(start, end)
        return sorted(differing & old), sorted(differing & new)


def _last_true(check: Callable[[int], bool], start: int, end: int) -> int:
    """Return a whole second up to which ``check`` holds, if not the last one; it holds at ``start``."""
    low, high = start, end
    for _ in range(_HALVINGS):
        middle = (low + high) // 2
        if check(middle):
            low = middle
        else:
            high = middle
    return max(low // SECOND * SECOND, start + SECOND)


def _edges(start: int, until: int, zone_name: str, *, whole: bool) -> list[int]:
    """Return ``start``, the last microsecond of each local day up to ``until``, and ``until``.

    Unless the period is ``whole`` it ends with a day, if it has one: a part of a day could not
    say what moved.
    """
    ends = [one for one in _day_ends(start, until, zone_name) if start < one < until]
    return [start, *ends] if ends and not whole else [start, *ends, until]


def _day_ends(start: int, until: int, zone_name: str) -> Iterator[int]:
    here = zone(zone_name)
    date = to_moment(start).astimezone(here).date()
    last = to_moment(until).astimezone(here).date()
    while date < last:
        date += timedelta(days=1)
        yield to_instant(datetime.combine(date, time(), here).astimezone(UTC)) - 1


@dataclass(slots=True)
class _Changes:
    """What differs, counted in full and listed up to a limit."""

    listed: int
    added: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    moved: list[tuple[int, int]] = field(default_factory=list)
    added_count: int = 0
    removed_count: int = 0
    moved_count: int = 0

    def add(self, gone: list[int], come: list[int], *, whole: bool) -> None:
        """Take one local day; one that was cut short says nothing about what moved."""
        if whole and len(gone) == len(come):
            self.moved_count += len(gone)
            self.moved += list(zip(gone, come, strict=True))[: self.listed - len(self.moved)]
            return
        self.removed_count += len(gone)
        self.added_count += len(come)
        self.removed += gone[: self.listed - len(self.removed)]
        self.added += come[: self.listed - len(self.added)]
