"""iCalendar files as windows: files as programs really write them, and files that do harm."""

from __future__ import annotations

import os
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from jobs.domain.calendars import Calendar, parse_windows
from jobs.domain.errors import InvalidError, ZoneError
from jobs.domain.states import CalendarMode
from jobs.services import ical
from jobs.services.ical import MAX_BYTES, windows_from_ics

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

GOOGLE_HOLIDAYS = """BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:PUBLISH
X-WR-CALNAME:Holidays in France
X-WR-TIMEZONE:UTC
BEGIN:VEVENT
DTSTART;VALUE=DATE:20261225
DTEND;VALUE=DATE:20261226
DTSTAMP:20260601T100000Z
UID:20261225_abc@google.com
CLASS:PUBLIC
DESCRIPTION:Public holiday
SEQUENCE:0
STATUS:CONFIRMED
SUMMARY:Christmas Day
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260714
DTEND;VALUE=DATE:20260715
DTSTAMP:20260601T100000Z
UID:20260714_abc@google.com
DESCRIPTION:Public holiday\\nTo hide observances\\, go to Google Calendar Setting
 s > Holidays in France
STATUS:CONFIRMED
SUMMARY:Bastille Day\\, or "la fête
  nationale"
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20200714
DTEND;VALUE=DATE:20200715
UID:20200714_abc@google.com
SUMMARY:Bastille Day
TRANSP:TRANSPARENT
END:VEVENT
END:VCALENDAR
"""

OUTLOOK = """BEGIN:VCALENDAR
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
VERSION:2.0
METHOD:PUBLISH
X-MS-OLK-FORCEINSPECTOROPEN:TRUE
BEGIN:VTIMEZONE
TZID:Our Own Time
BEGIN:STANDARD
DTSTART:16011028T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
CLASS:PUBLIC
DTSTART;TZID="Our Own Time":20261020T220000
DTEND;TZID="Our Own Time":20261021T000000
RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=TU
UID:040000008200E00074C5B7101A82E008
SUMMARY;LANGUAGE=de:Wartung
TRANSP:OPAQUE
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
BEGIN:VALARM
TRIGGER:-PT15M
ACTION:DISPLAY
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
BEGIN:VEVENT
DTSTART;TZID=W. Europe Standard Time:20260701T080000
DTEND;TZID=W. Europe Standard Time:20260701T090000
UID:2
SUMMARY:Named as Windows does
END:VEVENT
END:VCALENDAR
"""


def file_of(*events: str) -> str:
    """Return an iCalendar file with these events."""
    blocks = (
        f"BEGIN:VEVENT\nUID:{n}\n{text.strip()}\nEND:VEVENT\n" for n, text in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//t//t//EN\n{''.join(blocks)}END:VCALENDAR\n"


def imported(
    *events: str, timezone: str = "Europe/Paris", now: datetime = NOW, years: int = 10
) -> list[dict[str, Any]]:
    """Return the windows of a file with these events, less empty labels."""
    windows = windows_from_ics(file_of(*events), timezone=timezone, now=now, years=years)
    return [{key: value for key, value in one.items() if value != ""} for one in windows]


def refusal(text: bytes | str, years: int = 10) -> str:
    """Return why a file is refused."""
    with pytest.raises(InvalidError) as caught:
        windows_from_ics(text, timezone="Europe/Paris", now=NOW, years=years)
    return caught.value.message


def test_a_calendar_of_public_holidays_becomes_dates() -> None:
    windows = windows_from_ics(
        GOOGLE_HOLIDAYS.replace("\n", "\r\n").encode("utf-8-sig"), timezone="Europe/Paris", now=NOW
    )

    assert windows == [
        {"kind": "date", "date": "2026-07-14", "label": 'Bastille Day, or "la fête nationale"'},
        {"kind": "date", "date": "2026-12-25", "label": "Christmas Day"},
    ]


def test_times_are_in_the_zone_that_the_file_defines_or_names() -> None:
    windows = windows_from_ics(OUTLOOK, timezone="Asia/Jakarta", now=NOW)

    # The clocks of that zone go back on 25 October.
    assert [(one["start"], one["end"], one["label"]) for one in windows] == [
        ("2026-07-01T06:00:00Z", "2026-07-01T07:00:00Z", "Named as Windows does"),
        ("2026-10-20T20:00:00Z", "2026-10-20T22:00:00Z", "Wartung"),
        ("2026-10-27T21:00:00Z", "2026-10-27T23:00:00Z", "Wartung"),
        ("2026-11-03T21:00:00Z", "2026-11-03T23:00:00Z", "Wartung"),
    ]


def test_floating_times_are_in_the_calendars_zone() -> None:
    event = "DTSTART:20260701T080000\nDURATION:PT90M"

    assert imported(event, timezone="Asia/Kathmandu") == [
        {"kind": "period", "start": "2026-07-01T02:15:00Z", "end": "2026-07-01T03:45:00Z"}
    ]


def test_an_imported_file_holds_back_what_it_says() -> None:
    windows = parse_windows(windows_from_ics(GOOGLE_HOLIDAYS, timezone="Europe/Paris", now=NOW))
    calendar = Calendar(
        name="France", mode=CalendarMode.BLOCK, timezone="Europe/Paris", windows=windows
    )

    noon = int(datetime(2026, 12, 25, 12, tzinfo=UTC).timestamp()) * 1_000_000

    assert calendar.holds_at(noon) == "Christmas Day"
    assert calendar.holds_at(noon + 86_400_000_000) is None


def test_several_days_end_before_the_end_that_the_file_gives() -> None:
    event = "DTSTART;VALUE=DATE:20261224\nDTEND;VALUE=DATE:20270102\nSUMMARY:Closed"

    assert imported(event) == [
        {"kind": "date", "date": "2026-12-24", "until": "2027-01-01", "label": "Closed"}
    ]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY",
        "FREQ=YEARLY;INTERVAL=1;WKST=MO",
        "FREQ=YEARLY;BYMONTH=12",
        "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25",
    ],
)
def test_a_day_of_every_year_becomes_a_yearly_window(rule: str) -> None:
    event = f"DTSTART;VALUE=DATE:20101225\nDTEND;VALUE=DATE:20101226\nRRULE:{rule}\nSUMMARY:Xmas"

    assert imported(event) == [{"kind": "yearly", "month": 12, "day": 25, "label": "Xmas"}]


@pytest.mark.parametrize(
    ("more", "dates"),
    [
        ("RRULE:FREQ=YEARLY;UNTIL=20271225", ["2025-12-25", "2026-12-25", "2027-12-25"]),
        ("RRULE:FREQ=YEARLY;INTERVAL=2", ["2026-12-25", "2028-12-25"]),
        ("RRULE:FREQ=YEARLY;COUNT=17", ["2025-12-25", "2026-12-25"]),
        (
            "RRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20261225",
            ["2025-12-25", "2027-12-25", "2028-12-25"],
        ),
        (
            "RRULE:FREQ=YEARLY;UNTIL=20261225\nRDATE;VALUE=DATE:20260801,20260701",
            ["2025-12-25", "2026-07-01", "2026-08-01", "2026-12-25"],
        ),
        # The fourth Thursday of November; the start counts whatever the rule says.
        ("RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["2025-11-27", "2026-11-26", "2027-11-25"]),
    ],
)
def test_other_rules_are_written_out(more: str, dates: list[str]) -> None:
    found = imported(f"DTSTART;VALUE=DATE:20101225\n{more}", years=3)

    shown = [one["date"] for one in found]
    assert {one["kind"] for one in found} == {"date"}
    assert shown[: len(dates)] == dates
    assert max(shown) < "2029-06-10"


def test_a_series_that_starts_in_years_does_not_hold_back_before() -> None:
    windows = imported("DTSTART;VALUE=DATE:20301225\nRRULE:FREQ=YEARLY")

    assert [one["date"] for one in windows][:2] == ["2030-12-25", "2031-12-25"]


def test_a_series_keeps_its_time_of_day_when_the_clocks_change() -> None:
    event = (
        "DTSTART;TZID=Europe/Paris:20261023T090000\nDTEND;TZID=Europe/Paris:20261023T100000\n"
        "RRULE:FREQ=DAILY;UNTIL=20261026T080000Z"
    )

    assert [one["start"] for one in imported(event)] == [
        "2026-10-23T07:00:00Z",
        "2026-10-24T07:00:00Z",
        "2026-10-25T08:00:00Z",
        "2026-10-26T08:00:00Z",
    ]


def test_an_end_gives_an_exact_length_and_days_of_a_duration_follow_the_clock() -> None:
    start = "DTSTART;TZID=Europe/Paris:20261017T120000\nRRULE:FREQ=WEEKLY;COUNT=2\n"

    by_end = imported(f"{start}DTEND;TZID=Europe/Paris:20261018T120000")
    by_days = imported(f"{start}DURATION:P1D")

    # From 24 October 12:00 to 25 October 12:00 it is 25 hours.
    assert by_end[1]["end"] == "2026-10-25T10:00:00Z"
    assert by_days[1]["end"] == "2026-10-25T11:00:00Z"


def test_exceptions_and_moved_occurrences_are_honoured() -> None:
    series = (
        "DTSTART;TZID=Europe/Paris:20260601T220000\nDTEND;TZID=Europe/Paris:20260601T230000\n"
        "RRULE:FREQ=DAILY;COUNT=6\nSUMMARY:Window\n"
        "EXDATE;TZID=Europe/Paris:20260602T220000\nEXDATE:20260603T200000Z\n"
        "EXDATE;VALUE=DATE:20260604"
    )
    moved = (
        "RECURRENCE-ID;TZID=Europe/Paris:20260605T220000\n"
        "DTSTART;TZID=Europe/Paris:20260607T100000\nDTEND;TZID=Europe/Paris:20260607T120000\n"
        "SUMMARY:Moved"
    )
    dropped = (
        "RECURRENCE-ID:20260606T200000Z\nDTSTART:20260606T200000Z\nDTEND:20260606T210000Z\n"
        "STATUS:CANCELLED"
    )
    text = (
        file_of(series, moved, dropped).replace("UID:1\n", "UID:0\n").replace("UID:2\n", "UID:0\n")
    )

    windows = windows_from_ics(text, timezone="UTC", now=NOW)

    assert [(one["start"], one["label"]) for one in windows] == [
        ("2026-06-01T20:00:00Z", "Window"),
        ("2026-06-07T08:00:00Z", "Moved"),
    ]


def test_periods_of_their_own_length_are_taken() -> None:
    event = (
        "DTSTART:20260701T100000Z\nDTEND:20260701T110000Z\n"
        "RDATE;VALUE=PERIOD:20260703T100000Z/PT3H,20260702T100000Z/20260702T103000Z"
    )

    assert [(one["start"][8:13], one["end"][8:16]) for one in imported(event)] == [
        ("01T10", "01T11:00"),
        ("02T10", "02T10:30"),
        ("03T10", "03T13:00"),
    ]


def test_what_takes_no_time_is_left_out() -> None:
    windows = imported(
        "DTSTART:20260701T080000Z\nDTEND:20260701T090000Z\nSUMMARY:Busy",
        "DTSTART:20260702T080000Z\nDTEND:20260702T090000Z\nTRANSP:TRANSPARENT",
        "DTSTART:20260703T080000Z\nDTEND:20260703T090000Z\nSTATUS:CANCELLED",
        "DTSTART:20260704T080000Z",
        "DTSTART:20250101T080000Z\nDTEND:20250101T090000Z",
    )

    assert [one["label"] for one in windows] == ["Busy"]


def test_equal_events_make_one_window_and_labels_are_one_short_line() -> None:
    event = "DTSTART;VALUE=DATE:20260701\nSUMMARY:Two\\n\t lines \u00a0\u200e" + "x" * 300

    windows = imported(event, event)

    assert len(windows) == 1
    assert windows[0]["label"].startswith("Two lines xxx")
    assert len(windows[0]["label"]) == 200


def test_a_zone_with_the_name_of_a_program_in_front_is_known() -> None:
    event = "DTSTART;TZID=/example.org/20260101_1/Asia/Tokyo:20260701T090000\nDURATION:PT1H"

    assert imported(event)[0]["start"] == "2026-07-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The file is empty."),
        (b" \r\n", "The file is empty."),
        ("hello", "The file is not iCalendar: it has no line BEGIN:VCALENDAR."),
        ("<html>BEGIN:VCALENDAR\nEND:VCALENDAR", "The file is not iCalendar: "),
        (GOOGLE_HOLIDAYS[:-20], "The file is cut off: it does not end with END:VCALENDAR."),
        (file_of(), "The file has no events (VEVENT)"),
        (b"BEGIN:VCALENDAR\nX:\xe9\nEND:VCALENDAR", "The file is not UTF-8 (byte 19)."),
        ("BEGIN:VCALENDAR" + " " * MAX_BYTES, "The file has 1,000,015 bytes. Use one of up to"),
        (file_of("SUMMARY:Party"), "the event Party: it has no start (DTSTART)."),
        (file_of("DTSTART:banana\nSUMMARY:Party"), "the event Party: "),
        (
            file_of("DTSTART;TZID=Middle/Earth:20260701T090000\nDURATION:PT1H\nSUMMARY:Party"),
            "the event Party: it is in the time zone Middle/Earth, which neither the file nor",
        ),
        (
            file_of("DTSTART:20260701T090000Z\nDTEND:20260701T080000Z\nSUMMARY:Party"),
            "the event Party: its end 2026-07-01 08:00:00+00:00 is before its start",
        ),
        (
            file_of("DTSTART;VALUE=DATE:20260701\nDTEND:20260701T080000Z\nSUMMARY:Party"),
            "the event Party: one of start and end is a date, the other a time.",
        ),
        (
            file_of("DTSTART:20260701T090000Z\nDURATION:PT1H\nRRULE:FREQ=SOMETIMES\nSUMMARY:Party"),
            "the event Party: ",
        ),
        (
            file_of("DTSTART:20260701T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;INTERVAL=0"),
            "the event 0: INTERVAL=0 never goes on; use 1 or more.",
        ),
        (
            file_of("DTSTART;VALUE=DATE:20260701\nEXRULE:FREQ=DAILY\nSUMMARY:Party"),
            "the event Party: EXRULE is not supported",
        ),
        (
            file_of("RECURRENCE-ID;RANGE=THISANDFUTURE:20260701T090000Z\nDTSTART:20260701T100000Z"),
            "RANGE=THISANDFUTURE is not supported",
        ),
        (
            file_of("DTSTART:20200701T090000Z\nDTEND:20200701T100000Z"),
            "takes time: they are cancelled, without length or ended before 2025-05-31.",
        ),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_in_words(
    text: bytes | str, sentence: str
) -> None:
    assert sentence in refusal(text)


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (
            "DTSTART:19700101T000000Z\nDURATION:PT1S\nRRULE:FREQ=SECONDLY\nSUMMARY:Bomb",
            "the event Bomb: it repeats every second for ever; use DAILY or longer.",
        ),
        pytest.param(
            "DTSTART:20260101T000000Z\nDURATION:PT1M\nRRULE:FREQ=MINUTELY;COUNT=1000000\nSUMMARY:Bomb",
            "With the event Bomb the file makes more than 5,000 windows.",
            marks=pytest.mark.long,
        ),
        pytest.param(
            # Never: dateutil looks at every second up to the year 9999.
            "DTSTART:20260101T000000Z\nRRULE:FREQ=SECONDLY;COUNT=5;BYMONTH=2;BYMONTHDAY=30\nSUMMARY:Bomb",
            "Working out when the event Bomb occurs takes too long.",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_rule_that_explodes_is_refused_in_time(
    event: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ical, "CPU_SECONDS", 2)
    before = time.monotonic()

    message = refusal(file_of(event))

    assert sentence in message
    assert time.monotonic() - before < 60


@pytest.mark.long
def test_a_large_honest_file_is_imported() -> None:
    first = date(2026, 1, 1)
    days = [first + timedelta(days=number) for number in range(4_900)]
    text = file_of(*(f"DTSTART;VALUE=DATE:{day:%Y%m%d}\nSUMMARY:Day {day}" for day in days))

    windows = windows_from_ics(text, timezone="UTC", now=NOW)

    assert len(windows) == 4_900


@pytest.mark.long
def test_a_daily_event_fits_for_ten_years_and_two_do_not() -> None:
    daily = "DTSTART;VALUE=DATE:20200101\nRRULE:FREQ=DAILY\nSUMMARY:{}"

    one = windows_from_ics(file_of(daily.format("a")), timezone="UTC", now=NOW)

    assert 4_000 < len(one) < 4_100
    assert "With the event b" in refusal(file_of(daily.format("a"), daily.format("b")))


def test_unknown_zones_and_years_are_refused() -> None:
    with pytest.raises(ZoneError):
        windows_from_ics(GOOGLE_HOLIDAYS, timezone="Europe/Pariss", now=NOW)

    assert "0 years are out of bounds. Use 1 to 50." in refusal(GOOGLE_HOLIDAYS, years=0)


def test_the_reader_gets_none_of_the_servers_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    # A broken one stops the reader if it is passed on.
    monkeypatch.setitem(os.environ, "PYTHONHOME", "/nowhere")

    assert windows_from_ics(GOOGLE_HOLIDAYS, timezone="UTC", now=NOW)
