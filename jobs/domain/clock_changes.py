"""Changes of the clock to come, and what each of them does to a schedule.

An interval runs by elapsed time and a single moment is one instant, so only cron schedules are
touched. ``cron_clock`` is the contract; here is which side of it a schedule will meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from jobs.domain.cron_clock import CronClock
from jobs.domain.schedule import Schedule
from jobs.domain.states import Fold, ScheduleKind
from jobs.domain.zones import DAY, Span, timeline

SHOWN = 2
AHEAD = timedelta(days=2 * 366)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Effect(StrEnum):
    """What a change of the clock does to a schedule."""

    NONE = "none"
    MOVED = "moved"  # fixed times that the clocks jump over make one run right after the jump
    SKIPPED = "skipped"  # ... or none
    FEWER = "fewer"  # follows the clock: nothing runs in the time that is left out
    FIRST = "first"  # fixed times that come twice run the first time only
    SECOND = "second"
    BOTH = "both"
    MORE = "more"  # follows the clock: the repeated time has its runs again


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """What a change does to one schedule (its ``position`` in the list, from 0).

    ``times`` are the wall-clock times that are missing or come twice, and ``first_time`` is the
    earliest one. ``runs_at``: what runs because of it, or in its place, first. On the date of that
    time the schedule has ``runs`` runs instead of its ``usual_runs``.
    """

    position: int
    effect: Effect
    times: int = 0
    first_time: datetime | None = None  # without a zone: what the clock shows, or would
    runs_at: datetime | None = None
    runs: int = 0
    usual_runs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockChange:
    """A moment at which the clocks of a zone jump; offsets in seconds east of UTC."""

    zone: str
    at: datetime
    offset_before: int
    offset_after: int
    touches: tuple[Touch, ...]

    @property
    def forward(self) -> bool:
        """Say whether the clocks go forward, so that some times are missing."""
        return self.offset_after > self.offset_before

    @property
    def shown_before(self) -> datetime:
        """Return what the clock would show at that moment without the change."""
        return _wall(_second(self.at) + self.offset_before)

    @property
    def shown_after(self) -> datetime:
        """Return what the clock shows at that moment."""
        return _wall(_second(self.at) + self.offset_after)

    @property
    def touched(self) -> bool:
        """Say whether any run is moved, left out, doubled or kept from doubling."""
        return any(touch.effect != Effect.NONE for touch in self.touches)


def clock_changes(
    schedules: Sequence[Schedule], now: datetime, *, count: int = SHOWN
) -> list[ClockChange]:
    """Return the next ``count`` changes of each zone that a cron schedule uses, in order of time."""
    cron = [(place, rule) for place, rule in enumerate(schedules) if rule.kind == ScheduleKind.CRON]
    found = []
    for name in dict.fromkeys(rule.timezone for _, rule in cron):
        there = [(place, rule) for place, rule in cron if rule.timezone == name]
        found += [_change(name, span, there) for span in transitions(name, now, count=count)]
    return sorted(found, key=lambda change: (change.at, change.zone))


def transitions(zone_name: str, now: datetime, *, count: int = SHOWN) -> list[Span]:
    """Return the spans of the zone's next ``count`` changes; fewer, or none, in two years to come."""
    spans = timeline(zone_name).changes(_second(now), _second(now + AHEAD))
    return spans[:count]


def _change(name: str, span: Span, rules: Iterable[tuple[int, Schedule]]) -> ClockChange:
    return ClockChange(
        zone=name,
        at=_moment(span.start),
        offset_before=span.before,
        offset_after=span.offset,
        touches=tuple(_touch(place, rule, span) for place, rule in rules),
    )


def _touch(position: int, rule: Schedule, span: Span) -> Touch:
    """Compare what the rule names with what the clock shows around the change."""
    forward = span.offset > span.before
    low, high = sorted((span.start + span.before, span.start + span.offset))
    clock = rule.clock
    times = clock.rule.count(low, high)
    first = clock.rule.first_from(low)
    if not times or first is None:
        return Touch(position=position, effect=Effect.NONE)
    effect = _in_gap(clock, span) if forward else _in_fold(clock)
    runs_at = _runs_at(effect, first, span)
    if not _in_force(rule, runs_at or _moment(span.start)):
        return Touch(position=position, effect=Effect.NONE)
    midnight = first // DAY * DAY
    usual = clock.rule.count(midnight, midnight + DAY)
    that_date = clock.rule.count(max(low, midnight), min(high, midnight + DAY))
    return Touch(
        position=position,
        effect=effect,
        times=times,
        first_time=_wall(first),
        runs_at=runs_at,
        runs=usual - that_date if forward else usual + that_date,
        usual_runs=usual,
    )


def _in_gap(clock: CronClock, span: Span) -> Effect:
    if clock.rule.follows_clock:
        return Effect.FEWER
    # Not made up for: the policy says so, or the zone left the whole date out.
    return Effect.MOVED if clock.count(span.start - 1, span.start) else Effect.SKIPPED


def _in_fold(clock: CronClock) -> Effect:
    if clock.rule.follows_clock:
        return Effect.MORE
    return {Fold.FIRST: Effect.FIRST, Fold.SECOND: Effect.SECOND, Fold.BOTH: Effect.BOTH}[
        clock.fold
    ]


def _runs_at(effect: Effect, first: int, span: Span) -> datetime | None:
    if effect in (Effect.SKIPPED, Effect.FEWER):
        return None
    if effect == Effect.MOVED:
        return _moment(span.start)
    return _moment(first - (span.offset if effect == Effect.SECOND else span.before))


def _in_force(rule: Schedule, at: datetime) -> bool:
    """Say whether the moment lies between the schedule's start and end."""
    return (rule.starts_at or at) <= at and (rule.ends_at is None or at < rule.ends_at)


def _second(moment: datetime) -> int:
    return int((moment - _EPOCH) // timedelta(seconds=1))


def _moment(second: int) -> datetime:
    return _EPOCH + timedelta(seconds=second)


def _wall(second: int) -> datetime:
    return _moment(second).replace(tzinfo=None)
