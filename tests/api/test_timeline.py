"""The timeline for programs has the numbers of the page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from jobs.domain.permissions import SYSTEM
from jobs.models import Job
from jobs.services import workspaces
from tests.api.callers import Caller
from tests.factories import cron, make_execution, make_job, make_worker

NOW = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _fixed_clock() -> Any:
    cache.clear()
    with time_machine.travel(NOW, tick=False):
        yield


def test_a_lane_has_past_and_planned_runs(as_viewer: Caller) -> None:
    job = make_job(name="report", schedules=[cron("30 12 * * *")])
    Job.objects.filter(pk=job.pk).update(last_duration_seconds=90)
    run = make_execution(
        job,
        state="failed",
        started_at=NOW - timedelta(minutes=5),
        finished_at=NOW - timedelta(minutes=4),
    )

    answer = as_viewer.get("/timeline?range=hour").json

    [lane] = answer["lanes"]
    assert (lane["job"], lane["usual_seconds"], lane["cut_before"]) == ("report", 90, None)
    past, planned = lane["marks"]
    assert (past["kind"], past["counts"], past["execution_id"]) == ("run", {"failed": 1}, run.pk)
    assert (planned["kind"], planned["start"], planned["end"]) == (
        "planned",
        "2026-06-01T12:30:00Z",
        "2026-06-01T12:31:30Z",
    )


def test_the_load_names_hot_spots(as_viewer: Caller) -> None:
    make_worker(queues=["default"], slots=4)
    for number in range(14):
        job = make_job(name=f"nightly-{number:02}", schedules=[cron("20 12 * * *")])
        Job.objects.filter(pk=job.pk).update(last_duration_seconds=60)

    load = as_viewer.get("/timeline?range=hour").json["load"]

    [queue] = load["queues"]
    [spot] = queue["hot_spots"]
    assert (queue["queue"], queue["slots"], queue["peak"], queue["starts"]) == (
        "default",
        4,
        14,
        14,
    )
    assert (spot["over"], spot["peak"], spot["jobs"], spot["wait_seconds"]) == (True, 14, 14, 180)
    assert spot["names"] == ["nightly-00", "nightly-01"]
    assert len(spot["job_ids"]) == 14
    assert sum(bucket["starts"] for bucket in queue["buckets"]) == 14


def test_filters_and_pages(as_viewer: Caller) -> None:
    workspaces.create(workspaces.parse_workspace({"name": "data"}), actor=SYSTEM)
    first = make_job(name="one", queue="slow", workspace="data")
    make_job(name="two")

    by_room = as_viewer.get("/timeline?workspace=data&load=false").json
    by_queue = as_viewer.get("/timeline?queue=slow&load=false").json
    by_id = as_viewer.get(f"/timeline?jobs={first.pk}&load=false").json

    assert [lane["job"] for lane in by_queue["lanes"]] == ["one"]
    assert [lane["job"] for lane in by_id["lanes"]] == ["one"]
    assert [lane["job"] for lane in by_room["lanes"]] == ["one"]
    assert (by_queue["matching"], by_queue["more"], by_queue["load"]) == (1, False, None)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("range=year", "hour, 6h, day or week"),
        ("jobs=all", "3-7,12"),
        ("at=0002-01-01T00:00:00Z", "3 to 9900"),
    ],
)
def test_what_makes_no_sense_is_refused(as_viewer: Caller, query: str, words: str) -> None:
    answer = as_viewer.get(f"/timeline?{query}")

    assert answer.status == 400
    assert words in answer.json["detail"]
