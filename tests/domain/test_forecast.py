"""What an edit does to the due times to come, and what the next changes of the clock do."""

from __future__ import annotations

import random
import time
import tracemalloc
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.clock_changes import ClockChange, Effect, clock_changes
from jobs.domain.clock_words import effects, heading
from jobs.domain.cron import parse_cron
from jobs.domain.errors import CronError
from jobs.domain.forecast import LISTED, MOST_COMPARED, FireDiff, changed_fires
from jobs.domain.planned import planned
from jobs.domain.schedule import Schedule, due_between, next_due, upcoming, zone
from jobs.domain.states import Anchor, ScheduleKind
from tests.domain.expressions import random_expression
from tests.domain.test_zones import SAMPLE
from tests.domain.times import cron, utc
from tests.sizes import many

START = utc("2026-03-20T10:00")
END = START + timedelta(days=30)
EVERY_SECOND = "* * * * * *"


def diff(before: list[Schedule], after: list[Schedule], zone_name: str = "UTC") -> FireDiff:
    return changed_fires(before, after, START, END, zone_name=zone_name)


def counts(found: FireDiff) -> tuple[int, int, int, int | None]:
    return found.added_count, found.removed_count, found.moved_count, found.kept_count


def every(seconds: float, anchor: Anchor, anchor_at: datetime | None = START) -> Schedule:
    return Schedule(kind=ScheduleKind.INTERVAL, seconds=seconds, anchor=anchor, anchor_at=anchor_at)


def test_the_same_schedules_change_nothing() -> None:
    found = diff([cron("0 9 * * *"), cron("0 12 * * *")], [cron("0 12 * * *"), cron("0 9 * * *")])

    assert (found.changed_count, found.kept_count, found.complete) == (0, 60, True)


def test_an_expression_written_otherwise_changes_nothing() -> None:
    found = diff([cron("0 0 * * *"), cron("0 12 * * *")], [cron("0 */12 * * *")])

    assert counts(found) == (0, 0, 0, 60)


def test_a_changed_time_moves_each_run_on_its_day() -> None:
    found = diff([cron("0 9 * * *")], [cron("30 9 * * *")])

    assert counts(found) == (0, 0, 30, 0)
    assert found.moved[0] == (utc("2026-03-21T09:00"), utc("2026-03-21T09:30"))


def test_days_that_go_and_come_are_removed_and_added() -> None:
    found = diff([cron("0 9 * * mon")], [cron("0 9 * * tue")])

    assert counts(found) == (4, 4, 0, 0)
    assert found.removed[0] == utc("2026-03-23T09:00")
    assert found.added[0] == utc("2026-03-24T09:00")


def test_a_schedule_more_only_adds() -> None:
    found = diff([cron("0 */6 * * *")], [cron("0 */6 * * *"), cron("0 0,1 * * *")])

    assert counts(found) == (30, 0, 0, 120)


def test_moved_belongs_to_the_local_day() -> None:
    """Two times of one day in UTC lie on both sides of midnight in Paris."""
    before, after = [cron("30 21 20 3 *")], [cron("30 23 20 3 *")]

    assert counts(diff(before, after)) == (0, 0, 1, 0)
    assert counts(diff(before, after, "Europe/Paris")) == (1, 1, 0, 0)


def test_the_choice_for_the_gap_moves_nothing_but_that_night() -> None:
    before = [cron("30 2 * * *", "Europe/Paris")]
    after = [cron("30 2 * * *", "Europe/Paris", gap="skip")]

    found = diff(before, after, "Europe/Paris")

    assert found.removed == (utc("2026-03-29T01:00"),)
    assert counts(found) == (0, 1, 0, 29)


def test_long_lists_are_cut_and_their_counts_are_exact() -> None:
    found = diff([cron("* * * * *")], [cron("*/2 * * * *")])

    assert counts(found) == (0, 21_600, 0, 21_600)
    assert (found.before_count, found.after_count, found.complete) == (43_200, 21_600, True)
    assert len(found.removed) == LISTED


@pytest.mark.parametrize(
    ("before", "after", "totals"),
    [
        ([EVERY_SECOND], ["* * * * * */2"], (2_592_000, 1_296_000)),
        ([EVERY_SECOND], [], (2_592_000, 0)),
        ([], [EVERY_SECOND], (0, 2_592_000)),
        ([EVERY_SECOND, "* * * * * */2"], ["* * * * * */3", "* * * * * */5"], (None, None)),
        ([EVERY_SECOND, "* * * * *"], [EVERY_SECOND, "*/2 * * * *"], (None, None)),
    ],
)
def test_what_is_too_dense_is_counted_in_bounded_time_and_memory(
    before: list[str], after: list[str], totals: tuple[int | None, int | None]
) -> None:
    old, new = ([cron(text) for text in side] for side in (before, after))
    diff(old, new)  # parsed once, as in any process that runs
    tracemalloc.start()
    found = diff(old, new)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    began = time.process_time()
    diff(old, new)
    took = time.process_time() - began

    assert (found.before_count, found.after_count) == totals
    assert START < found.compared_until < END
    assert not found.complete
    assert peak < 10_000_000
    assert took < 0.5  # measured: 10 to 15 ms


def test_a_dense_schedule_that_stays_does_not_hide_what_changes() -> None:
    dense = cron("* 8-17 * * * *")

    found = diff([dense, cron("0 3,9 * * *")], [dense, cron("0 4,10 * * *")])

    assert found.complete
    assert found.moved_count == 30
    assert found.moved[0] == (utc("2026-03-21T03:00"), utc("2026-03-21T04:00"))


def test_what_was_compared_is_exact_when_it_is_not_all() -> None:
    before, after = [cron("* * * * * */4")], [cron("* * * * * */3")]

    found = diff(before, after)

    old = set(due_between(before, START, found.compared_until))
    new = set(due_between(after, START, found.compared_until))
    assert counts(found) == (len(new - old), len(old - new), 0, len(old & new))
    assert list(found.added) == sorted(new - old)[:LISTED]


def test_an_interval_from_the_end_is_a_guess_and_says_so() -> None:
    found = diff([every(3600, Anchor.COMPLETION)], [every(7200, Anchor.COMPLETION)])

    assert found.about
    assert (found.before_count, found.after_count) == (720, 360)


def test_an_interval_from_the_end_takes_the_usual_time_into_account() -> None:
    rule = every(3600, Anchor.COMPLETION)

    found = changed_fires([], [rule], START, END, zone_name="UTC", usual=timedelta(hours=1))

    assert found.added_count == 360


@st.composite
def rules(draw: st.DrawFn) -> list[Schedule]:
    """Return up to three cron schedules and grids, not too dense to list."""
    found = []
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            found.append(every(draw(st.integers(600, 90_000)), Anchor.START))
            continue
        expression = random_expression(random.Random(draw(st.integers(0, 2**32))))
        try:
            parse_cron(expression)
        except CronError:
            expression = "0 3 * * *"
        found.append(cron(expression, draw(st.sampled_from(SAMPLE))))
    return found


@pytest.mark.long
@settings(max_examples=many(25), deadline=None)
@given(rules(), rules(), st.sampled_from(SAMPLE), st.integers(0, 30_000))
def test_the_diff_is_what_the_two_lists_say(
    before: list[Schedule], after: list[Schedule], name: str, offset: int
) -> None:
    """Worked out from the lists of due times, day by day of the zone."""
    start = START + timedelta(hours=offset)
    end = start + timedelta(days=10)

    found = changed_fires(before, after, start, end, zone_name=name, listed=MOST_COMPARED)

    old, new = (set(due_between(side, start, end)) for side in (before, after))
    here = zone(name)
    moved, gone, come = [], [], []
    for day in sorted({at.astimezone(here).date() for at in old ^ new}):
        left = sorted(at for at in old - new if at.astimezone(here).date() == day)
        came = sorted(at for at in new - old if at.astimezone(here).date() == day)
        if len(left) == len(came):
            moved += list(zip(left, came, strict=True))
        else:
            gone += left
            come += came
    assert (list(found.removed), list(found.added), list(found.moved)) == (gone, come, moved)
    assert (found.before_count, found.after_count) == (len(old), len(new))
    assert found.kept_count == len(old & new)
    assert found.complete


def test_planned_is_what_upcoming_says_when_runs_take_no_time() -> None:
    chosen = [every(5400, Anchor.COMPLETION), cron("0 * * * *")]

    found = planned(chosen, now=START, limit=30, last_finished_at=START)

    assert [one.at for one in found] == upcoming(chosen, START, 30, START)
    assert not found[0].about


def test_a_run_of_another_schedule_starts_the_interval_anew() -> None:
    """Counted from the end of whatever ran last, as the services do."""
    chosen = [every(5400, Anchor.COMPLETION), cron("0 12 * * *")]

    found = planned(chosen, now=START, limit=4, last_finished_at=START, usual=timedelta(minutes=10))

    assert [(f"{one.at:%H:%M}", one.about) for one in found] == [
        ("11:30", False),
        ("12:00", False),
        ("13:40", True),
        ("15:20", True),
    ]


def change(expression: str, name: str, nth: int, *, gap: str = "", fold: str = "") -> ClockChange:
    return clock_changes([cron(expression, name, gap=gap, fold=fold)], utc("2026-01-01T00:00"))[nth]


@pytest.mark.parametrize(
    ("expression", "name", "nth", "choices", "effect", "words"),
    [
        ("30 2 * * *", "Europe/Paris", 0, {}, "moved", "02:30 does not exist: it runs once, at 03:00."),
        ("0,30 2 * * *", "Europe/Paris", 0, {}, "moved", "2 times from 02:00 on do not exist: they make one run, at 03:00."),
        ("30 2 * * *", "Europe/Paris", 0, {"gap": "skip"}, "skipped", "02:30 does not exist: it does not run."),
        ("0 * * * *", "Europe/Paris", 0, {}, "fewer", "Nothing runs in the time that is left out: 23 runs that day instead of 24."),
        ("0 9 * * *", "Europe/Paris", 0, {}, "none", "No run is touched."),
        ("30 2 * * *", "Europe/Paris", 1, {}, "first", "02:30 comes twice: it runs once, the first time (02:30 +02:00)."),
        ("30 2 * * *", "Europe/Paris", 1, {"fold": "second"}, "second", "02:30 comes twice: it runs once, the second time (02:30 +01:00)."),
        ("30 2 * * *", "Europe/Paris", 1, {"fold": "both"}, "both", "02:30 comes twice: it runs both times."),
        ("0,30 2 * * *", "Europe/Paris", 1, {}, "first", "2 times from 02:00 on come twice: each runs once, the first time."),
        ("*/15 * * * *", "Europe/Paris", 1, {}, "more", "The repeated time has its runs again: 100 runs that day instead of 96."),
        ("*/15 * * * *", "Australia/Lord_Howe", 0, {}, "more", "The repeated time has its runs again: 98 runs that day instead of 96."),
        ("30 23 * * *", "America/Nuuk", 0, {}, "moved", "23:30 does not exist: it runs once, at 00:00."),
        ("0 12 * * mon", "Europe/Paris", 0, {}, "none", "No run is touched."),
    ],
)  # fmt: skip
def test_a_change_of_the_clock_is_told_in_words(
    expression: str, name: str, nth: int, choices: dict[str, str], effect: str, words: str
) -> None:
    found = change(expression, name, nth, **choices)

    assert [touch.effect for touch in found.touches] == [effect]
    assert effects(found) == [words]


def test_the_next_two_changes_of_each_zone_in_order_of_time() -> None:
    chosen = [cron("0 2 * * *", "Europe/Paris"), cron("0 2 * * *", "America/New_York")]

    found = clock_changes(chosen, utc("2026-01-01T00:00"))

    assert [(one.zone, f"{one.at:%m-%d}", one.forward) for one in found] == [
        ("America/New_York", "03-08", True),
        ("Europe/Paris", "03-29", True),
        ("Europe/Paris", "10-25", False),
        ("America/New_York", "11-01", False),
    ]
    assert heading(found[1]) == "On 2026-03-29 the clocks go forward from 02:00 to 03:00."
    assert heading(found[2]) == "On 2026-10-25 the clocks go back from 03:00 to 02:00."
    assert effects(found[1], numbers=[1, 3]) == ["Schedule 1: 02:00 does not exist: it runs once, at 03:00."]  # fmt: skip
    assert effects(found[0], "id", numbers=[1, 3])[0].startswith("Jadwal 3: 02:00 tidak ada")


def test_a_zone_without_changes_has_none() -> None:
    assert clock_changes([cron("30 2 * * *", "Asia/Jakarta")], START) == []
    assert clock_changes([every(60, Anchor.START)], START) == []


def test_a_schedule_that_is_over_by_then_is_not_touched() -> None:
    over = Schedule(
        kind=ScheduleKind.CRON,
        expression="30 2 * * *",
        timezone="Europe/Paris",
        ends_at=utc("2026-03-25T00:00"),
    )

    found = clock_changes([over], START)

    assert [touch.effect for one in found for touch in one.touches] == [Effect.NONE, Effect.NONE]


@settings(max_examples=many(25), deadline=None)
@given(
    st.sampled_from([name for name in SAMPLE if name != "UTC"]),
    st.sampled_from(["30 2 * * *", "0,20,40 0-4 * * *", "45 23 * * *", "*/10 * * * *", "7 */2 * * *"]),
    st.integers(2000, 2036),
    st.sampled_from(["first_valid", "skip"]),
    st.sampled_from(["first", "second", "both"]),
)  # fmt: skip
def test_what_is_told_about_a_change_is_what_will_be_due(
    name: str, expression: str, year: int, gap: str, fold: str
) -> None:
    """The named run is due at that very instant, and the runs of that date are counted right."""
    rule = cron(expression, name, gap=gap, fold=fold)
    here = zone(name)

    for found in clock_changes([rule], utc(f"{year}-01-01T00:00")):
        touch = found.touches[0]
        if touch.first_time is None:
            continue
        if touch.runs_at is not None:
            assert next_due([rule], touch.runs_at - timedelta(seconds=1)) == touch.runs_at
        if touch.effect in (Effect.FEWER, Effect.MORE):
            around = due_between([rule], found.at - timedelta(days=2), found.at + timedelta(days=2))
            dates = [at.astimezone(here).date() for at in around]
            assert dates.count(touch.first_time.date()) == touch.runs


def test_a_thousand_next_due_times_take_less_than_half_a_second() -> None:
    """Distinct expressions in several zones, parsed beforehand as in any process that runs.

    In processor time, so that what else the machine does is no part of it.
    """
    rng = random.Random(20260301)
    chosen: list[Schedule] = []
    while len(chosen) < 200:
        try:
            chosen.append(cron(random_expression(rng), rng.choice(SAMPLE)))
        except CronError:
            continue
    for rule in chosen:
        next_due([rule], START)

    began = time.process_time()
    for step in range(1000):
        next_due([chosen[step % len(chosen)]], START + timedelta(hours=step))
    took = time.process_time() - began

    assert took < 0.5  # measured: 20 to 60 ms
