"""A daily job fires once for each local date, in every zone and through every change."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from jobs.domain.instants import to_instant, to_moment
from jobs.domain.zones import zone_names
from tests.domain.test_zones import SAMPLE
from tests.domain.times import cron
from tests.domain.zone_files import changes

START, END = datetime(2000, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
# Around midnight, in the usual gaps, at noon, and just before midnight.
DAILY = ("0 0 * * *", "30 0 * * *", "30 1 * * *", "30 2 * * *", "0 12 * * *", "45 23 * * *")


def due(expression: str, name: str) -> list[datetime]:
    """Return all due times from 2000 to 2037."""
    times = cron(expression, name).due_times()
    return [to_moment(one) for one in times.between(to_instant(START), to_instant(END))]


def dates_that_exist(name: str) -> Counter[date]:
    """Return the local dates that lie in the period completely, each once.

    A date exists when some instant shows it: every zone keeps it for hours, so each half hour tells.
    """
    zone = ZoneInfo(name)
    found = set()
    moment = START
    while moment < END:
        # Dates change once a day except near a change of offset; 40 minutes would do.
        found.add(moment.astimezone(zone).date())
        moment += timedelta(hours=3)
    first, last = START.astimezone(zone).date(), END.astimezone(zone).date()
    return Counter(found - {first, last})


def check_daily(name: str) -> None:
    """Compare each daily expression's dates with the dates that exist."""
    zone = ZoneInfo(name)
    expected = dates_that_exist(name)
    for expression in DAILY:
        fired = Counter(wanted_date(moment, expression, zone) for moment in due(expression, name))
        fired = Counter({when: count for when, count in fired.items() if when in expected})
        assert fired == expected, (name, expression, (fired - expected), (expected - fired))


def wanted_date(moment: datetime, expression: str, zone: ZoneInfo) -> date:
    """Return the date that a due time belongs to.

    A gap may reach over midnight (Nuuk: 23:00 -> 00:00); what is made up for at 00:00 then belongs to
    the date before, as its own time of day tells.
    """
    minute, hour = expression.split()[:2]
    shown = moment.astimezone(zone)
    late = (shown.hour, shown.minute) < (int(hour), int(minute))
    return shown.date() - timedelta(days=1) if late else shown.date()


def check_hourly(name: str) -> None:
    """An hourly job fires at each instant at which the clock shows a full hour."""
    zone = ZoneInfo(name)
    fired = due("0 * * * *", name)

    assert all(later > earlier for earlier, later in zip(fired, fired[1:], strict=False))
    assert all(moment.astimezone(zone).minute == 0 for moment in fired)
    # Between changes of offset by full hours nothing is left out and nothing doubled: every day has
    # as many fires as it has hours.
    by_date = Counter(moment.astimezone(zone).date() for moment in fired)
    shifts = {
        datetime.fromtimestamp(change.at - 1, UTC).astimezone(zone).date()
        for change in changes(name)
    } | {datetime.fromtimestamp(change.at, UTC).astimezone(zone).date() for change in changes(name)}
    edges = {START.astimezone(zone).date(), END.astimezone(zone).date()}
    for when, count in by_date.items():
        if when in edges:
            continue
        if when in shifts:
            assert 0 < count <= 25 or count == hours_of(when, zone), (name, when, count)
        elif when.year <= 2037:
            assert count in (23, 24, 25), (name, when, count)


def hours_of(when: date, zone: ZoneInfo) -> int:
    """Return how many hours a local date lasts."""
    midnight = datetime(when.year, when.month, when.day, tzinfo=zone)
    tomorrow = when + timedelta(days=1)
    end = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)
    return round((end.astimezone(UTC) - midnight.astimezone(UTC)).total_seconds() / 3600)
