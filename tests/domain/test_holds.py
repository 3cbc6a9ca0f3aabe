"""Due times inside a hold are left out with its reason; the others go on as ever."""

from __future__ import annotations

import time
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from jobs.domain.holds import Hold, Outside, flatten, holding
from jobs.domain.instants import SECOND, Grid, to_instant, to_moment
from jobs.domain.misfire import MAX_STEPS, Step, decide_misfire
from jobs.domain.schedule import Schedule
from jobs.domain.states import Anchor, Misfire, OmissionReason, ScheduleKind
from tests.domain.times import cron, utc

MINUTE = 60 * SECOND
START = utc("2026-03-01T00:00")
BASE = to_instant(START)


def hold(start: int, end: int, reason: OmissionReason, detail: str = "") -> Hold:
    """Return a hold between two minutes after the start."""
    return Hold(BASE + start * MINUTE, BASE + end * MINUTE, reason, detail)


minutes = st.integers(min_value=-5, max_value=65)
holds_strategy = st.lists(
    st.builds(
        lambda a, b, reason, detail: hold(min(a, b), max(a, b), reason, detail),
        minutes,
        minutes,
        st.sampled_from([OmissionReason.FROZEN, OmissionReason.CALENDAR]),
        st.sampled_from(["", "a", "b"]),
    ),
    max_size=6,
)


@given(holds_strategy)
def test_flat_holds_cover_the_same_instants_each_once(holds: list[Hold]) -> None:
    flat = flatten(holds)

    for minute in range(-6, 67):
        instant = BASE + minute * MINUTE
        covering = [one for one in holds if one.start <= instant < one.end]
        found = [one for one in flat if one.start <= instant < one.end]
        assert len(found) == bool(covering)
        if covering:
            frozen = any(one.reason == OmissionReason.FROZEN for one in covering)
            assert (found[0].reason == OmissionReason.FROZEN) == frozen
            assert holding(flat, instant) == found[0]
    assert flat == sorted(flat)


def test_a_freeze_goes_before_a_calendar() -> None:
    calendar = hold(0, 60, OmissionReason.CALENDAR, "nights")
    freeze = hold(10, 20, OmissionReason.FROZEN, "deploy")

    assert flatten([calendar, freeze]) == [
        hold(0, 10, OmissionReason.CALENDAR, "nights"),
        hold(10, 20, OmissionReason.FROZEN, "deploy"),
        hold(20, 60, OmissionReason.CALENDAR, "nights"),
    ]


@given(holds_strategy, st.integers(1, 7), st.integers(-3, 62), st.integers(0, 40))
def test_what_lies_outside_is_the_rest(
    holds: list[Hold], period: int, after: int, length: int
) -> None:
    flat = flatten(holds)
    grid = Grid(BASE - 10 * MINUTE, period * MINUTE)
    start, end = BASE + after * MINUTE, BASE + (after + length) * MINUTE
    free = Outside(grid, flat)
    expected = [one for one in grid.between(start, end) if holding(flat, one) is None]

    assert free.between(start, end) == expected
    assert free.count(start, end) == len(expected)
    later = [one for one in grid.between(start, start + 10_000 * MINUTE) if not holding(flat, one)]
    assert free.next_after(start) == later[0]
    earlier = [one for one in grid.between(BASE - 11 * MINUTE, end) if not holding(flat, one)]
    assert free.last_until(end) == (earlier[-1] if earlier else None)


@given(
    holds_strategy,
    st.sampled_from(list(Misfire)),
    st.integers(0, 30),
    st.integers(1, 5),
    st.integers(1, 60),
)
def test_each_due_time_gets_one_verdict_and_what_is_held_its_reason(
    holds: list[Hold], policy: Misfire, grace: int, limit: int, now: int
) -> None:
    flat = flatten(holds)
    every_minute = cron("* * * * *")
    steps = decide_misfire(
        [every_minute],
        after=START,
        now=START + timedelta(minutes=now),
        policy=policy,
        grace=timedelta(minutes=grace),
        limit=limit,
        holds=flat,
    )

    expanded = [(minute, step) for step in steps for minute in minutes_of(step)]
    assert [minute for minute, _ in expanded] == list(range(1, now + 1))
    for minute, step in expanded:
        found = holding(flat, BASE + minute * MINUTE)
        if found is not None:
            assert (step.trigger, step.reason, step.detail) == (None, found.reason, found.detail)
        elif step.trigger is None:
            assert step.reason in {OmissionReason.MISFIRE, OmissionReason.LIMIT}
    # The policy sees the free ones only.
    free = [minute for minute, step in expanded if not holding(flat, BASE + minute * MINUTE)]
    late = [minute for minute in free if now - minute > grace]
    dispatched = [minute for minute, step in expanded if step.trigger is not None]
    assert dispatched == expected_dispatches(policy, free, late, limit)


def expected_dispatches(policy: Misfire, free: list[int], late: list[int], limit: int) -> list[int]:
    """Return what the rules of the misfire module say, worked out minute by minute."""
    punctual = [minute for minute in free if minute not in late]
    if policy == Misfire.FIRE_ALL:
        return late[-limit:] + punctual
    if policy == Misfire.FIRE_ONCE and not punctual:
        return late[-1:]
    return punctual


def minutes_of(step: Step) -> list[int]:
    """Return the minutes that a step covers, which are as many as it says."""
    first = (step.first - START) // timedelta(minutes=1)
    last = (step.last - START) // timedelta(minutes=1)
    assert last - first + 1 == step.count
    return list(range(first, last + 1))


def test_what_one_decision_cannot_hand_out_stays_due_with_the_holds_after_it() -> None:
    every_second = Schedule(
        kind=ScheduleKind.INTERVAL, seconds=1, anchor=Anchor.START, anchor_at=START
    )
    freeze = hold(30, 31, OmissionReason.FROZEN, "late")

    steps = decide_misfire(
        [every_second],
        after=START,
        now=START + timedelta(hours=1),
        policy=Misfire.SKIP,
        grace=timedelta(hours=2),
        limit=1,
        holds=[freeze],
    )

    assert len(steps) == MAX_STEPS
    assert steps[-1].last < to_moment(freeze.start)


def test_a_season_of_nights_is_decided_in_a_moment() -> None:
    nights = [
        hold(hour * 60, hour * 60 + 30, OmissionReason.CALENDAR, "half hours")
        for hour in range(99 * 24)
    ]
    begun = time.process_time()

    steps = decide_misfire(
        [cron("* * * * *")],
        after=START,
        now=START + timedelta(days=99),
        policy=Misfire.FIRE_ALL,
        grace=timedelta(minutes=1),
        limit=500,
        holds=nights,
    )

    assert sum(step.count for step in steps) == 99 * 1440
    assert time.process_time() - begun < 3
