"""The preview: words, next due times, and what is wrong, before anything is saved."""

from __future__ import annotations

from tests.api.callers import Caller
from tests.factories import cron

AT_DST = "2026-03-28T00:00:00Z"


def test_schedules_are_told_in_words_with_their_next_due_times(as_viewer: Caller) -> None:
    body = {"schedules": [cron("30 2 * * *", "Europe/Paris")], "count": 3, "from": AT_DST}

    found = as_viewer.post("/preview", body).json

    # The last Sunday of March has no half past two: it fires at the first instant after the gap.
    expected = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    assert found["items"] == found["schedules"][0]["items"] == expected
    assert "02:30" in found["schedules"][0]["words"]
    assert found["errors"] == {}


def test_several_schedules_are_merged(as_viewer: Caller) -> None:
    body = {"schedules": [cron("0 * * * *"), cron("0,30 * * * *")], "count": 3, "from": AT_DST}

    items = as_viewer.post("/preview", body).json["items"]

    assert items == ["2026-03-28T00:30:00Z", "2026-03-28T01:00:00Z", "2026-03-28T01:30:00Z"]


def test_a_wrong_schedule_is_named_and_the_others_are_shown(as_viewer: Caller) -> None:
    wrong = cron("61 * * * *", "Europe/Pariss")
    body = {"schedules": [wrong, cron("0 0 * * *")], "count": 1, "from": AT_DST}

    found = as_viewer.post("/preview", body)

    assert found.status == 200
    assert "61" in found.json["errors"]["schedules.0.expression"]
    assert "Europe/Pariss" in found.json["errors"]["schedules.0.timezone"]
    assert found.json["schedules"][1]["errors"] == {}
    assert found.json["items"] == ["2026-03-29T00:00:00Z"]


def test_a_request_that_is_no_preview_is_refused(as_viewer: Caller) -> None:
    for body in ({}, {"schedules": "daily"}, {"schedules": [3]}, {"schedules": [], "count": 0}):
        assert as_viewer.post("/preview", body).status == 400
