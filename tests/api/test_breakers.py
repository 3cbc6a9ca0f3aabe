"""Circuit breakers over the API."""

from __future__ import annotations

import pytest

from jobs.models import AuditEntry, Breaker
from tests.api.callers import Caller
from tests.factories import definition, every, make_breaker, make_job

pytestmark = pytest.mark.django_db

SETTINGS = {"threshold": 2, "window_seconds": 60, "open_seconds": 300, "half_open_probes": 1}


def test_a_breaker_from_its_opening_to_its_end(as_editor: Caller) -> None:
    asked = {"name": "paris", **SETTINGS}
    job = as_editor.post("/jobs", definition(breaker=asked, schedules=[every(3600)])).json
    number = Breaker.objects.get().pk

    tripped = as_editor.post(f"/breakers/{number}/trip", {"reason": "moved"})
    refused = as_editor.post(f"/jobs/{job['id']}/trigger")
    forced = as_editor.post(f"/jobs/{job['id']}/trigger?force=true")
    closed = as_editor.post(f"/breakers/{number}/close")

    assert job["breaker"] == "paris"
    facts = [tripped.json[key] for key in ("state", "title", "jobs", "reason", "left_out")]
    assert facts == ["open", "paris", 1, "moved", 0]
    assert tripped.json["next_test_at"] == job["next_fire_at"]
    assert (refused.status, refused.json["code"]) == (409, "wrong_state")
    assert "Circuit breaker paris is OPEN until" in refused.json["detail"]
    assert forced.status == 202
    assert (closed.json["state"], closed.json["next_test_at"]) == ("closed", None)
    assert AuditEntry.objects.filter(object_type="breaker").count() == 3


def test_lists_go_page_by_page_and_by_state(as_operator: Caller) -> None:
    made = [make_breaker(f"b{number}").pk for number in range(4)]
    as_operator.post(f"/breakers/{made[2]}/trip")

    first = as_operator.get("/breakers?limit=3").json
    second = as_operator.get(f"/breakers?limit=3&cursor={first['next_cursor']}").json

    assert [one["id"] for one in first["items"] + second["items"]] == made
    assert second["next_cursor"] is None
    assert [one["id"] for one in as_operator.get("/breakers?state=open").json["items"]] == [made[2]]


def test_what_a_job_answers_can_be_sent_back(as_editor: Caller) -> None:
    own = as_editor.post("/jobs", definition(breaker=SETTINGS)).json

    again = as_editor.call(
        "PATCH", f"/jobs/{own['id']}", {"breaker": own["breaker"], "retry": own["retry"]}
    )

    assert own["breaker"] == SETTINGS
    assert (own["retry"]["on"], own["retry"]["on_exit_codes"]) == (None, None)
    assert (again.status, again.json["version"]) == (200, 1)


@pytest.mark.parametrize(
    ("breaker", "field", "words"),
    [
        ("moon", "breaker", "'moon' does not exist"),
        ({"threshold": 0}, "breaker.threshold", "0 is too small"),
        ({"open_seconds": 0}, "breaker.open_seconds", "0 is too small"),
        ({"colour": "red"}, "breaker.colour", "does not exist"),
        ("../etc", "breaker.name", "is not allowed"),
        (7, "breaker", "7"),
    ],
)
def test_a_wrong_breaker_names_its_field(
    breaker: object, field: str, words: str, as_editor: Caller
) -> None:
    answer = as_editor.post("/jobs", definition(breaker=breaker))

    assert answer.status == 400
    assert words in answer.json["fields"][field]


def test_settings_change_only_where_they_are_shared(as_editor: Caller) -> None:
    shared = make_breaker("paris").pk
    own = make_job(breaker={}).breaker
    assert own is not None

    changed = as_editor.call("PATCH", f"/breakers/{shared}", {"open_seconds": "10m"})
    renamed = as_editor.call("PATCH", f"/breakers/{shared}", {"name": "berlin"})
    refused = as_editor.call("PATCH", f"/breakers/{own.pk}", {"open_seconds": 9})

    assert (changed.json["open_seconds"], changed.json["threshold"]) == (600, 2)
    assert (renamed.status, refused.status) == (400, 409)


def test_a_breaker_in_use_is_not_deleted(as_editor: Caller) -> None:
    number = make_breaker("paris").pk
    job = make_job(breaker="paris")

    refused = as_editor.call("DELETE", f"/breakers/{number}")
    as_editor.call("PATCH", f"/jobs/{job.pk}", {"breaker": None})

    assert refused.status == 409
    assert as_editor.call("DELETE", f"/breakers/{number}").status == 204
    assert as_editor.get(f"/breakers/{number}").status == 404
