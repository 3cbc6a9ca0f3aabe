"""Calendars over the API."""

from __future__ import annotations

import pytest

from jobs.models import Calendar
from tests.api.callers import Caller
from tests.api.test_role_matrix import ICALENDAR
from tests.factories import make_calendar, make_job

pytestmark = pytest.mark.django_db


def test_a_calendar_is_made_changed_and_deleted(as_editor: Caller) -> None:
    window = {"kind": "date", "date": "2026-12-28", "until": "2026-12-31", "label": ""}
    made = as_editor.post("/calendars", {"name": "A", "timezone": "UTC", "windows": [window]})
    path = made.headers["Location"]

    changed = as_editor.call("PATCH", path, {"mode": "allow"}, If_Match='"1"')
    late = as_editor.call("PATCH", path, {"mode": "block"}, If_Match='"1"')

    assert (made.status, made.headers["ETag"], made.json["windows"]) == (201, '"1"', [window])
    assert (changed.json["mode"], changed.headers["ETag"]) == ("allow", '"2"')
    assert late.status == 409
    assert as_editor.get("/calendars?name=a").json["items"] == [changed.json]
    assert as_editor.call("DELETE", path).status == 204
    assert as_editor.get(path).status == 404


def test_one_in_use_cannot_be_deleted(as_editor: Caller) -> None:
    row = make_calendar()
    make_job(name="needs-it", calendars=[row.name])

    answer = as_editor.call("DELETE", f"/calendars/{row.pk}")

    assert (answer.status, answer.json["code"]) == (409, "wrong_state")
    assert "needs-it" in answer.json["detail"]


def test_a_file_makes_a_calendar_then_replaces_its_windows(as_editor: Caller) -> None:
    path = "/calendars/import?name=Holidays&timezone=Europe/Paris"

    made = as_editor.call("POST", path, raw=ICALENDAR)
    again = as_editor.call("POST", path, raw=ICALENDAR.replace(b"Christmas", b"Noel"))

    assert (made.status, again.status) == (201, 200)
    assert made.headers["Location"] == f"/api/v1/calendars/{made.json['id']}"
    assert [window["label"] for window in again.json["windows"]] == ["Noel"]
    assert Calendar.objects.get().version == 2


@pytest.mark.parametrize(
    ("query", "raw", "field"),
    [
        ("name=x", b"hello", "file"),
        ("name=x", b"", "file"),
        ("", ICALENDAR, "name"),
        ("name=x&mode=deny", ICALENDAR, "mode"),
        ("name=x&timezone=Mars", ICALENDAR, "timezone"),
    ],
)
def test_a_wrong_import_is_refused(as_editor: Caller, query: str, raw: bytes, field: str) -> None:
    answer = as_editor.call("POST", f"/calendars/import?{query}", raw=raw)

    assert answer.status == 400, answer.content
    assert field in answer.json["fields"]
    assert not Calendar.objects.exists()


def test_spans_are_those_of_the_period(as_viewer: Caller) -> None:
    row = make_calendar(timezone="Europe/Paris")
    spans = f"/calendars/{row.pk}/spans"

    whole = as_viewer.get(f"{spans}?from=2026-12-01T00:00:00Z&to=2027-01-01T00:00:00Z").json
    inside = as_viewer.get(f"{spans}?from=2026-12-25T10:00:00Z&to=2026-12-25T11:00:00Z").json
    before = as_viewer.get(f"{spans}?from=2026-12-24T00:00:00Z&to=2026-12-24T23:00:00Z").json

    assert whole["items"] == [
        {"start": "2026-12-24T23:00:00Z", "end": "2026-12-25T23:00:00Z", "reason": "Christmas"}
    ]
    assert inside["items"] == [{"start": None, "end": None, "reason": "Christmas"}]
    assert before["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        "from=2026-12-02T00:00:00Z&to=2026-12-01T00:00:00Z",
        "from=2026-12-01T00:00:00Z&to=2126-12-01T00:00:00Z",
        "from=soon",
        "limit=0",
    ],
)
def test_a_wrong_period_is_refused(as_viewer: Caller, query: str) -> None:
    assert as_viewer.get(f"/calendars/{make_calendar().pk}/spans?{query}").status == 400
