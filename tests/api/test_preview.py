"""The preview: words, next due times, and what is wrong, before anything is saved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.api.callers import Caller
from tests.factories import cron, every, make_calendar, make_freeze, make_job

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


def test_both_clocks_are_told_beside_each_run(as_viewer: Caller) -> None:
    body = {
        "schedules": [cron("30 2 * * *", "Europe/Paris")],
        "count": 1,
        "from": AT_DST,
        "viewer_timezone": "Asia/Jakarta",
    }

    found = as_viewer.post("/preview", body).json

    assert (found["timezone"], found["viewer_timezone"]) == ("Europe/Paris", "Asia/Jakarta")
    assert found["runs"] == [
        {
            "at": "2026-03-28T01:30:00Z",
            "job_time": "2026-03-28T02:30:00+01:00",
            "viewer_time": "2026-03-28T08:30:00+07:00",
            "about": False,
            "held": None,
        }
    ]


def test_the_next_two_clock_changes_say_what_happens(as_viewer: Caller) -> None:
    wrong = cron("61 * * * *")
    body = {"schedules": [wrong, cron("30 2 * * *", "Europe/Paris"), cron("0 * * * *")]}

    spring, autumn = as_viewer.post("/preview", {**body, "from": AT_DST}).json["clock_changes"]

    assert (spring["timezone"], spring["at"]) == ("Europe/Paris", "2026-03-29T01:00:00Z")
    assert spring["words"] == "On 2026-03-29 the clocks go forward from 02:00 to 03:00."
    assert spring["effects"] == ["Schedule 2: 02:30 does not exist: it runs once, at 03:00."]
    assert spring["touched"] is True
    assert autumn["effects"] == [
        "Schedule 2: 02:30 comes twice: it runs once, the first time (02:30 +02:00)."
    ]


def test_fifty_runs_of_an_interval_that_counts_from_the_end(as_viewer: Caller) -> None:
    body = {"schedules": [every(3600, "completion")], "count": 50, "from": AT_DST}

    found = as_viewer.post("/preview", body).json

    assert len(found["items"]) == len(found["schedules"][0]["items"]) == 50
    assert [run["about"] for run in found["runs"]] == [False] + 49 * [True]


def test_an_edit_is_compared_with_the_job(as_viewer: Caller) -> None:
    job = make_job(schedules=[cron("0 9 * * *"), every(86_400)])
    body = {
        "job_id": job.pk,
        "schedules": [cron("0 10 * * *"), every(86_400), cron("0 12 1-31 * *")],
        "from": AT_DST,
    }

    diff = as_viewer.post("/preview", body).json["diff"]

    assert (diff["start"], diff["end"]) == (AT_DST, "2026-04-27T00:00:00Z")
    counts = [diff[f"{name}_count"] for name in ("before", "after", "added", "removed", "moved")]
    assert counts == [30, 60, 60, 30, 0]
    assert diff["kept_count"] == 0
    assert diff["compared_until"] == diff["end"]


def test_two_lists_of_schedules_are_compared(as_viewer: Caller) -> None:
    body = {
        "before": [cron("0 9 * * *")],
        "schedules": [cron("30 9 * * *")],
        "from": AT_DST,
    }

    diff = as_viewer.post("/preview", body).json["diff"]

    assert (diff["added_count"], diff["removed_count"], diff["moved_count"]) == (0, 0, 30)
    assert diff["moved"][0] == {
        "before": "2026-03-28T09:00:00Z",
        "after": "2026-03-28T09:30:00Z",
    }


def test_an_unchanged_interval_keeps_its_grid(as_viewer: Caller) -> None:
    job = make_job(schedules=[every(3600)])

    found = as_viewer.post("/preview", {"job_id": job.pk, "schedules": [every(3600)]}).json

    assert found["diff"]["kept_count"] == 720
    assert found["items"][0] == as_viewer.get(f"/jobs/{job.pk}/next").json["items"][0]


def test_a_wrong_schedule_before_is_named(as_viewer: Caller) -> None:
    body = {"before": [cron("61 * * * *")], "schedules": [], "from": AT_DST}

    found = as_viewer.post("/preview", body).json

    assert "61" in found["errors"]["before.0.expression"]
    assert found["diff"]["before_count"] == 0


def test_a_job_or_zone_that_does_not_exist(as_viewer: Caller) -> None:
    unknown = as_viewer.post("/preview", {"schedules": [], "job_id": 4711})
    zone = as_viewer.post("/preview", {"schedules": [], "viewer_timezone": "Europe/Pariss"})

    assert unknown.status == 404
    assert zone.status == 400
    assert "Europe/Paris" in zone.json["fields"]["viewer_timezone"]


@pytest.mark.parametrize("start", ["9990-12-31T23:59:59Z", "0002-01-01T00:00:00Z"])
def test_the_ends_of_the_calendar(start: str, as_viewer: Caller) -> None:
    schedules = [cron("0 0 * * *", "Europe/Paris"), every(60, "completion"), every(60)]

    answer = as_viewer.post("/preview", {"schedules": schedules, "before": [], "from": start})

    assert answer.status == 200


def test_a_limit_counts_what_was_executed_already(as_viewer: Caller) -> None:
    limited = {**cron("0 9 * * *"), "max_executions": 5}
    job = make_job(schedules=[limited])
    job.schedules.update(fired_count=3)

    def told(schedule: dict[str, object]) -> tuple[int, int]:
        found = as_viewer.post(
            "/preview", {"job_id": job.pk, "schedules": [schedule], "count": 50}
        ).json
        return len(found["items"]), found["diff"]["added_count"]

    assert told(limited) == (2, 0)
    assert told({**limited, "max_executions": 10}) == (7, 5)
    assert told({**limited, "max_executions": 3}) == (0, 0)


def test_what_is_held_back_is_told_with_its_reason(as_viewer: Caller) -> None:
    make_calendar(name="Holidays")
    body = {"schedules": [cron("0 9 24-26 12 *")], "count": 2, "from": AT_DST}

    found = as_viewer.post("/preview", {**body, "calendars": ["holidays"]}).json

    assert found["items"] == ["2026-12-24T09:00:00Z", "2026-12-26T09:00:00Z"]
    assert found["schedules"][0]["items"] == found["items"]
    assert [run["held"] and run["held"]["reason"] for run in found["runs"]] == [
        None,
        "calendar",
        None,
    ]
    assert found["runs"][1]["held"]["detail"].startswith("Holidays: Christmas")
    assert (found["runs"][1]["held"]["count"], found["looked_until"]) == (1, None)


def test_a_calendar_that_does_not_exist_is_named(as_viewer: Caller) -> None:
    body = {"schedules": [cron("0 9 * * *")], "calendars": ["holydays"], "count": 2}

    found = as_viewer.post("/preview", body).json

    assert "holydays does not exist" in found["errors"]["calendars"]
    assert len(found["items"]) == 2


def test_the_job_s_own_calendars_and_tags_count_unless_others_are_given(
    as_viewer: Caller,
) -> None:
    make_calendar(name="Holidays")
    year = timedelta(days=365, hours=23)
    make_freeze(scope="tag", target="nightly", ends_at=datetime.now(UTC) + year)
    job = make_job(schedules=[cron("0 9 25 12 *")], calendars=["Holidays"], tags=["nightly"])

    def reasons(**given: object) -> set[str]:
        body = {"job_id": job.pk, "schedules": [cron("0 9 25 12 *")], "count": 1, **given}
        found = as_viewer.post("/preview", body).json
        return {run["held"]["reason"] for run in found["runs"] if run["held"]}

    assert reasons() == {"frozen", "calendar"}
    assert reasons(tags=[]) == {"calendar"}
    assert reasons(calendars=[]) == {"frozen"}
    assert reasons(calendars=[], tags=[]) == set()


def test_the_load_is_told(as_viewer: Caller) -> None:
    make_job(schedules=[cron("0 9 * * *")])
    body = {"schedules": [cron("0 9 * * *")]}

    load = as_viewer.post("/preview", body).json["load"]

    assert (load["runs_in_seven_days"], load["seconds"], load["measured"]) == (7, None, 0)
    assert load["crowd"]["jobs"] == 1
