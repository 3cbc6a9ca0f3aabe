"""The ledger: ranges of omissions are joined and expanded, and a period is proved."""

from __future__ import annotations

import time
import tracemalloc
from datetime import datetime, timedelta

from jobs.domain.ledger import OmissionRange, expand, merge_ranges
from jobs.domain.proof import reconcile
from jobs.domain.schedule import Schedule, count_due, due_between
from jobs.domain.states import Anchor, OmissionReason, ScheduleKind
from tests.domain.times import cron, utc

HOURLY = [cron("0 * * * *")]
PAUSED, OVERLAP = OmissionReason.PAUSED, OmissionReason.OVERLAP


def left_out(
    first: str, last: str, count: int, reason: OmissionReason = PAUSED, detail: str = ""
) -> OmissionRange:
    """Return a range on 1 March 2026."""
    return OmissionRange(
        first_due_at=utc(f"2026-03-01T{first}"),
        last_due_at=utc(f"2026-03-01T{last}"),
        count=count,
        reason=reason,
        detail=detail,
    )


def test_ranges_that_follow_each_other_become_one() -> None:
    ranges = [left_out("09:00", "10:00", 2), left_out("06:00", "08:00", 3)]

    assert merge_ranges(ranges, HOURLY) == [left_out("06:00", "10:00", 5)]


def test_a_due_time_between_keeps_them_apart() -> None:
    ranges = [left_out("06:00", "08:00", 3), left_out("10:00", "10:00", 1)]

    assert merge_ranges(ranges, HOURLY) == ranges


def test_another_reason_or_detail_keeps_them_apart() -> None:
    ranges = [
        left_out("06:00", "06:00", 1),
        left_out("07:00", "07:00", 1, OVERLAP),
        left_out("08:00", "08:00", 1, OVERLAP, "execution 7"),
        left_out("09:00", "09:00", 1, OVERLAP, "execution 7"),
    ]

    assert merge_ranges(ranges, HOURLY) == [
        *ranges[:2],
        left_out("08:00", "09:00", 2, OVERLAP, "execution 7"),
    ]


def test_a_range_is_expanded_to_its_due_times() -> None:
    assert [f"{due:%H}" for due in expand(left_out("06:00", "09:00", 4), HOURLY)] == [
        "06",
        "07",
        "08",
        "09",
    ]


def test_a_single_due_time_is_a_range_too() -> None:
    assert list(expand(left_out("06:00", "06:00", 1), HOURLY)) == [utc("2026-03-01T06:00")]


def test_the_ends_of_a_range_stand_even_when_no_schedule_names_them() -> None:
    """A completion interval's due time followed from an end and is in no schedule."""
    rule = Schedule(kind=ScheduleKind.INTERVAL, seconds=600, anchor=Anchor.COMPLETION)

    assert list(expand(left_out("06:07", "06:07", 1), [rule])) == [utc("2026-03-01T06:07")]


def test_a_range_over_a_change_of_the_clocks_has_as_many_due_times_as_were_counted() -> None:
    rules = [cron("*/20 * * * *", "Europe/Paris"), cron("30 2 * * *", "Europe/Paris")]
    after, until = utc("2026-10-24T00:00"), utc("2026-10-26T00:00")
    counted = count_due(rules, after, until)
    assert counted.first is not None
    assert counted.last is not None
    one = OmissionRange(
        first_due_at=counted.first, last_due_at=counted.last, count=counted.total, reason=PAUSED
    )

    assert list(expand(one, rules)) == list(due_between(rules, after, until))


def proof(dispatched: list[str], omitted: list[OmissionRange]) -> list[object]:
    """Return the account of 1 March from 06:00 (exclusive) to 12:00 (inclusive)."""
    account = reconcile(
        HOURLY,
        utc("2026-03-01T06:00"),
        utc("2026-03-01T12:00"),
        dispatched=[utc(f"2026-03-01T{text}") for text in dispatched],
        omitted=omitted,
    )
    wrong = (account.unexplained_at, account.doubled_at, account.unexpected_at)
    assert account.balanced is not any(wrong)
    return [account.due, account.dispatched, account.omitted.total(), *map(shown, wrong)]


def shown(moments: list[datetime]) -> str:
    """Return moments in short."""
    return " ".join(f"{moment:%H:%M}" for moment in moments)


def test_a_period_with_one_verdict_for_each_due_time_is_balanced() -> None:
    assert proof(["07:00", "11:00", "12:00"], [left_out("08:00", "10:00", 3)]) == [
        6, 3, 3, "", "", "",
    ]  # fmt: skip


def test_a_range_that_reaches_beyond_the_period_counts_within_it() -> None:
    assert proof(["12:00"], [left_out("02:00", "11:00", 10)]) == [6, 1, 5, "", "", ""]


def test_a_due_time_without_a_verdict_is_unexplained() -> None:
    assert proof(["07:00", "12:00"], [left_out("09:00", "10:00", 2)]) == [
        6, 2, 2, "08:00 11:00", "", "",
    ]  # fmt: skip


def test_a_due_time_with_two_verdicts_is_doubled() -> None:
    verdicts = ["07:00", "08:00", "11:00", "11:00", "12:00"]

    assert proof(verdicts, [left_out("08:00", "10:00", 3)]) == [6, 5, 3, "", "08:00 11:00", ""]


def test_a_verdict_for_what_was_not_due_is_unexpected() -> None:
    verdicts = ["07:00", "07:30", "08:00", "09:00", "10:00", "11:00", "12:00"]

    assert proof(verdicts, []) == [6, 7, 0, "", "", "07:30"]


def test_reasons_are_counted_one_by_one() -> None:
    account = reconcile(
        HOURLY,
        utc("2026-03-01T06:00"),
        utc("2026-03-01T10:00"),
        dispatched=[],
        omitted=[left_out("07:00", "08:00", 2), left_out("09:00", "10:00", 2, OVERLAP)],
    )

    assert account.omitted == {PAUSED: 2, OVERLAP: 2}


def test_ten_days_of_minutes_is_proved_in_constant_memory() -> None:
    rules = [cron("* * * * *", "Europe/Paris")]
    start = utc("2026-03-01T00:00")
    end = start + timedelta(days=10)
    half = start + timedelta(days=5)
    range_ = OmissionRange(
        first_due_at=start + timedelta(minutes=1),
        last_due_at=half,
        count=5 * 1440,
        reason=PAUSED,
    )
    tracemalloc.start()
    began = time.monotonic()

    account = reconcile(
        rules, start, end, dispatched=due_between(rules, half, end), omitted=[range_]
    )

    seconds, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (account.due, account.balanced) == (10 * 1440, True)
    assert peak < 3_000_000
    assert seconds < 10
