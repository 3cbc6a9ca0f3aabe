"""Two editors of one job: one wins, the other is told what has changed."""

from __future__ import annotations

from tests.api.callers import Caller
from tests.factories import make_calendar, make_job


def test_of_two_editors_one_wins_and_one_gets_a_diff(as_editor: Caller) -> None:
    job = make_job(description="old", timeout_seconds=60)
    path = f"/jobs/{job.pk}"
    tag = as_editor.get(path).headers["ETag"]
    mine = {"description": "mine", "timeout_seconds": "2m", "owner": "me"}

    won = as_editor.call("PATCH", path, {"description": "theirs", "queue": "q"}, If_Match=tag)
    lost = as_editor.call("PATCH", path, mine, If_Match=tag)
    repeated = as_editor.call("PATCH", path, mine, If_Match=won.headers["ETag"])

    assert (won.status, won.headers["ETag"]) == (200, '"2"')
    assert (lost.status, lost.json["code"], lost.json["version"]) == (409, "stale", 2)
    diff = {one["field"]: one for one in lost.json["diff"]}
    assert diff["description"] == {
        "field": "description",
        "before": "old",
        "now": "theirs",
        "yours": "mine",
    }
    assert (diff["queue"]["before"], diff["queue"]["now"], diff["queue"]["yours"]) == (
        "default",
        "q",
        "q",
    )
    assert set(diff) == {"description", "queue"}
    assert (repeated.status, repeated.json["timeout_seconds"]) == (200, 120)


def test_a_version_that_never_was_shows_what_would_change(as_editor: Caller) -> None:
    job = make_job(description="old")

    lost = as_editor.call("PATCH", f"/jobs/{job.pk}", {"description": "new"}, If_Match='"99"')

    assert [one["field"] for one in lost.json["diff"]] == ["description"]
    assert lost.json["diff"][0]["before"] is None


def test_a_calendar_edited_twice_tells_the_difference(as_editor: Caller) -> None:
    path = f"/calendars/{make_calendar().pk}"
    as_editor.call("PATCH", path, {"description": "theirs"})

    lost = as_editor.call("PATCH", path, {"description": "mine"}, If_Match="1")

    assert (lost.status, lost.json["code"]) == (409, "stale")
    assert lost.json["diff"][0]["now"] == "theirs"
