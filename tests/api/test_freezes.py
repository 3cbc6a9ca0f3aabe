"""Freezes over the API."""

from __future__ import annotations

import pytest

from jobs.models import Freeze
from tests.api.callers import Caller
from tests.factories import make_freeze, make_job

pytestmark = pytest.mark.django_db


def test_a_freeze_from_its_beginning_to_its_end(as_operator: Caller) -> None:
    make_job(tags=["nightly"])
    body = {"scope": "tag", "target": "nightly", "reason": "disk full", "duration_seconds": "2h"}

    made = as_operator.post("/freezes", body)
    path = made.headers["Location"]
    changed = as_operator.call("PATCH", path, {"reason": "still full", "ends_at": None})
    lifted = as_operator.post(f"{path}/lift")

    assert made.status == 201
    facts = [made.json[key] for key in ("phase", "jobs", "left_out", "target", "reason")]
    assert facts == ["holding", 1, 0, "nightly", "disk full"]
    assert (changed.json["reason"], changed.json["ends_at"]) == ("still full", None)
    assert (lifted.json["phase"], lifted.status) == ("ended", 200)
    assert as_operator.get(path).json == lifted.json


def test_lists_go_page_by_page_and_by_phase(as_viewer: Caller) -> None:
    made = [make_freeze(reason=str(number)).pk for number in range(5)]

    first = as_viewer.get("/freezes?limit=3").json
    second = as_viewer.get(f"/freezes?limit=3&cursor={first['next_cursor']}").json

    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None
    assert len(as_viewer.get("/freezes?phase=holding").json["items"]) == 5
    assert as_viewer.get("/freezes?phase=planned").json["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "reason"),
        ({"reason": "x", "scope": "galaxy"}, "scope"),
        ({"reason": "x", "scope": "tag"}, "target"),
        ({"reason": "x", "ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
        ({"reason": "x", "starts_at": "yesterday"}, "starts_at"),
    ],
)
def test_a_wrong_freeze_names_the_field(
    as_operator: Caller, body: dict[str, str], field: str
) -> None:
    answer = as_operator.post("/freezes", body)

    assert answer.status == 400
    assert field in answer.json["fields"]
    assert not Freeze.objects.exists()


def test_lifting_twice_is_a_conflict_and_an_unknown_one_is_not_found(as_operator: Caller) -> None:
    made = make_freeze()
    as_operator.post(f"/freezes/{made.pk}/lift")

    assert as_operator.post(f"/freezes/{made.pk}/lift").status == 409
    assert as_operator.post("/freezes/4711/lift").status == 404
