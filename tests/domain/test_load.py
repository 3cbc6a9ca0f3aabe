"""Predicted load: followed run by run, or counted; hot spots with how long the last one waits."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from jobs.domain.cron_clock import cron_clock
from jobs.domain.hot_spots import HotSpots, hot_spots
from jobs.domain.instants import SECOND, CronTimes, DueTimes, Grid, Single
from jobs.domain.load import Demand, Load, QueueLoad, kept, predict

MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
START = 20_000 * DAY  # midnight UTC


def demand(
    times: DueTimes, seconds: Sequence[float] = (60,), *, queue: str = "default", parallel: int = 1
) -> Demand:
    lengths = [round(one * SECOND) for one in seconds]
    return Demand(queue=queue, sets=[times], lengths=lengths, parallel=parallel)


def at(seconds: float) -> Single:
    return Single(START + round(seconds * SECOND))


def cron(expression: str) -> CronTimes:
    return CronTimes(cron_clock(expression, "UTC"))


def load_of(
    demands: Sequence[Demand], *, length: int = HOUR, width: int = MINUTE, budget: int = 100_000
) -> Load:
    return predict(
        demands, now=START, after=START, until=START + length, width=width, budget=budget
    )


def only(load: Load) -> QueueLoad:
    [queue] = load.queues
    return queue


def spots(demands: Sequence[Demand], slots: int | None, *, length: int = HOUR) -> HotSpots:
    return hot_spots(only(load_of(demands, length=length)), demands, slots)


def test_runs_that_overlap_are_counted_together() -> None:
    load = only(load_of([demand(at(600), [90]), demand(at(630), [60]), demand(at(720), [60])]))

    assert [bucket.peak for bucket in load.buckets[9:14]] == [0, 2, 2, 1, 0]
    assert load.buckets[10].mean == pytest.approx(1.5)
    assert [bucket.starts for bucket in load.buckets[9:14]] == [0, 2, 0, 1, 0]


def test_a_run_that_ends_as_the_next_begins_needs_no_second_slot() -> None:
    load = only(load_of([demand(at(600), [60]), demand(at(660), [60])]))

    assert max(bucket.peak for bucket in load.buckets) == 1


def test_the_peak_equals_a_count_at_every_start() -> None:
    rng = random.Random(7)
    runs = [(rng.randrange(1, 3600), rng.randrange(1, 900)) for _ in range(200)]

    load = only(load_of([demand(at(start), [length]) for start, length in runs]))

    wanted = max(
        sum(start <= moment < start + length for start, length in runs) for moment, _ in runs
    )
    assert max(bucket.peak for bucket in load.buckets) == wanted
    area = sum(min(start + length, 3600) - start for start, length in runs)
    assert sum(bucket.mean for bucket in load.buckets) * 60 == pytest.approx(area)


def test_queues_are_apart() -> None:
    load = load_of([demand(at(60)), demand(at(60), queue="slow")])

    assert [(one.queue, max(b.peak for b in one.buckets)) for one in load.queues] == [
        ("default", 1),
        ("slow", 1),
    ]


def test_what_is_too_much_to_follow_is_counted_with_its_average() -> None:
    each_second = demand(Grid(START, SECOND), [0.5])

    load = load_of([each_second, demand(at(600))], length=7 * DAY, width=2 * HOUR)

    assert load.counted == [0]
    assert only(load).buckets[0].starts == 7200 + 1
    assert only(load).buckets[5].mean == pytest.approx(0.5)
    assert only(load).buckets[5].peak == 1


def test_counted_cron_due_times_keep_their_hours() -> None:
    office = demand(cron("* 9-16 * * *"), [30])

    load = load_of([office], length=DAY, width=HOUR, budget=10)

    assert load.counted == [0]
    assert [bucket.starts for bucket in only(load).buckets[8:18]] == [0, *[60] * 8, 0]
    assert only(load).buckets[12].mean == pytest.approx(0.5)


def test_counted_and_followed_agree_on_starts_and_mean() -> None:
    several = [demand(cron("*/7 * * * *"), [100]), demand(cron("3-59/5 * * * *"), [45])]

    followed = only(load_of(several, length=DAY, width=HOUR))
    counted = only(load_of(several, length=DAY, width=HOUR, budget=0))

    assert sum(b.starts for b in counted.buckets) == pytest.approx(
        sum(b.starts for b in followed.buckets), abs=2
    )
    for one, other in zip(followed.buckets, counted.buckets, strict=True):
        assert one.mean == pytest.approx(other.mean, abs=0.06)


def test_a_job_that_takes_longer_than_its_interval_takes_one_slot() -> None:
    load = only(load_of([demand(Grid(START, MINUTE), [150])]))

    assert max(bucket.peak for bucket in load.buckets) == 1


def test_side_by_side_runs_take_as_many_slots_as_are_allowed() -> None:
    assert list(kept([0, 10, 20, 30, 40], 35, 2)) == [0, 10, 40]
    load = only(load_of([demand(Grid(START, MINUTE), [600], parallel=3)]))
    assert max(bucket.peak for bucket in load.buckets) == 3


def test_a_run_from_before_the_range_reaches_into_it() -> None:
    early = demand(at(-300), [600])

    load = predict([early], now=START - HOUR, after=START, until=START + HOUR, width=MINUTE)

    assert [bucket.peak for bucket in only(load).buckets[:7]] == [1, 1, 1, 1, 1, 0, 0]
    assert only(load).buckets[0].starts == 0


def test_fourteen_jobs_on_four_slots_wait_three_minutes() -> None:
    [spot] = spots([demand(at(600), [60] * 14)], 4).spots

    assert (spot.over, spot.peak, spot.wait // SECOND) == (True, 14, 180)
    assert (spot.start - START, spot.until - START) == (600 * SECOND, 780 * SECOND)
    assert spot.drains


def test_what_still_runs_takes_its_slot_into_the_hot_spot() -> None:
    [spot] = spots([demand(at(570), [60]), demand(at(600), [60] * 2)], 2).spots

    assert (spot.wait // SECOND, spot.demands) == (30, [1, 0])


def test_a_lone_job_at_the_same_instant_ends_no_hot_spot() -> None:
    [spot] = spots([demand(at(600), [60]), demand(at(600), [60] * 12)], 2).spots

    assert (spot.peak, spot.wait // SECOND) == (13, 360)


def test_starts_while_the_last_ones_wait_are_the_same_hot_spot() -> None:
    found = spots([demand(at(600), [60] * 10), demand(at(700), [60] * 4)], 2)

    assert (len(found.spots), found.more) == (1, 0)
    assert found.spots[0].wait // SECOND == 260


def test_the_worst_come_first_and_the_rest_is_counted() -> None:
    crowds = [demand(at(300 * place), [10] * (5 + place)) for place in range(1, 9)]

    found = spots(crowds, 2)

    assert [spot.peak for spot in found.spots] == [13, 12, 11, 10, 9]
    assert found.more == 3


def test_more_work_than_slots_has_no_end_in_sight() -> None:
    [spot] = spots([demand(Grid(START, MINUTE), [50] * 4)], 2).spots

    assert not spot.drains


def test_a_crowded_minute_is_named_where_it_fits_or_nothing_is_known() -> None:
    crowd = [demand(at(600), [1] * 12), demand(at(1200), [1] * 11)]

    for slots in (None, 50):
        [spot] = spots(crowd, slots).spots
        assert (spot.over, spot.peak, spot.start - START) == (False, 12, 600 * SECOND)
    assert spots([demand(at(600), [1] * 9)], None).spots == []


def test_no_load_has_no_hot_spot() -> None:
    assert spots([demand(at(-DAY / SECOND))], 1).spots == []
