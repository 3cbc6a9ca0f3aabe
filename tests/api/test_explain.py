"""Explain over HTTP: the answer as a document, and refusals in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from jobs.domain.permissions import SYSTEM
from jobs.services import jobs as job_services
from jobs.services.dispatch import dispatch_due
from tests.api.callers import Caller
from tests.factories import cron, make_job

START = datetime(2026, 3, 1, 10, 0, 30, tzinfo=UTC)


@pytest.fixture
def path(db: None) -> str:
    """Return the address for a job that is paused since its making."""
    with time_machine.travel(START, tick=False):
        job = make_job(name="report", schedules=[cron("*/5 * * * *", "Europe/Paris")])
        job_services.pause(job.pk, actor=SYSTEM, reason="lunch")
    return f"/jobs/{job.pk}/explain"


@time_machine.travel(datetime(2026, 3, 1, 11, 0, tzinfo=UTC), tick=False)
def test_the_chain_is_told_step_by_step(as_viewer: Caller, path: str) -> None:
    answer = as_viewer.get(f"{path}?at=2026-03-01T10:30:00Z").json

    assert answer["verdict"] == "did_not_run"
    assert answer["due_at"] == answer["at"] == "2026-03-01T10:30:00Z"
    assert answer["timezone"] == "Europe/Paris"
    assert "2026-03-01 11:00:30 Europe/Paris: lunch." in answer["summary"]
    assert [step["title"] for step in answer["steps"]] == [
        "Job", "Definition", "Schedules", "State",
    ]  # fmt: skip
    assert [step["ok"] for step in answer["steps"]] == [True, None, True, False]
    assert answer["steps"][0]["link"] == path.removesuffix("explain")


@time_machine.travel(datetime(2026, 3, 1, 11, 0, tzinfo=UTC), tick=False)
def test_the_future_is_told_too(as_viewer: Caller, path: str) -> None:
    answer = as_viewer.get(f"{path}?at=2026-03-01T12:30:00%2B01:00").json

    assert (answer["verdict"], answer["due_at"]) == ("will_not_run", "2026-03-01T11:30:00Z")


@time_machine.travel(datetime(2026, 3, 1, 11, 0, tzinfo=UTC), tick=False)
def test_a_time_at_which_nothing_is_due_names_the_nearest(as_viewer: Caller, path: str) -> None:
    answer = as_viewer.get(f"{path}?at=2026-03-01T10:33:00Z").json

    assert (answer["verdict"], answer["due_at"]) == ("not_due", None)
    assert answer["nearest"] == [
        {"utc": "2026-03-01T10:30:00Z", "local": "2026-03-01T11:30:00+01:00"},
        {"utc": "2026-03-01T10:35:00Z", "local": "2026-03-01T11:35:00+01:00"},
    ]


def test_an_execution_has_its_link(as_viewer: Caller) -> None:
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(schedules=[cron("* * * * *")])
        clock.shift(60)
        dispatch_due(datetime.now(UTC))

        answer = as_viewer.get(f"/jobs/{job.pk}/explain?at=2026-03-01T10:01:00Z").json

    execution = job.executions.get()
    assert answer["execution_id"] == execution.pk
    assert f"/executions/{execution.pk}/" in [step["link"] for step in answer["steps"]]


@pytest.mark.parametrize("text", ["", "?at=", "?at=soon", "?at=0001-01-01T00:00:00Z", "?at=x%00"])
def test_a_moment_that_is_none_is_refused_by_its_field(
    as_viewer: Caller, path: str, text: str
) -> None:
    answer = as_viewer.get(path + text)

    assert (answer.status, answer.json["code"]) == (400, "invalid")
    assert list(answer.json["fields"]) == ["at"]


def test_the_ends_of_the_calendar_are_answered(as_viewer: Caller, path: str) -> None:
    for text in ("0002-01-01T00:00:00Z", "9990-12-31T23:59:59Z"):
        assert as_viewer.get(f"{path}?at={text}").status == 200


def test_a_missing_job_is_unknown(as_viewer: Caller) -> None:
    assert as_viewer.get("/jobs/999999/explain?at=2026-03-01T10:30:00Z").status == 404
