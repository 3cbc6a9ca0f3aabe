"""Which due times a backfill takes, how many at a time, and when it will be over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.domain.backfill import Record, Stretch, backdated, due_times, estimated_end, room, wanted
from jobs.domain.schedule import Schedule
from jobs.domain.states import Anchor, BackfillChoice, ExecutionState, Overlap, ScheduleKind

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("states", "choices"),
    [
        ((), {"missed", "all"}),
        (("succeeded",), {"all"}),
        (("failed",), {"failed", "all"}),
        (("timed_out",), {"failed", "all"}),
        (("lost",), {"missed", "failed", "all"}),
        (("cancelled",), {"missed", "all"}),
        (("skipped",), {"missed", "all"}),
        (("failed", "succeeded"), {"all"}),
        (("succeeded", "failed"), {"failed", "all"}),
        (("failed", "cancelled"), {"failed", "all"}),
        (("skipped", "lost"), {"missed", "failed", "all"}),
        (("failed", "queued"), set()),
        (("running",), set()),
        (("retrying",), set()),
    ],
)
def test_what_a_due_time_has_decides_to_which_choices_it_belongs(
    states: tuple[str, ...], choices: set[str]
) -> None:
    record = Record(states=tuple(ExecutionState(state) for state in states))

    assert {str(choice) for choice in BackfillChoice if wanted(choice, record)} == choices


def interval(seconds: float, anchor_at: datetime, **fields: object) -> Schedule:
    return Schedule(
        kind=ScheduleKind.INTERVAL,
        seconds=seconds,
        anchor=Anchor.START,
        anchor_at=anchor_at,
        **fields,  # type: ignore[arg-type]
    )


def test_the_due_times_of_all_stretches_come_in_order_and_once() -> None:
    hourly = Stretch(rules=[interval(3600, START)], after=START, until=START + 2 * HOUR)
    later = Stretch(rules=[interval(1800, START)], after=START + 2 * HOUR, until=START + 3 * HOUR)

    found = due_times([later, hourly], recorded=[START + 2 * HOUR, START + timedelta(minutes=7)])

    hours = [(at - START) / HOUR for at in found]
    assert hours == [7 / 60, 1, 2, 2.5, 3]
    assert hourly.count() + later.count() == 4


def test_an_interval_that_counts_from_an_end_names_no_past_time() -> None:
    rule = Schedule(kind=ScheduleKind.INTERVAL, seconds=60, anchor_at=START)

    stretch = Stretch(rules=[rule], after=START, until=START + HOUR)

    assert (stretch.count(), list(stretch.due_times())) == (0, [])


@pytest.mark.parametrize("back", [timedelta(minutes=90), timedelta(hours=5), timedelta(days=400)])
def test_a_grid_reaches_back_without_moving(back: timedelta) -> None:
    rule = interval(3600, START + timedelta(minutes=20))

    moved = backdated(rule, START - back)

    stretch = Stretch(rules=[moved], after=START - back, until=START + HOUR)
    found = list(stretch.due_times())
    assert all(at.minute == 20 for at in found)
    assert len(found) == (back + HOUR) // HOUR
    assert found[-1] == START + timedelta(minutes=20)


def test_only_grids_are_extended() -> None:
    cron = Schedule(kind=ScheduleKind.CRON, expression="0 * * * *")
    since = interval(3600, START)

    assert backdated(cron, START - HOUR) is cron
    assert backdated(since, START + HOUR) is since


@pytest.mark.parametrize(
    ("overlap", "live", "own", "most", "job_most", "free"),
    [
        ("skip", 0, 0, 5, 1, 1),
        ("skip", 1, 1, 5, 1, 0),
        ("queue", 1, 0, 5, 1, 0),
        ("cancel_running", 1, 0, 5, 1, 0),
        ("cancel_running", 0, 0, 5, 1, 1),
        ("allow", 0, 0, 5, 3, 3),
        ("allow", 2, 1, 5, 3, 1),
        ("allow", 1, 1, 2, 9, 1),
        ("allow", 4, 0, 5, 3, 0),
    ],
)
def test_there_is_room_only_where_the_overlap_policy_allows_it(
    overlap: str, live: int, own: int, most: int, job_most: int, free: int
) -> None:
    found = room(Overlap(overlap), live=live, own=own, most=most, job_most=job_most)

    assert found == free


def test_the_end_follows_from_pace_or_length_whichever_takes_longer() -> None:
    minute = timedelta(minutes=1)

    def end(**fields: object) -> datetime | None:
        values = {"left": 10, "running": 1, "usual": minute, "pace": timedelta(), "abreast": 1}
        return estimated_end(START, **{**values, **fields})  # type: ignore[arg-type]

    assert end() == START + 11 * minute
    assert end(abreast=5) == START + 3 * minute
    assert end(pace=2 * minute) == START + 21 * minute
    assert end(usual=timedelta()) is None
