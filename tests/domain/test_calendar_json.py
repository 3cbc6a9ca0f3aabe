"""Windows as stored: what is accepted comes back the same, everything else is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.domain.calendar_windows import Dates, Period, Weekly, Yearly
from jobs.domain.calendars import parse_windows, windows_json
from jobs.domain.errors import InvalidError

Entry = dict[str, Any]
WEEKLY: Entry = {"kind": "weekly", "days": ["mon"], "from": "22:00", "to": "06:00", "label": ""}
YEARLY: Entry = {"kind": "yearly", "month": 12, "day": 25, "label": "Christmas"}
DATE: Entry = {"kind": "date", "date": "2026-12-25", "label": ""}
PERIOD: Entry = {
    "kind": "period",
    "start": "2026-12-24T18:00:00+01:00",
    "end": "2026-12-25T06:00:00Z",
    "label": "",
}


def test_windows_come_back_exactly_as_they_were_stored() -> None:
    entries = [
        WEEKLY,
        {**WEEKLY, "days": ["tue", "sun"], "from": "00:00", "to": "24:00", "label": "Ruhetag 🎄"},
        {**WEEKLY, "from": "22:00:30", "to": "00:00"},
        YEARLY,
        {**YEARLY, "month": 2, "day": 29},
        DATE,
        {**DATE, "until": "2027-01-01"},
        {**DATE, "until": "2026-12-25"},
        PERIOD,
        {**PERIOD, "end": "2026-12-25T06:00:00.000001-03:30"},
    ]

    windows = parse_windows(entries)

    assert windows_json(windows) == entries
    assert parse_windows(windows_json(windows)) == windows
    assert [type(window) for window in windows] == [Weekly] * 3 + [Yearly] * 2 + [Dates] * 3 + [
        Period
    ] * 2


def test_what_may_be_left_out_gets_its_usual_value() -> None:
    bare: list[Entry] = [
        {"kind": "weekly", "days": ["sun", "mon", "mon"], "from": "08:00:00", "to": "24:00:00"},
        {"kind": "date", "date": "2026-12-25", "until": None, "label": None},
    ]

    assert windows_json(parse_windows(bare)) == [
        {"kind": "weekly", "days": ["mon", "sun"], "from": "08:00", "to": "24:00", "label": ""},
        {"kind": "date", "date": "2026-12-25", "label": ""},
    ]


@pytest.mark.parametrize(
    ("entry", "field", "sentence"),
    [
        ("mon", "windows.1", "mon is not an object"),
        ({}, "windows.1.kind", "kind None does not exist. Use weekly, yearly, date, period."),
        ({"kind": ["weekly"]}, "windows.1.kind", "kind ['weekly'] does not exist."),
        ({**WEEKLY, "kind": "monthly"}, "windows.1.kind", "kind monthly does not exist."),
        (
            {**YEARLY, "year": 2026},
            "windows.1.year",
            "a yearly window has no year. It has kind, month, day, label.",
        ),
        ({**WEEKLY, "until": "x"}, "windows.1.until", "a weekly window has no until."),
        ({**WEEKLY, "days": "mon"}, "windows.1.days", "days mon is not a list."),
        ({**WEEKLY, "days": []}, "windows.1.days", "days is empty."),
        (
            {**WEEKLY, "days": ["mon", "Funday"]},
            "windows.1.days",
            "day Funday does not exist. Use mon, tue, wed, thu, fri, sat, sun.",
        ),
        ({**WEEKLY, "days": [{}]}, "windows.1.days", "day {} does not exist."),
        ({**WEEKLY, "from": "24:00"}, "windows.1.from", "24:00 is not a time. Use 00:00 to 23:59."),
        ({**WEEKLY, "to": "24:01"}, "windows.1.to", "24:01 is not a time. Use 00:00 to 24:00."),
        ({**WEEKLY, "from": "8:00"}, "windows.1.from", "8:00 is not a time."),
        ({**WEEKLY, "from": "08:00\n"}, "windows.1.from", "is not a time."),
        ({**WEEKLY, "from": "\u0660\u0668:\u0660\u0660"}, "windows.1.from", "is not a time."),
        ({**WEEKLY, "from": 8}, "windows.1.from", "from 8 is not a time."),
        ({**WEEKLY, "from": ""}, "windows.1.from", "a weekly window needs from."),
        ({"kind": "date"}, "windows.1.date", "a date window needs date."),
        ({**YEARLY, "month": 13}, "windows.1.month", "month 13 does not exist. Use 1 to 12."),
        ({**YEARLY, "month": "12"}, "windows.1.month", "month 12 does not exist."),
        ({**YEARLY, "month": True}, "windows.1.month", "month True does not exist."),
        ({**YEARLY, "month": 2, "day": 30}, "windows.1.day", "day 30 does not exist. Use 1 to 29."),
        ({**YEARLY, "month": 4, "day": 31}, "windows.1.day", "day 31 does not exist. Use 1 to 30."),
        ({**DATE, "date": "2026-02-29"}, "windows.1.date", "date 2026-02-29 is not a date."),
        ({**DATE, "date": "2026-W01-1"}, "windows.1.date", "2026-W01-1 is not a date."),
        ({**DATE, "date": "20261225"}, "windows.1.date", "20261225 is not a date."),
        ({**DATE, "date": "9999-12-25"}, "windows.1.date", "Use the years 1970 to 9980."),
        (
            {**DATE, "until": "2026-12-24"},
            "windows.1.until",
            "until 2026-12-24 is before date 2026-12-25.",
        ),
        (
            {**PERIOD, "start": "2026-12-24T18:00:00"},
            "windows.1.start",
            "start 2026-12-24T18:00:00 is not a moment with an offset.",
        ),
        ({**PERIOD, "start": "soon"}, "windows.1.start", "soon is not a moment"),
        ({**PERIOD, "end": "9999-12-31T23:59:59Z"}, "windows.1.end", "is too far."),
        (
            {**PERIOD, "end": PERIOD["start"]},
            "windows.1.end",
            "end 2026-12-24T18:00:00+01:00 is not after start 2026-12-24T18:00:00+01:00.",
        ),
        ({**YEARLY, "label": "x" * 201}, "windows.1.label", "has 201 characters. Use up to 200."),
        ({**YEARLY, "label": "two\nlines"}, "windows.1.label", "cannot be shown."),
        ({**YEARLY, "label": "half \ud800"}, "windows.1.label", "cannot be shown."),
        ({**YEARLY, "label": 7}, "windows.1.label", "label 7 cannot be shown."),
    ],
)
def test_a_wrong_entry_is_refused_by_number_value_and_what_is_allowed(
    entry: object, field: str, sentence: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_windows([YEARLY, entry])

    assert [*caught.value.fields] == [field]
    assert caught.value.message.startswith("Window 2: ")
    assert sentence in caught.value.message


def test_every_wrong_entry_is_named() -> None:
    with pytest.raises(InvalidError) as caught:
        parse_windows([{**YEARLY, "day": 32}, YEARLY, {**DATE, "date": "x"}])

    assert [*caught.value.fields] == ["windows.0.day", "windows.2.date"]


def test_the_message_stays_short_however_many_are_wrong() -> None:
    with pytest.raises(InvalidError) as caught:
        parse_windows([{"kind": "x" * 10_000}] * 5000)

    assert len(caught.value.message) < 5000


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ([YEARLY] * 5001, "5,001 windows are too many. Use up to 5,000."),
        ({"kind": "yearly"}, "is not a list of windows."),
        ("[]", "[] is not a list of windows."),
        (None, "None is not a list of windows."),
    ],
)
def test_what_is_no_list_of_windows_is_refused(entries: object, sentence: str) -> None:
    with pytest.raises(InvalidError) as caught:
        parse_windows(entries)

    assert sentence in caught.value.fields["windows"]


def test_the_largest_list_is_accepted() -> None:
    assert len(parse_windows([YEARLY] * 5000)) == 5000
