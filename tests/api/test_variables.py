"""Variables over the API: made, changed, deleted; a secret goes in and never comes out."""

from __future__ import annotations

import pytest

from jobs.models import AuditEntry
from tests.api.callers import Caller
from tests.factories import make_job, make_variable

pytestmark = pytest.mark.django_db
CANARY = "canary-7f3a-secret"


def test_a_variable_is_made_changed_listed_and_deleted(as_editor: Caller) -> None:
    made = as_editor.post("/variables", {"name": "host", "value": "a.lan"})
    path = made.headers["Location"]

    changed = as_editor.call("PATCH", path, {"value": "b.lan", "description": "of the database"})

    assert (made.status, made.json["scope"], made.json["value"]) == (201, "global", "a.lan")
    assert (changed.json["value"], changed.json["description"]) == ("b.lan", "of the database")
    assert as_editor.get("/variables?name=host").json["items"] == [changed.json]
    assert as_editor.get("/variables?scope=job").json["items"] == []
    assert as_editor.post("/variables", {"name": "host", "value": "x"}).status == 409
    assert as_editor.call("DELETE", path).status == 204
    assert as_editor.get(path).status == 404


def test_no_answer_holds_a_secret(as_editor: Caller) -> None:
    job = make_job(spec={"command": "echo {{key}}"})
    sent = {"name": "key", "value": CANARY, "secret": True, "job_id": job.pk}

    made = as_editor.post("/variables", sent)
    path = made.headers["Location"]
    answers = [
        made,
        as_editor.post("/variables", sent),
        as_editor.call("PATCH", path, {"value": f"{CANARY}-2"}),
        as_editor.call("PATCH", path, {"value": [CANARY]}),
        as_editor.call("PATCH", path, {"secret": False}),
        as_editor.call("PATCH", path, {"value": CANARY * 5000}),
        *[as_editor.get(url) for url in (path, "/variables", f"/variables?search={CANARY}",
          f"/jobs/{job.pk}", f"/jobs/{job.pk}/variables", "/jobs")],
    ]  # fmt: skip

    assert [answer.status for answer in answers[:6]] == [201, 409, 200, 400, 400, 400]
    assert made.json["value"] is None
    assert made.json["changed_by"] != ""
    assert not [answer for answer in answers if CANARY.encode() in answer.content]
    entries = AuditEntry.objects.values_list("before", "after", "note")
    assert CANARY not in str(list(entries))


def test_one_that_jobs_name_is_deleted_only_with_confirm(as_editor: Caller) -> None:
    row = make_variable(name="host")
    job = make_job(name="needs-it", spec={"command": "ping {{host}}"})

    refused = as_editor.call("DELETE", f"/variables/{row.pk}")
    naming = as_editor.get(f"/variables/{row.pk}/jobs")
    done = as_editor.call("DELETE", f"/variables/{row.pk}?confirm=true")

    assert (refused.status, refused.json["code"]) == (409, "wrong_state")
    assert "needs-it" in refused.json["detail"]
    assert naming.json["items"] == [{"job_id": job.pk, "name": "needs-it"}]
    assert done.status == 204


def test_a_job_says_which_names_are_unknown(as_viewer: Caller) -> None:
    row = make_variable(name="host")
    job = make_job(spec={"command": "ping {{host}} {{count}}"})

    items = as_viewer.get(f"/jobs/{job.pk}/variables").json["items"]

    assert [(one["name"], one["known"], one["places"]) for one in items] == [
        ("count", False, ["command"]),
        ("host", True, ["command"]),
    ]
    assert items[1]["variable_id"] == row.pk


def test_a_name_cannot_be_changed(as_editor: Caller) -> None:
    row = make_variable()

    answer = as_editor.call("PATCH", f"/variables/{row.pk}", {"name": "other"})

    assert answer.status == 400
    assert "cannot be changed" in answer.json["detail"]
