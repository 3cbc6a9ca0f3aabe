"""The proof of a ledger: an independent look at what was due, compared with what became of it.

The due times are worked out anew from the schedules of each version, a day at a time; the verdicts
come in streams. Where a day's lists agree nothing else is looked at, so a year of minutes is proved
in a second and in constant memory.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs.domain.instants import to_instant, to_moment
from jobs.domain.ledger import OmissionRange
from jobs.domain.merged import Merged
from jobs.domain.schedule import Schedule
from jobs.domain.states import OmissionReason

BATCH = 10_000  # verdicts held at a time, where a day has more than that
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Era:
    """The schedules that name a job's due times in ``(after, until]``: those of one version."""

    after: datetime
    until: datetime
    schedules: Sequence[Schedule]

    @property
    def counts_from_end(self) -> bool:
        """Say whether due times may follow from the end of a run, which no schedule can name."""
        return any(rule.counts_from_end for rule in self.schedules)

    @property
    def fixed(self) -> Merged:
        """Return the due times that the schedules name by themselves."""
        return Merged([rule.due_times() for rule in self.schedules if not rule.counts_from_end])


@dataclass(slots=True, kw_only=True)
class Account:
    """What became of the due times of a period, checked against the schedules.

    The lists name the first few moments; the numbers count all.
    """

    due: int = 0
    dispatched: int = 0
    omitted: Counter[OmissionReason] = field(default_factory=Counter)
    by_end: int = 0  # of the due ones: named by the end of a run and by no fixed schedule
    open: int = 0  # events that happened and that no dispatcher has looked at yet
    unexplained: int = 0  # due, and neither dispatched nor omitted
    doubled: int = 0  # with more than one verdict
    unexpected: int = 0  # with a verdict, but named by no schedule
    miscounted: int = 0  # stretches whose count is not that of the due times in them
    unexplained_at: list[datetime] = field(default_factory=list)
    doubled_at: list[datetime] = field(default_factory=list)
    unexpected_at: list[datetime] = field(default_factory=list)
    miscounted_at: list[datetime] = field(default_factory=list)

    @property
    def balanced(self) -> bool:
        """Say whether every due time has exactly one verdict."""
        return not (self.unexplained or self.doubled or self.unexpected or self.miscounted)


def reconcile(
    schedules: Sequence[Schedule],
    after: datetime,
    until: datetime,
    *,
    dispatched: Iterable[datetime],
    omitted: Iterable[OmissionRange],
    examples: int = 100,
) -> Account:
    """Compare the verdicts of ``(after, until]`` with the due times of schedules that never changed.

    As `prove`, for a single version that held before and after the period as well.
    """
    ranges = sorted(omitted, key=lambda one: one.first_due_at)
    first = min([after, *(one.first_due_at - _TICK for one in ranges[:1])])
    last = max([until, *(one.last_due_at for one in ranges)])
    era = Era(after=first, until=last, schedules=schedules)
    return prove([era], after, until, dispatched=dispatched, omitted=ranges, examples=examples)


def prove(
    eras: Sequence[Era],
    after: datetime,
    until: datetime,
    *,
    dispatched: Iterable[datetime],
    omitted: Iterable[OmissionRange],
    decided_until: datetime | None = None,
    events: Iterable[datetime] = (),
    open_events: Iterable[datetime] = (),
    examples: int = 100,
) -> Account:
    """Compare the verdicts of ``(after, until]`` with a fresh computation of the due times.

    ``dispatched`` are the due times of executions, ``omitted`` may reach beyond the period; both in
    the order of time. Schedules name nothing after ``decided_until``: no verdict can be expected
    there. ``events`` are moments that no clock named; ``open_events`` may have their verdict already.
    """
    proof = _Proof(
        eras=eras,
        start=to_instant(after),
        end=to_instant(until),
        omissions=iter(omitted),
        events=sorted(map(to_instant, events)),
        open_events=frozenset(map(to_instant, open_events)),
        examples=examples,
    )
    decided = until if decided_until is None else min(decided_until, until)
    proof.run(map(to_instant, dispatched), to_instant(decided))
    return proof.account


@dataclass(slots=True, kw_only=True)
class _Proof:
    """One walk through the period, window by window."""

    eras: Sequence[Era]
    start: int
    end: int
    omissions: Iterator[OmissionRange]
    events: list[int]
    open_events: frozenset[int]
    examples: int
    account: Account = field(default_factory=Account)
    reached: int = 0  # everything up to here is accounted for
    ahead: OmissionRange | None = None  # read, but it begins later
    current: list[OmissionRange] = field(default_factory=list)

    def run(self, dispatched: Iterator[int], decided: int) -> None:
        """Account for everything in the period."""
        self.reached = self.start
        self.account.open = len(self.open_events)  # less those that turn out to have a verdict
        found = _Peekable(moment for moment in dispatched if self.start < moment <= self.end)
        for era, edge, due in self._windows(decided):
            left, full = due, True
            while full:
                batch = found.take(edge, BATCH)
                full = len(batch) >= BATCH
                until = batch[-1] if full else edge
                cut = bisect_right(left, until)
                self._window(era, until, left[:cut], batch)
                left = left[cut:]

    def _windows(self, decided: int) -> Iterator[tuple[Era | None, int, list[int]]]:
        """Yield the period in pieces: the version, the end of the piece, its fixed due times.

        What lies outside of all versions is a piece as well: nothing is due there.
        """
        place = self.start
        for era in self.eras:
            after, until = max(to_instant(era.after), place), min(to_instant(era.until), self.end)
            if after >= until:
                continue
            if after > place:
                yield None, after, []
            for due in era.fixed.chunks(after, min(until, decided)):
                yield era, due[-1], due
            yield era, until, []
            place = until
        if place < self.end:
            yield None, self.end, []

    def _window(self, era: Era | None, edge: int, due: list[int], batch: list[int]) -> None:
        """Account for what lies after the last window, up to ``edge``."""
        pieces = [(one, *self._piece(one, due, edge)) for one in self._omissions_until(edge)]
        events = self._events_until(edge)
        account = self.account
        account.dispatched += len(batch)
        for one, low, high, others in pieces:
            if high - low + len(others):
                account.omitted[one.reason] += high - low + len(others)
        plain = not events and not any(others for *_, others in pieces)
        if plain and _without(due, [(low, high) for _, low, high, _ in pieces]) == batch:
            account.due += len(due)
        else:
            said = Counter(batch)
            for _, low, high, others in pieces:
                said.update(due[low:high])
                said.update(others)
            self._compare(era, {*due, *events}, said)
        self.reached = edge
        self.current = [one for one in self.current if to_instant(one.last_due_at) > edge]

    def _piece(self, one: OmissionRange, due: list[int], edge: int) -> tuple[int, int, list[int]]:
        """Return which of the window's due times a stretch covers, and its ends that are none.

        The ends were due when the stretch was recorded, whatever the schedules say.
        """
        first, last = to_instant(one.first_due_at), to_instant(one.last_due_at)
        low, high = bisect_left(due, first), bisect_right(due, last)
        others = [
            end
            for end in dict.fromkeys((first, last))
            if self.reached < end <= edge and not _holds(due, end)
        ]
        return low, max(low, high), others

    def _omissions_until(self, edge: int) -> list[OmissionRange]:
        """Return the stretches that touch the window, in order."""
        while True:
            one, self.ahead = self.ahead or next(self.omissions, None), None
            if one is None:
                break
            if to_instant(one.first_due_at) > edge:
                self.ahead = one
                break
            if to_instant(one.last_due_at) > self.start:
                self._check_count(one)
                self.current.append(one)
        return self.current

    def _check_count(self, one: OmissionRange) -> None:
        """Compare a stretch's own count with the due times between its ends.

        Where due times follow from ends of runs, those that lay inside are known by number only.
        """
        if one.first_due_at == one.last_due_at:
            missing = one.count - 1
        else:
            missing = one.count - self._covered(one)
        if not missing:
            return
        if missing > 0 and any(era.counts_from_end for era in self._eras_of(one)):
            if self.start < to_instant(one.last_due_at) <= self.end:
                self.account.due += missing
                self.account.by_end += missing
                self.account.omitted[one.reason] += missing
            return
        self.account.miscounted += 1
        self._note(self.account.miscounted_at, to_instant(one.first_due_at))

    def _covered(self, one: OmissionRange) -> int:
        """Return how many due times lie in a stretch, its ends among them."""
        first, last = to_instant(one.first_due_at), to_instant(one.last_due_at)
        named = [
            (era.fixed, max(to_instant(era.after), first - 1), min(to_instant(era.until), last))
            for era in self._eras_of(one)
        ]
        total = sum(times.count(low, high) for times, low, high in named)
        ends = [
            sum(times.count(max(low, end - 1), min(high, end)) for times, low, high in named)
            for end in (first, last)
        ]
        return total + ends.count(0)

    def _eras_of(self, one: OmissionRange) -> list[Era]:
        return [
            era
            for era in self.eras
            if era.after < one.last_due_at and one.first_due_at <= era.until
        ]

    def _events_until(self, edge: int) -> list[int]:
        """Return the events of the window."""
        low, high = bisect_right(self.events, self.reached), bisect_right(self.events, edge)
        return self.events[low:high]

    def _compare(self, era: Era | None, named: set[int], said: Counter[int]) -> None:
        """Look at each moment of a window in which not everything is plain."""
        account = self.account
        by_end = era is not None and era.counts_from_end
        for moment in sorted(named | said.keys()):
            verdicts = said[moment]
            if verdicts > 1:
                account.doubled += 1
                self._note(account.doubled_at, moment)
            if moment in named:
                account.due += 1
                if not verdicts:
                    account.unexplained += 1
                    self._note(account.unexplained_at, moment)
            elif moment in self.open_events:
                account.due += 1
                account.open -= 1
            elif by_end:
                account.due += 1
                account.by_end += 1
            else:
                account.unexpected += 1
                self._note(account.unexpected_at, moment)

    def _note(self, moments: list[datetime], instant: int) -> None:
        """Keep the moment as an example while there are few."""
        if len(moments) < self.examples:
            moments.append(to_moment(instant))


class _Peekable:
    """A stream that is read up to an edge, and no further."""

    def __init__(self, moments: Iterator[int]) -> None:
        """Take the moments in order."""
        self.moments = moments
        self.ahead = next(moments, None)

    def take(self, edge: int, limit: int) -> list[int]:
        """Return what lies at or before ``edge``, about ``limit`` at most; equal ones together."""
        found: list[int] = []
        while self.ahead is not None and self.ahead <= edge:
            if len(found) >= limit and self.ahead != found[-1]:
                break
            found.append(self.ahead)
            self.ahead = next(self.moments, None)
        return found


def _without(due: list[int], slices: list[tuple[int, int]]) -> list[int] | None:
    """Return the list without the slices; None where two of them overlap."""
    if not slices:
        return due
    rest: list[int] = []
    place = 0
    for low, high in slices:
        if low < place:
            if low < high:
                return None
            continue
        rest += due[place:low]
        place = high
    return rest + due[place:]


def _holds(ordered: list[int], value: int) -> bool:
    """Say whether a sorted list holds a value."""
    place = bisect_left(ordered, value)
    return place < len(ordered) and ordered[place] == value
