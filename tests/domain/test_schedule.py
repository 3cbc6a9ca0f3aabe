"""Schedules of each kind: when they are due, and what makes none."""

from __future__ import annotations

import time
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from jobs.domain.errors import CronError, InvalidError, ZoneError
from jobs.domain.schedule import (
    Schedule,
    count_due,
    due_between,
    latest_due,
    next_due,
    start_at,
    upcoming,
)
from jobs.domain.states import Anchor, Event, ScheduleKind
from tests.domain.times import cron, steps, utc

NOON = utc("2026-03-01T12:00")


def every(seconds: float, anchor: Anchor = Anchor.START, **fields: Any) -> Schedule:
    """Return an interval."""
    return Schedule(kind=ScheduleKind.INTERVAL, seconds=seconds, anchor=anchor, **fields)


def test_next_is_strictly_after() -> None:
    rule = cron("0 12 * * *")

    assert rule.next_after(NOON) == NOON + timedelta(days=1)
    assert rule.next_after(NOON - timedelta(microseconds=1)) == NOON


def test_any_offset_goes_in_and_utc_comes_out() -> None:
    tokyo = timezone(timedelta(hours=9))

    due = cron("0 12 * * *").next_after(datetime(2026, 3, 1, 20, 59, tzinfo=tokyo))

    assert due == NOON
    assert due.tzinfo is UTC


def test_an_expression_without_more_dates_before_the_end_of_the_calendar_has_none() -> None:
    assert cron("0 0 1 1 *").next_after(datetime(9999, 6, 1, tzinfo=UTC)) is None


def test_the_first_moment_of_the_calendar_is_a_moment_like_others() -> None:
    due = cron("0 0 1 1 *", "Europe/Paris").next_after(datetime.min.replace(tzinfo=UTC))

    assert due is not None
    assert due.year <= 3


def test_an_interval_from_the_start_keeps_its_grid() -> None:
    rule = every(600, anchor_at=utc("2026-03-01T11:57"))

    assert steps([rule], NOON, 3) == [
        utc("2026-03-01T12:07"),
        utc("2026-03-01T12:17"),
        utc("2026-03-01T12:27"),
    ]


def test_an_interval_is_not_due_before_its_anchor_but_at_it() -> None:
    rule = every(600, anchor_at=utc("2026-03-02T09:00"))

    assert rule.next_after(NOON) == utc("2026-03-02T09:00")


def test_an_interval_without_anchor_counts_from_the_epoch() -> None:
    assert every(300).next_after(NOON) == utc("2026-03-01T12:05")


def test_a_completion_interval_counts_from_the_last_end() -> None:
    rule = every(600, Anchor.COMPLETION, anchor_at=utc("2026-01-01T00:00"))

    due = rule.next_after(NOON, last_finished_at=utc("2026-03-01T11:58:30"))

    assert due == utc("2026-03-01T12:08:30")


def test_a_completion_interval_counts_from_its_anchor_before_anything_has_finished() -> None:
    rule = every(600, Anchor.COMPLETION, anchor_at=utc("2026-03-01T11:55"))

    assert rule.next_after(NOON) == utc("2026-03-01T12:05")


def test_a_completion_interval_that_was_anchored_anew_forgets_the_end_before() -> None:
    rule = every(600, Anchor.COMPLETION, anchor_at=utc("2026-03-01T11:59"))

    due = rule.next_after(NOON, last_finished_at=utc("2026-03-01T11:52"))

    assert due == utc("2026-03-01T12:09")


def test_a_completion_interval_that_is_over_counts_from_now() -> None:
    """Never into the past, and never stuck: an hour was made ten minutes half an hour ago."""
    rule = every(600, Anchor.COMPLETION)

    assert rule.next_after(NOON, last_finished_at=utc("2026-03-01T11:30")) == utc(
        "2026-03-01T12:10"
    )
    assert rule.next_after(NOON) == utc("2026-03-01T12:10")


def test_a_completion_interval_names_one_due_time_only() -> None:
    """What comes after it follows from an end that nobody knows yet."""
    rule = every(600, Anchor.COMPLETION)

    due = due_between([rule], NOON, NOON + timedelta(days=1), last_finished_at=NOON)

    assert list(due) == [utc("2026-03-01T12:10")]


def test_once_is_due_once() -> None:
    rule = Schedule(kind=ScheduleKind.ONCE, at=NOON)

    assert rule.next_after(NOON - timedelta(days=1)) == NOON
    assert rule.next_after(NOON) is None


@pytest.mark.parametrize("event", Event)
def test_an_event_is_never_due_by_the_clock(event: Event) -> None:
    rule = Schedule(kind=ScheduleKind.EVENT, event=event)

    assert rule.next_after(NOON) is None
    assert count_due([rule], NOON, NOON + timedelta(days=999)).total == 0


def test_a_period_includes_its_start_and_excludes_its_end() -> None:
    rule = Schedule(
        kind=ScheduleKind.CRON,
        expression="0 * * * *",
        starts_at=utc("2026-03-01T14:00"),
        ends_at=utc("2026-03-01T17:00"),
    )

    assert [f"{due:%H}" for due in steps([rule], NOON, 9)] == ["14", "15", "16"]


def test_a_completion_interval_waits_for_the_start_of_its_period() -> None:
    rule = every(600, Anchor.COMPLETION, starts_at=utc("2026-03-02T00:00"))

    assert rule.next_after(NOON, last_finished_at=NOON) == utc("2026-03-02T00:00")


def test_a_completion_interval_ends_with_its_period() -> None:
    rule = every(600, Anchor.COMPLETION, ends_at=utc("2026-03-01T12:05"))

    assert rule.next_after(NOON, last_finished_at=NOON) is None


def test_the_upcoming_due_times_of_a_completion_interval_are_told_as_if_runs_took_no_time() -> None:
    rules = [every(600, Anchor.COMPLETION), cron("15 12 * * *")]

    due = upcoming(rules, NOON, 4, last_finished_at=utc("2026-03-01T11:58"))

    assert [f"{moment:%H:%M}" for moment in due] == ["12:08", "12:15", "12:25", "12:35"]


def test_the_upcoming_due_times_end_with_the_schedule() -> None:
    once = Schedule(kind=ScheduleKind.ONCE, at=NOON + timedelta(hours=1))

    assert upcoming([once], NOON, 5) == [NOON + timedelta(hours=1)]


def test_no_schedule_is_never_due() -> None:
    assert next_due([], NOON) is None
    assert count_due([], NOON, NOON + timedelta(days=1)) == (0, None, None)
    assert latest_due([], NOON, NOON + timedelta(days=1), 5) == []


def test_the_epoch_itself_can_be_counted() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)

    counted = count_due([every(3600)], epoch - timedelta(hours=1), epoch)

    assert counted == (1, epoch, epoch)


@pytest.mark.parametrize(
    ("fields", "wrong", "message"),
    [
        ({"kind": "cron"}, "expression", "A schedule of the kind cron needs expression."),
        ({"kind": "interval"}, "seconds", "A schedule of the kind interval needs seconds."),
        ({"kind": "once"}, "at", "A schedule of the kind once needs at."),
        ({"kind": "event"}, "event", "A schedule of the kind event needs event."),
        ({"kind": "daily"}, "kind", "kind daily does not exist. Use cron, interval, once, event."),
        (
            {"kind": "interval", "seconds": 5, "expression": "* * * * *"},
            "expression",
            "expression belongs to the kind cron, not to interval.",
        ),
        (
            {"kind": "cron", "expression": "* * * * *", "seconds": 5},
            "seconds",
            "seconds belongs to the kind interval, not to cron.",
        ),
        ({"kind": "interval", "seconds": 0.5}, "seconds", "An interval of 0.5 s is out of bounds."),
        ({"kind": "interval", "seconds": 1e12}, "seconds", "Use 1 to 316224000 seconds."),
        ({"kind": "interval", "seconds": float("nan")}, "seconds", "out of bounds"),
        ({"kind": "event", "event": "@never"}, "event", "event @never does not exist. Use @reboot"),
        (
            {"kind": "cron", "expression": "* * * * *", "gap": "later"},
            "gap",
            "gap later does not exist. Use first_valid, skip.",
        ),
        (
            {"kind": "cron", "expression": "* * * * *", "fold": "third"},
            "fold",
            "fold third does not exist. Use first, second, both.",
        ),
        (
            {"kind": "cron", "expression": "* * * * *", "seconds_position": "middle"},
            "seconds_position",
            "Use last, first.",
        ),
        (
            {"kind": "cron", "expression": "* * * * *", "day_match": "some"},
            "day_match",
            "Use any, all.",
        ),
        ({"kind": "interval", "seconds": 5, "anchor": "end"}, "anchor", "Use completion, start."),
        (
            {"kind": "once", "at": datetime(2026, 3, 1)},  # noqa: DTZ001 - the mistake meant
            "at",
            "at 2026-03-01T00:00:00 needs an offset, such as Z.",
        ),
        (
            {
                "kind": "interval",
                "seconds": 5,
                "starts_at": utc("2026-03-02T00:00"),
                "ends_at": utc("2026-03-01T00:00"),
            },
            "ends_at",
            "has to be later than starts_at",
        ),
        (
            {"kind": "interval", "seconds": 60, "jitter_seconds": 61},
            "jitter_seconds",
            "jitter_seconds 61 is out of bounds. Use 0 to 60.",
        ),
        (
            {"kind": "interval", "seconds": 60, "spread_seconds": -1},
            "spread_seconds",
            "Use 0 to 60.",
        ),
    ],
)
def test_what_makes_no_schedule_is_refused(
    fields: dict[str, Any], wrong: str, message: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        Schedule(**fields)

    assert message in caught.value.fields[wrong]
    assert caught.value.message in caught.value.fields.values()


def test_a_wrong_expression_and_a_wrong_zone_keep_their_own_errors() -> None:
    with pytest.raises(CronError) as wrong_expression:
        cron("61 * * * *")
    with pytest.raises(ZoneError) as wrong_zone:
        cron("* * * * *", "Europe/Pariss")

    assert list(wrong_expression.value.fields) == ["expression"]
    assert list(wrong_zone.value.fields) == ["timezone"]


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(InvalidError) as caught:
        cron("61 * * * *", "Europe/Pariss")

    assert set(caught.value.fields) == {"expression", "timezone"}


def test_a_year_of_minutes_is_counted_at_once() -> None:
    rules = [cron("* * * * *", "Europe/Paris")]
    start, end = utc("2026-01-01T00:00"), utc("2027-01-01T00:00")
    began = time.monotonic()

    counted = count_due(rules, start, end)

    assert time.monotonic() - began < 0.2
    assert counted == (525_600, utc("2026-01-01T00:01"), end)


def test_a_thousand_cron_jobs_find_their_next_due_time_in_half_a_second() -> None:
    zones = ("Europe/Paris", "Asia/Jakarta", "America/New_York", "UTC")
    texts = [f"{n % 60} {n % 24} * * {n % 7}" for n in range(1000)]
    rules = [cron(text, zones[n % 4]) for n, text in enumerate(texts)]
    assert all(next_due([rule], NOON) for rule in rules)
    began = time.monotonic()

    found = [next_due([rule], NOON + timedelta(minutes=1)) for rule in rules]

    assert time.monotonic() - began < 0.5
    assert all(found)


@pytest.mark.long
def test_listing_a_long_period_holds_a_day_in_memory_at_most() -> None:
    due = due_between([cron("* * * * *")], NOON, NOON + timedelta(days=60))
    next(due)
    tracemalloc.start()

    total = 1 + sum(1 for _ in due)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 60 * 1440
    assert peak < 2_000_000


def test_jitter_and_spread_move_the_start_and_not_the_due_time() -> None:
    rule = Schedule(
        kind=ScheduleKind.CRON, expression="0 * * * *", jitter_seconds=30, spread_seconds=60
    )
    due = rule.next_after(NOON)
    assert due == utc("2026-03-01T13:00")

    starts = {start_at([rule], due, seed=f"job {n}") for n in range(50)}

    assert all(due <= start <= due + timedelta(seconds=90) for start in starts)
    assert len(starts) == 50


def test_the_shortest_delay_counts_when_schedules_share_an_instant() -> None:
    jittered = Schedule(kind=ScheduleKind.CRON, expression="0 * * * *", jitter_seconds=600)
    plain = cron("0 13 * * *")

    assert start_at([jittered, plain], utc("2026-03-01T13:00"), seed="x") == utc("2026-03-01T13:00")
    assert start_at([jittered, plain], utc("2026-03-01T14:00"), seed="x") > utc("2026-03-01T14:00")
