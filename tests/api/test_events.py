"""Events over the API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jobs.models import Occurrence
from jobs.services import events
from tests.api.callers import Caller
from tests.factories import make_job

pytestmark = pytest.mark.django_db
DEPLOYMENT = {"event": "@deployment", "detail": "shop 4.2", "key": "shop-4.2"}


def test_a_report_is_taken_once_a_key_and_starts_who_waits(as_operator: Caller) -> None:
    job = make_job(schedules=[{"kind": "event", "event": "@deployment"}])

    first, again = as_operator.post("/events", DEPLOYMENT), as_operator.post("/events", DEPLOYMENT)
    events.serve_open(datetime.now(UTC))

    assert (first.status, again.status) == (202, 202)
    assert first.json["id"] == again.json["id"]
    assert (first.json["served"], first.json["detail"]) == (False, "shop 4.2")
    assert job.executions.get().trigger == "event"
    listed = as_operator.get("/events?event=@deployment").json["items"]
    assert [(one["id"], one["served"]) for one in listed] == [(first.json["id"], True)]
    assert as_operator.get("/events?event=@destroy").json["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "event"),
        ({"event": "@manually"}, "event"),
        ({"event": "@deployment", "key": "x" * 201}, "key"),
        ({"event": "@deployment", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_report_is_refused(as_operator: Caller, body: dict[str, str], field: str) -> None:
    answer = as_operator.post("/events", body)

    assert answer.status == 400
    assert field in answer.json["fields"]
    assert not Occurrence.objects.exists()
