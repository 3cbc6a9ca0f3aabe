"""Properties of due times that hold for every schedule, zone and period."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.cron import CronRule, parse_cron
from jobs.domain.errors import CronError
from jobs.domain.schedule import (
    Schedule,
    count_due,
    due_between,
    latest_due,
    next_due,
    zone,
)
from jobs.domain.states import Anchor, DayMatch, Fold, Gap, ScheduleKind
from tests.domain.expressions import random_expression
from tests.domain.test_zones import SAMPLE
from tests.domain.times import cron, steps
from tests.domain.zone_files import changes
from tests.sizes import many

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86_400))
MOST = 400  # due times that a property looks at one by one

moments = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2036, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@st.composite
def near_changes(draw: st.DrawFn, name: str) -> datetime:
    """Return a moment within two days of a change of the zone's offset, when it has any."""
    listed = [change.at for change in changes(name) if change.at > 946_684_800]
    if not listed:
        return draw(moments)
    at = datetime.fromtimestamp(draw(st.sampled_from(listed)), UTC)
    return at + draw(st.integers(-2880, 2880)) * MINUTE


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Return an expression that some date satisfies."""
    seconds = draw(st.booleans())
    while True:
        expression = random_expression(random.Random(draw(st.integers(0, 2**32))), seconds=seconds)
        try:
            parse_cron(expression)
        except CronError:
            continue
        return expression


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Return a schedule whose due times follow from itself: cron, grid or once."""
    starts_at = draw(st.none() | moments)
    ends_at = draw(st.none() | moments)
    if starts_at and ends_at and ends_at <= starts_at:
        starts_at, ends_at = None, None
    kind = draw(st.sampled_from([ScheduleKind.CRON, ScheduleKind.INTERVAL, ScheduleKind.ONCE]))
    if kind == ScheduleKind.CRON:
        return Schedule(
            kind=kind,
            expression=draw(expressions() | st.sampled_from(["* * * * *", "30 2 * * *"])),
            timezone=draw(st.sampled_from(SAMPLE)),
            day_match=draw(st.just(DayMatch.ANY)),
            gap=draw(st.sampled_from(Gap)),
            fold=draw(st.sampled_from(Fold)),
            starts_at=starts_at,
            ends_at=ends_at,
        )
    if kind == ScheduleKind.INTERVAL:
        return Schedule(
            kind=kind,
            seconds=draw(st.integers(1, 100_000) | st.floats(1, 100_000)),
            anchor=Anchor.START,
            anchor_at=draw(st.none() | moments),
            starts_at=starts_at,
            ends_at=ends_at,
        )
    return Schedule(kind=kind, at=draw(moments), starts_at=starts_at, ends_at=ends_at)


def bounded(rules: list[Schedule], after: datetime) -> datetime:
    """Return an end so that the period has some due times, but at most MOST."""
    due = list(due_between(rules, after, after + 5 * 366 * DAY, limit=MOST))
    return due[-1] if len(due) == MOST else after + 5 * 366 * DAY


@settings(max_examples=many(30), deadline=None)
@given(st.lists(schedules(), min_size=1, max_size=3), moments)
def test_step_by_step_and_in_one_go_are_the_same(rules: list[Schedule], after: datetime) -> None:
    until = bounded(rules, after)

    due = list(due_between(rules, after, until))

    assert due == steps(rules, after, len(due))
    following = next_due(rules, due[-1] if due else after)
    assert following is None or following > until
    assert all(after < earlier < later <= until for earlier, later in pairwise(due))
    assert all(moment.utcoffset() == timedelta() for moment in due)


@settings(max_examples=many(30), deadline=None)
@given(st.lists(schedules(), min_size=1, max_size=3), moments, st.integers(0, MOST))
def test_count_and_latest_agree_with_the_list(
    rules: list[Schedule], after: datetime, limit: int
) -> None:
    until = bounded(rules, after)
    due = list(due_between(rules, after, until))

    counted = count_due(rules, after, until)

    assert counted == (len(due), due[0] if due else None, due[-1] if due else None)
    assert latest_due(rules, after, until, limit) == due[max(len(due) - limit, 0) :]
    assert list(due_between(rules, after, until, limit)) == due[:limit]


@settings(max_examples=many(20), deadline=None)
@given(st.lists(schedules(), min_size=1, max_size=2), moments, st.floats(0, 1))
def test_two_halves_make_the_whole(rules: list[Schedule], after: datetime, share: float) -> None:
    """Whatever moment divides a period, each due time lies in exactly one part."""
    until = bounded(rules, after)
    between = after + share * (until - after)

    parts = [*due_between(rules, after, between), *due_between(rules, between, until)]

    assert parts == list(due_between(rules, after, until))
    halves = count_due(rules, after, between).total + count_due(rules, between, until).total
    assert halves == len(parts)


@settings(max_examples=many(12), deadline=None)
@given(st.data())
def test_dst_is_what_the_clock_shows(data: st.DataObject) -> None:
    """Compare with the contract, carried out minute by minute around a change of offset."""
    name = data.draw(st.sampled_from(SAMPLE))
    rule = cron(
        data.draw(
            st.sampled_from(["* * * * *", "*/15 * * * *", "0,30 0-4 * * *", "30 23 * * *"])
            | expressions().filter(lambda text: len(text.split()) == 5)
        ),
        name,
        gap=data.draw(st.sampled_from(Gap)),
        fold=data.draw(st.sampled_from(Fold)),
    )
    around = data.draw(near_changes(name)).replace(second=0, microsecond=0)

    found = list(due_between([rule], around - 20 * HOUR, around + 20 * HOUR))

    assert found == sorted(contract(rule, around - 20 * HOUR, around + 20 * HOUR))


def contract(rule: Schedule, after: datetime, until: datetime) -> set[datetime]:
    """Return the due times of ``(after, until]`` from what the zone's clock shows each minute."""
    here = zone(rule.timezone)
    minutes = [after + n * MINUTE for n in range(-1600, int((until - after) / MINUTE) + 1600)]
    shown: dict[datetime, list[datetime]] = {}
    for moment in minutes:
        shown.setdefault(moment.astimezone(here).replace(tzinfo=None), []).append(moment)
    named = rule.clock.rule
    if named.follows_clock:
        found = {
            moment for wall, passes in shown.items() if names(named, wall) for moment in passes
        }
    else:
        found = set(fixed(rule, named, shown))
    return {moment for moment in found if after < moment <= until}


def fixed(
    rule: Schedule, named: CronRule, shown: dict[datetime, list[datetime]]
) -> Iterator[datetime]:
    """Yield the due times of fixed wall times, those in a gap included."""
    wall, last = min(shown), max(shown)
    dates = {one.date() for one in shown}
    while wall <= last:
        if names(named, wall):
            passes = shown.get(wall, [])
            if not passes and rule.gap == Gap.FIRST_VALID and wall.date() in dates:
                yield min(passes[0] for later, passes in shown.items() if later > wall)
            chosen = {Fold.FIRST: passes[:1], Fold.SECOND: passes[-1:], Fold.BOTH: passes}
            yield from chosen[Fold(rule.fold)]
        wall += MINUTE


def names(rule: CronRule, wall: datetime) -> bool:
    """Say whether the rule names that wall time."""
    second = int((wall.replace(tzinfo=UTC) - EPOCH).total_seconds())
    return rule.count(second, second + 1) == 1


@pytest.mark.parametrize(
    ("seconds", "anchor_at"),
    [
        (60, None),
        (7, datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC)),
        (0.1 + 1, datetime(2026, 1, 1, tzinfo=UTC)),
        (1.5, datetime(2026, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_a_grid_does_not_drift_in_ten_thousand_periods(
    seconds: float, anchor_at: datetime | None
) -> None:
    rule = Schedule(
        kind=ScheduleKind.INTERVAL, seconds=seconds, anchor=Anchor.START, anchor_at=anchor_at
    )
    start = anchor_at or EPOCH

    walked = steps([rule], start, 10_000)

    assert walked[-1] == start + 10_000 * timedelta(seconds=seconds)
    assert all(later - earlier == timedelta(seconds=seconds) for earlier, later in pairwise(walked))
