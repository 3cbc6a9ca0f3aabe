"""What calendars hold back: against a check of every minute, and case by case."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.domain.calendars import Calendar, parse_windows
from jobs.domain.errors import ZoneError
from jobs.domain.instants import LAST_INSTANT, SECOND, to_instant, to_moment
from jobs.domain.states import CalendarMode
from jobs.domain.zones import zone
from tests.sizes import many

Entry = dict[str, Any]
MINUTE = timedelta(minutes=1)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NIGHTLY: Entry = {"kind": "weekly", "days": [*DAYS], "from": "22:00", "to": "06:00"}
CHRISTMAS: Entry = {"kind": "yearly", "month": 12, "day": 25, "label": "Christmas"}
# Weeks in which clocks go forward, go back, move by half an hour, lose a day, and stay.
WEEKS = (
    ("Europe/Paris", date(2026, 3, 29)),
    ("Europe/Paris", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Pacific/Apia", date(2011, 12, 30)),
    ("Asia/Kathmandu", date(1986, 1, 1)),
    ("Asia/Kathmandu", date(2024, 2, 29)),
    ("America/St_Johns", date(2009, 11, 1)),
    ("America/Sao_Paulo", date(2018, 11, 4)),
)


def calendar(
    *entries: Entry, timezone: str = "Europe/Paris", mode: CalendarMode = CalendarMode.BLOCK
) -> Calendar:
    """Return a calendar of these windows."""
    return Calendar(name="c", mode=mode, timezone=timezone, windows=parse_windows(list(entries)))


def at(text: str) -> int:
    """Return a moment with an offset as an instant."""
    return to_instant(datetime.fromisoformat(text))


def held(chosen: Calendar, after: str, until: str) -> list[tuple[str, str, str]]:
    """Return what is held back, as local times."""
    local = zone(chosen.timezone)
    return [
        (
            to_moment(start).astimezone(local).isoformat(timespec="minutes"),
            to_moment(end).astimezone(local).isoformat(timespec="minutes"),
            label,
        )
        for start, end, label in chosen.held(at(after), at(until))
    ]


def shows(entry: Entry, clock: datetime, moment: datetime) -> bool:
    """Say whether a window covers what the clock shows: written apart from the product."""
    now, today = f"{clock:%H:%M}", DAYS[clock.weekday()]
    match entry["kind"]:
        case "weekly":
            days, start, end = entry["days"], entry["from"], entry["to"]
            if end > start:
                return today in days and bool(start <= now < end)
            yesterday = DAYS[clock.weekday() - 1]
            return (today in days and now >= start) or (yesterday in days and now < end)
        case "yearly":
            return f"{clock.month}/{clock.day}" == f"{entry['month']}/{entry['day']}"
        case "date":
            first, last = str(entry["date"]), str(entry.get("until", entry["date"]))
            return first <= f"{clock:%Y-%m-%d}" <= last
        case _:
            start, end = (datetime.fromisoformat(entry[key]) for key in ("start", "end"))
            return start <= moment < end


def minutes_shown(
    entries: Sequence[Entry], timezone: str, first: datetime, last: datetime
) -> dict[int, bool]:
    """Return for each minute of ``(first, last]`` whether any window covers it.

    A calendar's clock never goes back: while an hour is repeated it waits at the latest time shown.
    """
    found = {}
    moment = first - timedelta(days=3)
    latest = datetime(1, 1, 1)  # noqa: DTZ001 - a wall clock
    while moment <= last:
        latest = max(latest, moment.astimezone(zone(timezone)).replace(tzinfo=None))
        if moment > first:
            found[to_instant(moment)] = any(shows(entry, latest, moment) for entry in entries)
        moment += MINUTE
    return found


def minutes_held(spans: Iterable[tuple[int, int, str]], minutes: Iterable[int]) -> dict[int, bool]:
    """Return for each minute whether a span covers it."""
    ordered = [*spans]
    assert all(start < end for start, end, _ in ordered)
    assert all(one[1] <= other[0] for one, other in pairwise(ordered))
    assert not any(one[1] == other[0] and one[2] == other[2] for one, other in pairwise(ordered))
    found = {}
    place = 0
    for minute in minutes:
        while place < len(ordered) and ordered[place][1] <= minute:
            place += 1
        found[minute] = place < len(ordered) and ordered[place][0] <= minute
    return found


@st.composite
def weeks(draw: st.DrawFn) -> tuple[str, datetime, datetime, list[Entry]]:
    """Return a zone, a range around a change of its clocks, and windows."""
    timezone, day = draw(st.sampled_from(WEEKS))
    middle = datetime(day.year, day.month, day.day, tzinfo=UTC)
    minute = st.integers(-3 * 1440, 3 * 1440).map(lambda number: middle + number * MINUTE)
    first, last = sorted(draw(st.lists(minute, min_size=2, max_size=2, unique=True)))
    clock = st.one_of(
        st.sampled_from(["00:00", "01:30", "02:00", "02:15", "02:30", "03:00", "23:30"]),
        st.integers(0, 1439).map(lambda number: f"{number // 60:02}:{number % 60:02}"),
    )
    days = st.integers(-3, 3).map(lambda number: day + timedelta(days=number))
    ranges = st.lists(days, min_size=2, max_size=2).map(sorted)
    moments = st.lists(minute, min_size=2, max_size=2, unique=True).map(sorted)
    window = st.one_of(
        st.fixed_dictionaries(
            {
                "kind": st.just("weekly"),
                "days": st.lists(st.sampled_from(DAYS), min_size=1, unique=True),
                "from": clock,
                "to": st.one_of(clock, st.just("24:00")),
            }
        ),
        days.map(lambda one: {"kind": "yearly", "month": one.month, "day": one.day}),
        days.map(lambda one: {"kind": "date", "date": f"{one}"}),
        ranges.map(lambda two: {"kind": "date", "date": f"{two[0]}", "until": f"{two[1]}"}),
        moments.map(
            lambda two: {
                "kind": "period",
                "start": two[0].isoformat(),
                "end": two[1].isoformat(),
            }
        ),
    )
    return timezone, first, last, draw(st.lists(window, max_size=4))


@settings(max_examples=many(20), deadline=None)
@given(weeks(), st.sampled_from(CalendarMode))
def test_every_minute_is_held_back_as_the_clock_shows(
    week: tuple[str, datetime, datetime, list[Entry]], mode: CalendarMode
) -> None:
    timezone, first, last, entries = week
    chosen = calendar(*entries, timezone=timezone, mode=mode)
    shown = minutes_shown(entries, timezone, first, last)

    found = minutes_held(chosen.held(to_instant(first), to_instant(last)), shown)

    inside = mode == CalendarMode.BLOCK
    assert found == {minute: covered == inside for minute, covered in shown.items()}


@settings(max_examples=many(40), deadline=None)
@given(weeks(), st.sampled_from(CalendarMode), st.floats(0, 1))
def test_a_range_split_anywhere_holds_back_the_same(
    week: tuple[str, datetime, datetime, list[Entry]], mode: CalendarMode, share: float
) -> None:
    timezone, first, last, entries = week
    chosen = calendar(*entries, timezone=timezone, mode=mode)
    after, until = to_instant(first), to_instant(last)
    middle = after + int((until - after) * share)

    whole = clipped([*chosen.held(after, until)], after, until)
    parts = clipped([*chosen.held(after, middle)], after, middle)
    parts += clipped([*chosen.held(middle, until)], middle, until)

    assert merged(parts) == merged(whole)


def clipped(
    spans: list[tuple[int, int, str]], after: int, until: int
) -> list[tuple[int, int, str]]:
    """Return the parts that lie in ``(after, until]``; there has to be one of each span."""
    found = [(max(start, after + 1), min(end, until + 1), label) for start, end, label in spans]
    assert all(start < end for start, end, _ in found)
    return found


def merged(spans: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Return spans with those joined that touch and have the same label."""
    found: list[tuple[int, int, str]] = []
    for start, end, label in spans:
        if found and found[-1][1:] == (start, label):
            found[-1] = (found[-1][0], end, label)
        else:
            found.append((start, end, label))
    return found


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # The night of 25 October 2026: at 03:00 the clocks go back to 02:00.
        ("01:30", "02:30", ("2026-10-25T01:30+02:00", "2026-10-25T02:30+02:00")),
        ("02:30", "04:00", ("2026-10-25T02:30+02:00", "2026-10-25T04:00+01:00")),
        ("02:00", "03:00", ("2026-10-25T02:00+02:00", "2026-10-25T03:00+01:00")),
        ("00:00", "24:00", ("2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00")),
    ],
)
def test_an_edge_that_is_shown_twice_is_its_first_pass(
    start: str, end: str, expected: tuple[str, str]
) -> None:
    sunday = calendar({"kind": "weekly", "days": ["sun"], "from": start, "to": end})

    found = held(sunday, "2026-10-24T12:00+02:00", "2026-10-26T12:00+01:00")

    assert [span[:2] for span in found] == [expected]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # The night of 29 March 2026: at 02:00 the clocks go forward to 03:00.
        ("01:30", "02:30", [("2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00")]),
        ("02:30", "04:00", [("2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00")]),
        ("02:15", "02:45", []),
    ],
)
def test_an_edge_in_a_gap_is_the_first_instant_after_it(
    start: str, end: str, expected: list[tuple[str, str]]
) -> None:
    sunday = calendar({"kind": "weekly", "days": ["sun"], "from": start, "to": end})

    found = held(sunday, "2026-03-28T12:00+01:00", "2026-03-30T12:00+02:00")

    assert [span[:2] for span in found] == expected


def test_a_date_that_the_zone_left_out_holds_nothing_back() -> None:
    missing = calendar({"kind": "date", "date": "2011-12-30"}, timezone="Pacific/Apia")

    assert not [*missing.held(at("2011-12-25T00:00Z"), at("2012-01-05T00:00Z"))]


def test_a_night_belongs_to_the_day_on_which_it_starts() -> None:
    friday = calendar({**NIGHTLY, "days": ["fri"]})

    found = held(friday, "2026-06-01T00:00Z", "2026-06-08T00:00Z")

    assert found == [("2026-06-05T22:00+02:00", "2026-06-06T06:00+02:00", "Fri 22:00 to 06:00")]


def test_29_february_is_held_back_in_leap_years_only() -> None:
    leap_day = calendar({"kind": "yearly", "month": 2, "day": 29}, timezone="UTC")

    found = held(leap_day, "2023-01-01T00:00Z", "2033-01-01T00:00Z")

    assert [span[0][:10] for span in found] == ["2024-02-29", "2028-02-29", "2032-02-29"]


def test_spans_that_reach_into_the_range_from_outside_are_found() -> None:
    week = calendar({"kind": "date", "date": "2026-08-01", "until": "2026-08-31"})

    inside = held(week, "2026-08-10T00:00Z", "2026-08-11T00:00Z")

    label = "1 August 2026 to 31 August 2026"
    assert inside == [("2026-08-01T00:00+02:00", "2026-09-01T00:00+02:00", label)]


def test_the_start_is_held_back_and_the_end_is_not() -> None:
    nightly = calendar(NIGHTLY, timezone="UTC")

    assert nightly.holds_at(at("2026-06-01T21:59:59.999999Z")) is None
    assert nightly.holds_at(at("2026-06-01T22:00Z")) == "daily 22:00 to 06:00"
    assert nightly.holds_at(at("2026-06-02T05:59:59.999999Z")) == "daily 22:00 to 06:00"
    assert nightly.holds_at(at("2026-06-02T06:00Z")) is None


def test_the_first_window_gives_the_reason_where_two_overlap() -> None:
    both = calendar(CHRISTMAS, {**NIGHTLY, "label": "Night"}, timezone="UTC")

    found = held(both, "2026-12-24T12:00Z", "2026-12-26T12:00Z")

    assert found == [
        ("2026-12-24T22:00+00:00", "2026-12-25T00:00+00:00", "Night"),
        ("2026-12-25T00:00+00:00", "2026-12-26T00:00+00:00", "Christmas"),
        ("2026-12-26T00:00+00:00", "2026-12-26T06:00+00:00", "Night"),
    ]


def test_windows_that_touch_and_have_the_same_label_are_one() -> None:
    weekend = calendar({"kind": "weekly", "days": ["sat", "sun"], "from": "00:00", "to": "24:00"})

    found = held(weekend, "2026-06-01T00:00Z", "2026-06-08T00:00Z")

    assert found == [("2026-06-06T00:00+02:00", "2026-06-08T00:00+02:00", "Sat and Sun")]


def test_an_allow_calendar_holds_back_what_is_outside() -> None:
    office = {"kind": "weekly", "days": list(DAYS[:5]), "from": "09:00", "to": "17:00"}
    chosen = calendar(office, mode=CalendarMode.ALLOW)
    label = "outside Mon to Fri 09:00 to 17:00"

    found = held(chosen, "2026-06-05T09:00+02:00", "2026-06-08T10:00+02:00")

    assert found == [("2026-06-05T17:00+02:00", "2026-06-08T09:00+02:00", label)]
    assert chosen.holds_at(at("2026-06-05T16:59+02:00")) is None
    assert chosen.holds_at(at("2026-06-05T17:00+02:00")) == label


def test_a_calendar_without_windows_blocks_nothing_and_allows_nothing() -> None:
    blocking, allowing = calendar(), calendar(mode=CalendarMode.ALLOW)
    noon = at("2026-06-01T12:00Z")

    assert blocking.holds_at(noon) is None
    assert allowing.holds_at(noon) == "no window is ever open"


@pytest.mark.parametrize("mode", CalendarMode)
def test_an_empty_range_holds_nothing_back(mode: CalendarMode) -> None:
    noon = at("2026-06-01T12:00Z")

    assert not [*calendar(NIGHTLY, mode=mode).held(noon, noon)]
    assert not [*calendar(NIGHTLY, mode=mode).held(noon, noon - 1)]


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ZoneError, match="Did you mean Europe/Paris"):
        calendar(timezone="Europe/Pariss")


def test_windows_that_never_end_answer_at_once() -> None:
    always = calendar({"kind": "weekly", "days": [*DAYS], "from": "00:00", "to": "24:00"})
    before = time.perf_counter()

    blocked = [*always.held(-LAST_INSTANT, LAST_INSTANT)]
    first = [*islice(calendar(NIGHTLY, CHRISTMAS).held(0, LAST_INSTANT), 3)]

    assert len(blocked) == 1
    assert len(first) == 3
    assert time.perf_counter() - before < 1


def test_a_year_of_nights_and_the_largest_calendar_cost_little() -> None:
    first = date(2026, 1, 1)
    many = [
        {"kind": "date", "date": f"{first + timedelta(days=number)}"}
        for number in range(0, 10_000, 2)
    ]
    nights, largest = calendar(NIGHTLY), calendar(*many)
    after, until = at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z")
    [*nights.held(after, until)]  # the zone's own year is computed once
    before = time.process_time()

    found = [*nights.held(after, until)]
    asked = [largest.holds_at(after + day * 86_400 * SECOND) for day in range(1, 11)]

    assert len(found) == 366
    assert sum(reason is not None for reason in asked) == 5
    # Measured 9 ms and 10 times 24 ms; the deadline is for a busy machine.
    assert time.process_time() - before < 2


@pytest.mark.parametrize(
    ("entries", "mode", "language", "text"),
    [
        (
            [NIGHTLY, CHRISTMAS],
            CalendarMode.BLOCK,
            "en",
            "Holds back daily 22:00 to 06:00 and Christmas (25 December), in Europe/Paris",
        ),
        (
            [{"kind": "weekly", "days": ["sun", "mon", "sat"], "from": "08:30:15", "to": "24:00"}],
            CalendarMode.ALLOW,
            "en",
            "Holds back everything outside Sat to Mon 08:30:15 to 24:00, in Europe/Paris",
        ),
        (
            [{"kind": "weekly", "days": ["wed", "mon"], "from": "00:00", "to": "24:00"}, CHRISTMAS],
            CalendarMode.BLOCK,
            "id-ID",
            "Menahan Sen dan Rab dan Christmas (25 Desember), di zona Europe/Paris",
        ),
        (
            [{"kind": "weekly", "days": [*DAYS], "from": "00:00", "to": "24:00"}],
            CalendarMode.BLOCK,
            "en",
            "Holds back every day, in Europe/Paris",
        ),
        (
            [
                {
                    "kind": "period",
                    "start": "2026-12-24T17:00:00Z",
                    "end": "2026-12-27T06:00:00+01:00",
                }
            ],
            CalendarMode.BLOCK,
            "en",
            "Holds back 24 December 2026 18:00 to 27 December 2026 06:00, in Europe/Paris",
        ),
        (
            [{"kind": "date", "date": f"2026-05-0{day}"} for day in range(1, 8)],
            CalendarMode.BLOCK,
            "en",
            (
                "Holds back 1 May 2026, 2 May 2026, 3 May 2026, 4 May 2026, 5 May 2026 and 2 more,"
                " in Europe/Paris"
            ),
        ),
        ([], CalendarMode.BLOCK, "en", "Holds back nothing: it has no windows"),
        ([], CalendarMode.ALLOW, "id", "Menahan semuanya: tidak ada jendela"),
    ],
)
def test_a_calendar_is_told_in_words(
    entries: list[Entry], mode: CalendarMode, language: str, text: str
) -> None:
    assert calendar(*entries, mode=mode).describe(language) == text


def test_the_reason_of_an_allow_calendar_stays_short() -> None:
    windows = [{**CHRISTMAS, "label": "x" * 200}] * 3

    reason = calendar(*windows, mode=CalendarMode.ALLOW).holds_at(at("2026-06-01T12:00Z"))

    assert reason is not None
    assert reason.startswith("outside xxx")
    assert len(reason) == 200
