"""Calendars: versions, refusals, and what an edit means for due times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.domain.calendar_text import text_of, windows_from_text
from jobs.domain.calendars import parse_windows
from jobs.domain.errors import (
    ConflictError,
    DuplicateError,
    ForbiddenError,
    InvalidError,
    StateError,
)
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.states import OmissionReason
from jobs.models import AuditEntry, Calendar, Job
from jobs.services import calendars, dispatch
from jobs.services import jobs as job_services
from jobs.services.calendar_import import import_ics
from jobs.services.calendars import parse_calendar
from jobs.services.stored_definitions import definition_of
from tests.factories import every, make_calendar, make_job

pytestmark = pytest.mark.django_db
EDDA = Actor(name="edda", role=Role.EDITOR)
ALWAYS = {"kind": "weekly", "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
          "from": "00:00", "to": "24:00", "label": "Closed"}  # fmt: skip


def ics(*events: str) -> bytes:
    """Return an iCalendar file of events."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20260101T000000Z", *event.split("|")]
        lines += ["END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def test_a_job_that_names_a_calendar_is_held_back_with_its_reason() -> None:
    make_calendar(name="Closed days", windows=[ALWAYS])
    job = make_job(schedules=[every(60)], calendars=["closed DAYS"])
    assert job.next_fire_at is not None

    dispatch.dispatch_due(job.next_fire_at)

    omission = job.omissions.get()
    assert (omission.reason, omission.detail) == (OmissionReason.CALENDAR, "Closed days: Closed")
    assert not job.executions.exists()


def test_a_job_keeps_and_loses_its_calendars_by_its_definition() -> None:
    make_calendar(name="A")
    make_calendar(name="B")
    job = make_job(calendars=["B", "A"])
    assert definition_of(job)["calendars"] == ["A", "B"]

    job_services.update(job.pk, {"calendars": []}, actor=EDDA)

    after = Job.objects.get(pk=job.pk)
    assert not after.uses_calendars
    assert not after.calendars.exists()


def test_an_unknown_calendar_is_refused_with_those_that_exist() -> None:
    make_calendar(name="A")

    with pytest.raises(InvalidError, match=r"Calendar Z does not exist\. Use A"):
        make_job(calendars=["Z"])


def test_a_new_name_keeps_the_links() -> None:
    row = make_calendar(name="old")
    job = make_job(calendars=["old"])

    calendars.update(row.pk, {"name": "new"}, actor=EDDA)

    assert definition_of(Job.objects.get(pk=job.pk))["calendars"] == ["new"]


def test_each_change_is_a_version_with_its_audit_entry() -> None:
    row = make_calendar(name="A", timezone="UTC")

    changed = calendars.update(row.pk, {"timezone": "Europe/Paris"}, actor=EDDA)
    same = calendars.update(row.pk, {"timezone": "Europe/Paris"}, actor=EDDA)

    assert (changed.version, same.version) == (2, 2)
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.actor, entry.object_name) == ("calendar.update", "edda", "A")
    assert (entry.before, entry.after) == ({"timezone": "UTC"}, {"timezone": "Europe/Paris"})


def test_an_edit_of_an_older_version_is_refused() -> None:
    row = make_calendar()
    calendars.update(row.pk, {"description": "x"}, actor=EDDA, expected_version=1)

    with pytest.raises(ConflictError, match="version 2 is current"):
        calendars.update(row.pk, {"description": "y"}, actor=EDDA, expected_version=1)


def test_what_was_due_before_an_edit_is_judged_by_the_windows_of_then() -> None:
    row = make_calendar(windows=[ALWAYS])
    job = make_job(schedules=[every(60)], calendars=[row.name])
    other = make_job(schedules=[every(60)])
    past = datetime.now(UTC) - timedelta(minutes=5)
    for one in (job, other):
        one.schedules.update(anchor_at=past)
        Job.objects.filter(pk=one.pk).update(
            decided_until=past, next_fire_at=past + timedelta(minutes=1)
        )

    calendars.update(row.pk, {"windows": []}, actor=EDDA)
    dispatch.dispatch_due(datetime.now(UTC))

    assert sum(job.omissions.values_list("count", flat=True)) == 5
    assert set(job.omissions.values_list("reason", flat=True)) == {OmissionReason.CALENDAR}
    assert not job.executions.exists()
    assert other.executions.exists()


def test_a_calendar_in_use_cannot_be_deleted_and_names_who_uses_it() -> None:
    row = make_calendar(name="A")
    names = [f"user-{number}" for number in range(7)]
    made = [make_job(name=name, calendars=["A"]) for name in names]

    with pytest.raises(StateError, match=r"user-0, user-1, user-2, user-3, user-4 and 2 more"):
        calendars.delete(row.pk, actor=EDDA)

    for job in made:
        job_services.delete(job.pk, actor=EDDA)
    calendars.delete(row.pk, actor=EDDA)
    assert not Calendar.objects.exists()
    assert AuditEntry.objects.latest("pk").action == "calendar.delete"


def test_a_name_is_taken_whatever_its_letters_case() -> None:
    make_calendar(name="Holidays")

    with pytest.raises(DuplicateError, match="Choose another name"):
        make_calendar(name="HOLIDAYS")


def test_an_operator_may_not_change_calendars() -> None:
    otto = Actor(name="otto", role=Role.OPERATOR)
    row = make_calendar()

    with pytest.raises(ForbiddenError):
        calendars.create(parse_calendar({"name": "x"}), actor=otto)
    with pytest.raises(ForbiddenError):
        calendars.update(row.pk, {"name": "x"}, actor=otto)
    with pytest.raises(ForbiddenError):
        calendars.delete(row.pk, actor=otto)
    with pytest.raises(ForbiddenError):
        import_ics(ics(), {"name": "x"}, actor=otto, now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": ""}, "name", "is not allowed"),
        ({"name": "a,b"}, "name", "without a comma"),
        ({"name": "x" * 101}, "name", "1 to 100"),
        ({"mode": "deny"}, "mode", "block or allow"),
        ({"timezone": "Europe/Pariss"}, "timezone", "Europe/Paris"),
        ({"windows": "mon"}, "windows", "list"),
        ({"windows": ["mon"]}, "windows.0", "not an object"),
        ({"windows": [{"kind": "yearly", "month": 2, "day": 30}]}, "windows.0.day", "30"),
        ({"colour": "red"}, "colour", "does not exist"),
    ],
)
def test_a_wrong_calendar_is_refused(fields: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        parse_calendar({"name": "fine", **fields})

    assert words in refusal.value.fields[field]


def test_a_file_makes_a_calendar_and_replaces_the_windows_of_a_known_one() -> None:
    now = datetime.now(UTC)
    holiday = "DTSTART;VALUE=DATE:20991225|SUMMARY:Christmas"
    other = "DTSTART;VALUE=DATE:20991226|SUMMARY:Boxing Day"

    first, made = import_ics(ics(holiday), {"name": "H"}, actor=EDDA, now=now)
    second, made_again = import_ics(ics(other), {"name": "h"}, actor=EDDA, now=now)

    assert (made, made_again) == (True, False)
    assert (second.pk, second.name, second.version) == (first.pk, "H", 2)
    assert [window["label"] for window in second.windows] == ["Boxing Day"]
    assert second.expanded_until is None


def test_repetitions_that_go_on_say_how_far_they_were_worked_out() -> None:
    now = datetime.now(UTC)
    weekly = "DTSTART;VALUE=DATE:20260105|RRULE:FREQ=WEEKLY|SUMMARY:Maintenance"

    row, _ = import_ics(ics(weekly), {"name": "M"}, actor=SYSTEM, now=now)

    assert row.expanded_until is not None
    assert timedelta(days=9 * 365) < row.expanded_until - now < timedelta(days=11 * 365)
    by_hand = calendars.update(row.pk, {"windows": []}, actor=SYSTEM)
    assert by_hand.expanded_until is None


def test_windows_typed_as_lines_come_back_as_they_were() -> None:
    text = (
        "# quiet\n"
        "mon-fri 22:00-6:00 Nightly\n"
        "sat,sun   Weekend\n"
        "fri-mon 01:00-02:00\n"
        "22:00-24:00 late  night\n"
        "12-25 Christmas\n\n"
        "2026-12-24..2027-01-02 Holidays\n"
        "2026-11-22T10:00Z..2026-11-22T12:00+01:00 Maintenance\n"
    )

    windows = windows_from_text(text)

    assert windows_from_text(text_of(windows)) == windows
    assert text_of(windows).splitlines() == [
        "mon-fri 22:00-06:00 Nightly",
        "sat,sun 00:00-24:00 Weekend",
        "mon,fri,sat,sun 01:00-02:00",
        "daily 22:00-24:00 late night",
        "12-25 Christmas",
        "2026-12-24..2027-01-02 Holidays",
        "2026-11-22T10:00:00Z..2026-11-22T12:00:00+01:00 Maintenance",
    ]
    assert parse_windows([]) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12-25 ok\n\nnever 10:00-11:00", "Line 3: never 10:00-11:00 is no window"),
        ("mon 22-23 Late", "Line 1: mon 22-23 Late is no window"),
        ("mon 25:00-26:00", "Line 1: to 26:00 is not a time"),
        ("# note\n13-40", "Line 2: month 13"),
        ("2026-02-30", "Line 1: date 2026-02-30"),
        ("2026-11-22T10:00..2026-11-22T12:00", "Line 1: start"),
    ],
)
def test_a_wrong_line_is_named(text: str, words: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        windows_from_text(text)

    assert words in refusal.value.fields["windows"]
