"""Which due times are dispatched after nobody looked for a while."""

from __future__ import annotations

import time
import tracemalloc
from datetime import datetime, timedelta

import pytest

from jobs.domain.misfire import MAX_STEPS, Step, decide_misfire
from jobs.domain.schedule import Schedule, count_due
from jobs.domain.states import Misfire, OmissionReason, ScheduleKind, Trigger
from tests.domain.times import cron, utc

HOURLY = cron("0 * * * *")
GRACE = timedelta(minutes=1)


def decide(
    policy: Misfire,
    after: str,
    now: str,
    *,
    rules: list[Schedule] | None = None,
    grace: timedelta = GRACE,
    limit: int = 100,
    first_due: datetime | None = None,
) -> list[str]:
    """Return the steps in short: ``due schedule``, or ``first..last count reason``."""
    steps = decide_misfire(
        [HOURLY] if rules is None else rules,
        after=utc(after),
        now=utc(now),
        policy=policy,
        grace=grace,
        limit=limit,
        first_due=first_due,
    )
    return [short(step) for step in steps]


def short(step: Step) -> str:
    """Return a step in one line."""
    first = f"{step.first:%d %H:%M}"
    if step.trigger is not None:
        return f"{first} {step.trigger}"
    return f"{first}..{step.last:%d %H:%M} {step.count} {step.reason}"


@pytest.mark.parametrize("policy", Misfire)
def test_a_due_time_within_the_grace_is_dispatched_as_ever(policy: Misfire) -> None:
    assert decide(policy, "2026-03-01T08:30", "2026-03-01T09:01") == ["01 09:00 schedule"]


@pytest.mark.parametrize("policy", Misfire)
def test_nothing_due_needs_no_step(policy: Misfire) -> None:
    assert decide(policy, "2026-03-01T09:00", "2026-03-01T09:59:59") == []


@pytest.mark.parametrize("policy", Misfire)
def test_a_due_time_after_now_is_left_alone(policy: Misfire) -> None:
    assert decide(policy, "2026-03-01T08:30", "2026-03-01T08:59:59.999") == []


def test_skip_leaves_out_all_that_is_late() -> None:
    steps = decide(Misfire.SKIP, "2026-03-01T05:00", "2026-03-01T09:30")

    assert steps == ["01 06:00..01 09:00 4 misfire"]


def test_skip_still_dispatches_what_is_within_the_grace() -> None:
    steps = decide(Misfire.SKIP, "2026-03-01T05:00", "2026-03-01T09:00:30")

    assert steps == ["01 06:00..01 08:00 3 misfire", "01 09:00 schedule"]


def test_fire_once_makes_up_for_the_newest() -> None:
    steps = decide(Misfire.FIRE_ONCE, "2026-03-01T05:00", "2026-03-01T09:30")

    assert steps == ["01 06:00..01 08:00 3 misfire", "01 09:00 misfire"]


def test_fire_once_makes_up_for_nothing_when_one_starts_anyway() -> None:
    steps = decide(Misfire.FIRE_ONCE, "2026-03-01T05:00", "2026-03-01T09:00:30")

    assert steps == ["01 06:00..01 08:00 3 misfire", "01 09:00 schedule"]


def test_fire_all_makes_up_for_each_oldest_first() -> None:
    steps = decide(Misfire.FIRE_ALL, "2026-03-01T05:00", "2026-03-01T08:00:10")

    assert steps == ["01 06:00 misfire", "01 07:00 misfire", "01 08:00 schedule"]


def test_fire_all_keeps_the_newest_when_there_are_more_than_the_limit() -> None:
    steps = decide(Misfire.FIRE_ALL, "2026-03-01T00:00", "2026-03-01T09:30", limit=2)

    assert steps == ["01 01:00..01 07:00 7 limit", "01 08:00 misfire", "01 09:00 misfire"]


def test_fire_all_with_limit_zero_leaves_all_out() -> None:
    steps = decide(Misfire.FIRE_ALL, "2026-03-01T05:00", "2026-03-01T09:30", limit=0)

    assert steps == ["01 06:00..01 09:00 4 limit"]


@pytest.mark.parametrize(("seconds", "late"), [(60, False), (60.001, True)])
def test_the_grace_includes_its_last_moment(seconds: float, late: bool) -> None:
    steps = decide_misfire(
        [HOURLY],
        after=utc("2026-03-01T08:30"),
        now=utc("2026-03-01T09:00") + timedelta(seconds=seconds),
        policy=Misfire.SKIP,
        grace=GRACE,
        limit=1,
    )

    assert [step.trigger is None for step in steps] == [late]


def test_a_grace_of_zero_dispatches_what_is_due_at_this_moment_only() -> None:
    steps = decide(Misfire.SKIP, "2026-03-01T05:00", "2026-03-01T09:00", grace=timedelta())

    assert steps == ["01 06:00..01 08:00 3 misfire", "01 09:00 schedule"]


def test_two_schedules_that_share_an_instant_make_one_step() -> None:
    rules = [cron("0 */6 * * *"), cron("0 0 * * *")]

    steps = decide(Misfire.SKIP, "2026-03-01T17:00", "2026-03-02T00:00:10", rules=rules)

    assert steps == ["01 18:00..01 18:00 1 misfire", "02 00:00 schedule"]


def test_a_completion_interval_is_due_when_the_stored_time_says() -> None:
    rule = Schedule(kind=ScheduleKind.INTERVAL, seconds=600, anchor_at=utc("2026-01-01T00:00"))

    steps = decide(
        Misfire.FIRE_ONCE,
        "2026-03-01T08:00",
        "2026-03-01T12:00",
        rules=[rule],
        first_due=utc("2026-03-01T09:07"),
    )

    assert steps == ["01 09:07 misfire"]


def test_a_stored_time_that_no_schedule_names_any_more_is_not_a_due_time() -> None:
    """After a change of zone data the dispatcher may wake at the old time: it is only a wake-up."""
    steps = decide(
        Misfire.SKIP, "2026-03-01T08:30", "2026-03-01T08:45", first_due=utc("2026-03-01T08:45")
    )

    assert steps == []


def test_one_decision_hands_out_a_bounded_number_and_the_next_goes_on() -> None:
    every_second = [cron("* * * * * *")]
    after, now = utc("2026-03-01T00:00"), utc("2026-03-01T01:00")
    dispatched: list[datetime] = []

    while steps := decide_misfire(
        every_second,
        after=after,
        now=now,
        policy=Misfire.SKIP,
        grace=timedelta(hours=2),
        limit=1,
    ):
        assert len(steps) <= MAX_STEPS
        dispatched += [step.first for step in steps]
        after = steps[-1].last

    assert dispatched == [utc("2026-03-01T00:00") + timedelta(seconds=n) for n in range(1, 3601)]


def test_a_limit_beyond_one_decision_is_kept_over_several() -> None:
    """Newest 2,500 of 7,200 missed seconds, oldest first, and then what is within the grace."""
    every_second = [cron("* * * * * *")]
    after, now = utc("2026-03-01T00:00"), utc("2026-03-01T02:00:05")
    steps: list[Step] = []

    while found := decide_misfire(
        every_second,
        after=after,
        now=now,
        policy=Misfire.FIRE_ALL,
        grace=timedelta(seconds=4),
        limit=2500,
    ):
        steps += found
        after = found[-1].last

    omission, *dispatched = steps
    assert (omission.count, omission.last) == (4700, utc("2026-03-01T01:18:20"))
    assert [step.first for step in dispatched] == [
        omission.last + timedelta(seconds=n) for n in range(1, 2506)
    ]
    triggers = [step.trigger for step in dispatched]
    assert triggers == [Trigger.MISFIRE] * 2500 + [Trigger.SCHEDULE] * 5


@pytest.mark.parametrize("policy", Misfire)
@pytest.mark.parametrize("limit", [0, 1, 7, 5000])
def test_every_due_time_is_in_exactly_one_step(policy: Misfire, limit: int) -> None:
    rules = [cron("*/7 * * * *", "Europe/Paris"), cron("0 2 * * *", "Asia/Jakarta")]
    after, now = utc("2026-10-20T00:00"), utc("2026-10-27T03:14")

    steps = decide_misfire(
        rules, after=after, now=now, policy=policy, grace=timedelta(minutes=20), limit=limit
    )

    edge = after
    for step in steps:
        due = count_due(rules, edge, step.last)
        assert (due.total, due.first, due.last) == (step.count, step.first, step.last)
        assert step.trigger is None or step.count == 1
        edge = step.last
    if len(steps) < MAX_STEPS:
        assert count_due(rules, edge, now).total == 0


@pytest.mark.parametrize("policy", Misfire)
def test_99_days_of_missed_minutes_cost_next_to_nothing(policy: Misfire) -> None:
    rules = [cron("* * * * *", "Europe/Paris")]
    now = utc("2026-06-01T12:00:30")
    after = now - timedelta(days=99)
    decide_misfire(rules, after=after, now=now, policy=policy, grace=GRACE, limit=100)
    tracemalloc.start()
    began = time.monotonic()

    steps = decide_misfire(rules, after=after, now=now, policy=policy, grace=GRACE, limit=100)

    seconds, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(step.count for step in steps) == 142_560
    assert len(steps) <= 102
    assert peak < 1_000_000
    assert seconds < 2


def test_a_dispatch_carries_its_trigger_and_an_omission_its_reason() -> None:
    steps = decide_misfire(
        [HOURLY],
        after=utc("2026-03-01T05:00"),
        now=utc("2026-03-01T09:00:30"),
        policy=Misfire.FIRE_ALL,
        grace=GRACE,
        limit=1,
    )

    assert [(step.trigger, step.reason) for step in steps] == [
        (None, OmissionReason.LIMIT),
        (Trigger.MISFIRE, None),
        (Trigger.SCHEDULE, None),
    ]
