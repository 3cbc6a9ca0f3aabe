"""Backfills over the API: look, start once, follow, pause, resume, cancel."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.domain.permissions import SYSTEM
from jobs.models import Backfill, Execution, Job
from jobs.services import feeding
from jobs.services import jobs as job_services
from jobs.services.triggers import trigger
from tests.api.callers import Caller
from tests.factories import cron, make_backfill, make_freeze, make_job

WINDOW = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T02:59:00Z"}


@pytest.fixture
def job(db: None) -> Job:
    return make_job(name="report", schedules=[cron("0 * * * *")])


def feed() -> None:
    from django.utils import timezone

    Backfill.objects.filter(next_at__isnull=False).update(next_at=timezone.now())
    feeding.feed(timezone.now())


def test_a_preview_lists_the_due_times_and_makes_nothing(job: Job, as_operator: Caller) -> None:
    answer = as_operator.post(f"/jobs/{job.pk}/backfills/preview", WINDOW)

    assert answer.status == 200
    assert answer.json == {
        "count": 3,
        "first_due_at": "2026-01-01T00:00:00Z",
        "last_due_at": "2026-01-01T02:00:00Z",
        "due_times": 3,
        "in_progress": 0,
        "in_other_backfills": 0,
        "now": {"": 3},
        "items": [
            {"due_at": f"2026-01-01T0{hour}:00:00Z", "now": "", "execution_id": None}
            for hour in range(3)
        ],
        "next_cursor": None,
    }
    assert not Backfill.objects.exists()


def test_a_preview_has_pages(job: Job, as_operator: Caller) -> None:
    path = f"/jobs/{job.pk}/backfills/preview?limit=2"

    first = as_operator.post(path, WINDOW).json
    second = as_operator.post(f"{path}&cursor={first['next_cursor']}", WINDOW).json

    shown = [item["due_at"][11:13] for page in (first, second) for item in page["items"]]
    assert shown == ["00", "01", "02"]
    assert second["next_cursor"] is None


def test_a_backfill_is_made_once_and_shows_what_was_asked(job: Job, as_operator: Caller) -> None:
    asked = {**WINDOW, "only": "all", "order": "newest_first", "pace_seconds": "1m"}

    first = as_operator.post(f"/jobs/{job.pk}/backfills", asked)
    again = as_operator.post(f"/jobs/{job.pk}/backfills", asked)

    assert (first.status, again.status) == (201, 200)
    assert first.json["id"] == again.json["id"]
    assert first.headers["Location"] == f"/api/v1/backfills/{first.json['id']}"
    expected = {
        "job_id": job.pk,
        "job": "report",
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-01T02:59:00Z",
        "only": "all",
        "order": "newest_first",
        "pace_seconds": 60.0,
        "state": "running",
        "total": 3,
        "left": 3,
        "succeeded": 0,
        "finished_at": None,
    }
    assert expected.items() <= first.json.items()
    read = as_operator.get(f"/backfills/{first.json['id']}").json
    assert read | {"likely_end_at": ""} == again.json | {"likely_end_at": ""}


@pytest.mark.parametrize(
    ("body", "status", "field", "words"),
    [
        ({}, 400, "from", "required"),
        ({**WINDOW, "only": "some"}, 400, "only", "missed, failed or all"),
        ({"from": "2999-01-01T00:00:00Z"}, 400, "from", "has not passed"),
        ({**WINDOW, "to": "2999-01-01T00:00:00Z"}, 400, "to", "has not passed"),
        ({**WINDOW, "max_parallel": 1000}, 400, "max_parallel", "100 or less"),
        ({**WINDOW, "pace_seconds": "soon"}, 400, "pace_seconds", "soon"),
        ({**WINDOW, "only": "failed"}, 422, "", "none is to be run as failed"),
    ],
)
def test_a_refusal_names_the_field_the_value_and_what_is_allowed(
    job: Job, as_operator: Caller, body: dict[str, Any], status: int, field: str, words: str
) -> None:
    answer = as_operator.post(f"/jobs/{job.pk}/backfills", body)

    assert answer.status == status
    text = answer.json["fields"][field] if field else answer.json["detail"]
    assert words in text
    assert not Backfill.objects.exists()


def test_a_future_start_without_an_end_is_refused_by_its_name(
    job: Job, as_operator: Caller
) -> None:
    answer = as_operator.post(f"/jobs/{job.pk}/backfills", {"from": "2999-01-01T00:00:00Z"})

    assert set(answer.json["fields"]) == {"from"}


def test_its_executions_keep_their_due_times_and_are_found_by_their_trigger(
    job: Job, as_viewer: Caller
) -> None:
    backfill = make_backfill(job)
    feed()

    (run,) = as_viewer.get(f"/executions?job_id={job.pk}&trigger=backfill").json["items"]
    items = as_viewer.get(f"/backfills/{backfill.pk}/items").json["items"]

    assert (run["due_at"], run["trigger"], run["actor"]) == (
        "2025-01-01T00:00:00Z",
        "backfill",
        "system",
    )
    assert [(item["state"], item["execution_id"]) for item in items] == [
        ("queued", run["id"]),
        ("left", None),
        ("left", None),
    ]


def test_items_have_pages_and_a_filter(job: Job, as_viewer: Caller) -> None:
    backfill = make_backfill(job)
    feed()
    path = f"/backfills/{backfill.pk}/items"

    first = as_viewer.get(f"{path}?limit=2").json
    second = as_viewer.get(f"{path}?limit=2&cursor={first['next_cursor']}").json
    live = as_viewer.get(f"{path}?state=live").json["items"]
    left = as_viewer.get(f"{path}?state=left").json["items"]

    assert [len(page["items"]) for page in (first, second)] == [2, 1]
    assert (len(live), len(left)) == (1, 2)
    assert as_viewer.get(f"{path}?state=odd").status == 400


def test_pause_resume_and_cancel(job: Job, as_operator: Caller) -> None:
    path = f"/backfills/{make_backfill(job).pk}"

    states = [as_operator.post(f"{path}/{verb}").json["state"] for verb in ("pause", "resume")]
    cancelled = as_operator.post(f"{path}/cancel").json
    late = as_operator.post(f"{path}/resume")

    assert states == ["paused", "running"]
    assert (cancelled["state"], cancelled["dropped"], cancelled["left"]) == ("cancelled", 3, 0)
    assert (late.status, late.json["code"]) == (409, "wrong_state")


def test_cancel_ends_what_runs_only_when_asked(job: Job, as_operator: Caller) -> None:
    path = f"/backfills/{make_backfill(job).pk}/cancel"
    feed()

    as_operator.post(path)
    kept = Execution.objects.get().state
    as_operator.post(f"{path}?kill=true")

    assert (kept, Execution.objects.get().state) == ("queued", "cancelled")


def test_it_says_what_it_waits_for(job: Job, as_viewer: Caller) -> None:
    execution = trigger(job.pk, actor=SYSTEM)
    path = f"/backfills/{make_backfill(job).pk}"

    busy = as_viewer.get(path).json["waits_for"]
    make_freeze(reason="release")
    frozen = as_viewer.get(path).json["waits_for"]

    assert (busy, frozen) == (f"execution #{execution.pk}", "freeze: release")


def test_a_job_lists_its_backfills_newest_first(job: Job, as_viewer: Caller) -> None:
    first = make_backfill(job)
    second = make_backfill(job, **WINDOW)
    make_backfill()
    path = f"/jobs/{job.pk}/backfills"

    page = as_viewer.get(f"{path}?limit=1").json
    rest = as_viewer.get(f"{path}?limit=1&cursor={page['next_cursor']}").json

    assert [page["items"][0]["id"], rest["items"][0]["id"]] == [second.pk, first.pk]
    assert as_viewer.get(f"{path}?state=paused").json["items"] == []
    assert as_viewer.get("/jobs/999/backfills").status == 404


def test_the_backfills_of_a_deleted_job_stay_readable(job: Job, as_viewer: Caller) -> None:
    backfill = make_backfill(job)
    job_services.delete(job.pk, actor=SYSTEM)

    assert as_viewer.get(f"/backfills/{backfill.pk}").json["state"] == "cancelled"
    assert len(as_viewer.get(f"/jobs/{job.pk}/backfills").json["items"]) == 1


def test_nothing_has_an_unknown_number(as_operator: Caller) -> None:
    for path in ("", "/items"):
        assert as_operator.get(f"/backfills/999{path}").status == 404
    for verb in ("pause", "resume", "cancel"):
        assert as_operator.post(f"/backfills/999/{verb}").status == 404
    assert as_operator.post("/jobs/999/backfills", WINDOW).status == 404
