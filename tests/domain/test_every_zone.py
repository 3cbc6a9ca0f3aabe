"""A daily job fires exactly once for each local date, an hourly one at each full hour: in every zone.

What is expected is worked out date by date, from what the zone's clock shows at an instant, and not from
the spans that the code under test uses.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.schedule import due_between
from jobs.domain.zones import zone, zone_names
from tests.domain.test_zones import SAMPLE
from tests.domain.times import cron
from tests.domain.zone_files import changes, zone_data
from tests.sizes import many

PERIOD = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC))
FIRST, LAST = date(2000, 1, 2), date(2037, 12, 30)
# In the usual gaps, at their edges, and in the rare ones around midnight.
DAILY = (time(0, 0), time(0, 30), time(1, 45), time(2, 30), time(3, 0), time(12, 0), time(23, 45))
# Samoa and Tokelau changed the side of the date line: 30 December 2011 was not.
ONE_DATE_LEFT_OUT = ("Pacific/Apia", "Pacific/Fakaofo")
HOUR, QUARTER, DAY = timedelta(hours=1), timedelta(minutes=15), timedelta(days=1)
MINUTE = timedelta(minutes=1)


# The long run takes all zones in so many parts: a test each would be collected by every short one.
PARTS = 12


@cache
def distinct_zones() -> list[str]:
    """Return every zone once: many names are aliases of the same file."""
    return sorted({zone_data(name): name for name in sorted(zone_names(), reverse=True)}.values())


@pytest.mark.parametrize("name", SAMPLE)
def test_a_daily_job_fires_once_for_each_date_around_every_change(name: str) -> None:
    check_daily(name)


@pytest.mark.parametrize("name", SAMPLE)
def test_an_hourly_job_fires_at_each_full_hour_around_every_change(name: str) -> None:
    check_full_hours(name)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_every_zone_keeps_daily_and_hourly_jobs_around_every_change(part: int) -> None:
    for name in distinct_zones()[part::PARTS]:
        check_daily(name)
        check_full_hours(name)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_a_daily_job_fires_once_for_each_date_of_38_years(part: int) -> None:
    dates = [FIRST + n * DAY for n in range((LAST - FIRST).days + 1)]

    for name in distinct_zones()[part::PARTS]:
        found = due_on(dates, time(2, 30), name)

        assert found == expected_on(dates, time(2, 30), name), name
        assert all(earlier < later for earlier, later in pairwise(found)), name
        assert len(found) == len(dates) - (name in ONE_DATE_LEFT_OUT), name


@pytest.mark.soak
@pytest.mark.parametrize("part", range(PARTS))
def test_an_hourly_job_fires_each_hour_of_38_years(part: int) -> None:
    for name in distinct_zones()[part::PARTS]:
        check_each_hour(name)


def check_each_hour(name: str) -> None:
    """Compare the distances of an hourly job's due times with the changes of the zone file."""
    found = list(due_between([cron("0 * * * *", name)], *PERIOD))
    changed = listed_changes(name)
    last = changed[-1] if changed else PERIOD[0]

    uneven = [later for earlier, later in pairwise(found) if later - earlier != HOUR]

    # What follows the last listed change comes from the rule at the end of the zone file.
    for moment in uneven:
        assert moment > last or any(abs(moment - change) < 2 * HOUR for change in changed), name


@st.composite
def changes_of_any_zone(draw: st.DrawFn) -> tuple[str, datetime]:
    """Return one of the changes from 2000 to 2037 of any zone of the database that has some."""
    name = draw(st.sampled_from(changing_zones()))
    return name, draw(st.sampled_from(listed_changes(name)))


@settings(max_examples=many(60), deadline=None)
@given(changes_of_any_zone(), st.times().map(lambda at: at.replace(second=0, microsecond=0)))
def test_a_daily_job_at_any_minute_fires_once_for_each_date_that_exists(
    where: tuple[str, datetime], at: time
) -> None:
    name, change = where
    dates = [change.date() + n * DAY for n in range(-3, 4)]

    found = due_on(dates, at, name)

    assert found == expected_on(dates, at, name)
    assert len(found) == sum(exists(when, zone(name)) for when in dates)
    assert all(earlier < later for earlier, later in pairwise(found))


@pytest.mark.long
@settings(max_examples=many(30), deadline=None)
@given(changes_of_any_zone())
def test_an_hourly_job_fires_as_often_as_its_local_day_has_full_hours(
    where: tuple[str, datetime],
) -> None:
    """23, 24 or 25 times; where the shift is half an hour, a full hour more or less, or none."""
    name, change = where
    here = zone(name)
    minutes = [change + n * MINUTE for n in range(-3000, 3000)]
    shown = [(at, at.astimezone(here)) for at in minutes]
    found = list(due_between([cron("0 * * * *", name)], minutes[0], minutes[-1]))

    for when in {(change + step).astimezone(here).date() for step in (-MINUTE, 0 * MINUTE)}:
        fires = [at for at in found if at.astimezone(here).date() == when]
        of_date = [(at, wall) for at, wall in shown if wall.date() == when]
        assert fires == [at for at, wall in of_date if wall.minute == 0]
        length = len(of_date) / 60
        assert abs(len(fires) - length) < 1
        assert len(fires) == length or not length.is_integer()


@lru_cache(maxsize=1)
def changing_zones() -> list[str]:
    """Return every zone that changed its offset between 2000 and 2037, once."""
    return [name for name in distinct_zones() if listed_changes(name)]


def check_daily(name: str) -> None:
    """Compare the dates around each change with what the clock shows on each of them."""
    for change in listed_changes(name):
        dates = [change.date() + n * DAY for n in range(-2, 4)]
        for at in DAILY:
            assert due_on(dates, at, name) == expected_on(dates, at, name), (at, change)


def listed_changes(name: str) -> list[datetime]:
    """Return the changes of offset in the period that the zone file lists."""
    found = [datetime.fromtimestamp(change.at, UTC) for change in changes(name)]
    return [moment for moment in found if PERIOD[0] < moment < PERIOD[1]]


def due_on(dates: list[date], at: time, name: str) -> list[datetime]:
    """Return the due times of a daily job that belong to a row of dates.

    A little more is asked for on both sides, and what the days outside make is taken away again.
    """
    here = zone(name)
    before = [dates[0] - n * DAY for n in (2, 1)]
    after = [dates[-1] + n * DAY for n in (1, 2)]
    outside = {due for when in before + after if (due := expected_due(when, at, here)) is not None}
    start, end = min(outside), max(outside)
    rule = cron(f"{at.minute} {at.hour} * * *", name)
    return [due for due in due_between([rule], start, end) if due not in outside]


def expected_on(dates: list[date], at: time, name: str) -> list[datetime]:
    """Return what the clock says about each date."""
    here = zone(name)
    return [due for when in dates if (due := expected_due(when, at, here)) is not None]


def expected_due(when: date, at: time, here: ZoneInfo) -> datetime | None:
    """Return the first instant that shows a wall time, or the first one after its gap.

    Asks what the clock shows at an instant, never the other way round: ``zoneinfo`` is wrong there in
    the first year of a rule (Nuuk, October 2023).
    """
    wall = datetime.combine(when, at)
    about = wall.replace(tzinfo=UTC)
    offsets = {(about + side * 26 * HOUR).astimezone(here).utcoffset() for side in (-1, 1)}
    passes = [about - offset for offset in offsets if offset is not None]
    shown = [moment for moment in passes if moment.astimezone(here).replace(tzinfo=None) == wall]
    if shown:
        return min(shown)
    return first_after_gap(wall, here) if exists(when, here) else None


def first_after_gap(wall: datetime, here: ZoneInfo) -> datetime:
    """Return the first instant at which the clock shows a later time than ``wall``."""
    low, high = (wall.replace(tzinfo=UTC) + side * 26 * HOUR for side in (-1, 1))
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        later = middle.astimezone(here).replace(tzinfo=None) > wall
        low, high = (low, middle) if later else (middle, high)
    return high


def exists(when: date, here: ZoneInfo) -> bool:
    """Say whether any instant shows that date; no zone shows one for less than an hour."""
    noon = datetime(when.year, when.month, when.day, 12, tzinfo=UTC)
    around = (noon + n * HOUR for n in range(-26, 27))
    return any(moment.astimezone(here).date() == when for moment in around)


def check_full_hours(name: str) -> None:
    """Around each change an hourly job fires exactly where the clock shows a full hour."""
    here = zone(name)
    for change in listed_changes(name):
        quarter = change.replace(minute=change.minute // 15 * 15, second=0)
        window = [quarter + n * QUARTER for n in range(-8, 9)]

        found = list(due_between([cron("0 * * * *", name)], window[0] - QUARTER, window[-1]))

        shown = [moment for moment in window if moment.astimezone(here).minute == 0]
        assert [moment for moment in found if moment >= window[0]] == shown
