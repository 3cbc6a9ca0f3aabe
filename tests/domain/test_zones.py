"""Time zones: names, and where a zone's offset changes."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from jobs.domain.errors import ZoneError
from jobs.domain.zones import DAY, timeline, zone, zone_name, zone_names
from tests.domain.zone_files import Change, changes

# Different rules: none, EU, US, half an hour, two hours, midnight, across midnight, the date line,
# Ramadan, negative DST, changed standard time, a zone that gave DST up.
SAMPLE = (
    "UTC",
    "Asia/Jakarta",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Africa/Cairo",
    "America/Nuuk",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Asia/Pyongyang",
    "America/Caracas",
    "Asia/Gaza",
    "America/Recife",
    "America/Sao_Paulo",
    "Asia/Tehran",
    "Pacific/Kiritimati",
)
START = int(datetime(1970, 1, 5, tzinfo=UTC).timestamp())
END = int(datetime(2037, 12, 20, tzinfo=UTC).timestamp())


@pytest.mark.parametrize("name", ["Europe/Paris", "UTC", "Etc/GMT+5", "US/Eastern", "GMT"])
def test_a_zone_is_found_by_its_name(name: str) -> None:
    assert zone(name).key == name


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Paris", "Europe/Paris"),
        (" europe/PARIS ", "Europe/Paris"),
        ("new york", "America/New_York"),
        ("NEW_YORK", "America/New_York"),
        ("São Paulo", "America/Sao_Paulo"),
        ("st. johns", "America/St_Johns"),
        ("port-au-prince", "America/Port-au-Prince"),
        ("buenos aires", "America/Argentina/Buenos_Aires"),  # the older name has the same rules
        ("utc", "UTC"),
    ],
)
def test_a_city_is_its_zone_where_only_one_is_called_so(typed: str, name: str) -> None:
    assert zone_name(typed) == name == zone(typed).key


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Europe/Pariss", "The time zone Europe/Pariss does not exist. Did you mean Europe/Paris"),
        ("pariss", "Did you mean Europe/Paris?"),
        ("eastern", "is more than one: Canada/Eastern, US/Eastern. Name one."),
        ("GMT+5", "The time zone GMT+5 does not exist. Did you mean GMT"),
        ("Asia/Djakarta", "Asia/Jakarta"),
        ("WIB", "The time zone WIB does not exist."),
        ("xqzw", "Use an IANA name, such as UTC."),
        ("", "A time zone is missing. Use an IANA name"),
        ("../../etc/passwd", "does not exist."),
        ("/etc/localtime", "does not exist."),
        ("localtime", "does not exist."),
        ("Europe/", "does not exist."),
        ("Europe", "does not exist."),
        ("Europe/Paris\0", "does not exist."),
        ("+02:00", "does not exist."),
        ("x" * 5000, "xxx... does not exist."),
    ],
)
def test_an_unknown_zone_is_refused_with_close_names(name: str, message: str) -> None:
    with pytest.raises(ZoneError) as caught:
        zone(name)

    assert message in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", SAMPLE)
def test_a_timeline_has_exactly_the_changes_of_the_zone_file(name: str) -> None:
    assert_same_changes(name)


@pytest.mark.soak
def test_every_timeline_has_exactly_the_changes_of_the_zone_file() -> None:
    for name in sorted(zone_names()):
        assert_same_changes(name)


def assert_same_changes(name: str) -> None:
    """Compare the timeline's spans with the zone file, 1970 to 2037."""
    listed = [change for change in changes(name) if START < change.at <= END]

    found = [
        Change(span.start, span.before, span.offset) for span in timeline(name).changes(START, END)
    ]

    # What follows the last listed change comes from the rule at the end of the file.
    until = listed[-1].at if listed else START
    assert [change for change in found if change.at <= until] == listed, name
    years = Counter(datetime.fromtimestamp(change.at, UTC).year for change in found)
    assert all(count <= 4 for count in years.values())


@pytest.mark.parametrize("name", SAMPLE)
def test_spans_follow_each_other_without_a_hole(name: str) -> None:
    shared = timeline(name)
    span = shared.at(START)
    while span.end < END:
        following = shared.at(span.end)
        assert following.start == span.end
        assert following.before == span.offset
        assert span.after == following.offset
        assert shared.at(span.start) == shared.at(span.end - 1) == span
        span = following


def test_a_change_at_new_year_is_not_cut_in_two() -> None:
    """Kiritimati left 31 December 1994 out: the change falls on the cut between two years."""
    shared = timeline("Pacific/Kiritimati")
    june = [int(datetime(year, 6, 1, tzinfo=UTC).timestamp()) for year in (1994, 1995)]

    (change,) = shared.changes(*june)

    assert change.offset - change.before == DAY
    assert shared.at(change.start - 1).end == change.start
    assert shared.at(change.start - 1).start < change.start - 2 * DAY
    assert change.end > change.start + 2 * DAY
