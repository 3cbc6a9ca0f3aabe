"""Statistics: what ended, how long it took, when in the week, against the period before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs.domain.errors import ForbiddenError
from jobs.domain.permissions import Actor, Grant, Role
from jobs.domain.states import ExecutionState
from jobs.models import Job
from jobs.queries import stats
from jobs.services import rollups
from tests.conftest import signed_in
from tests.factories import make_job, make_user

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


def ended(job: Job, ago: timedelta, state: str = "succeeded", *, ran: float = 1.0) -> None:
    rollups.add_ending(
        job.pk, queue=job.queue, state=ExecutionState(state), at=NOW - ago, run_seconds=ran,
        wait_seconds=0.5,
    )  # fmt: skip


def ask(client: Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_job_s_statistics_say_rate_quantiles_days_week_and_trend(viewer_client: Client) -> None:
    job, other = make_job(), make_job()
    for seconds in range(1, 100):
        ended(job, timedelta(hours=seconds), ran=seconds)
    ended(job, timedelta(hours=3), "failed", ran=1)
    ended(job, timedelta(hours=3), "cancelled", ran=9999)
    ended(job, timedelta(days=9), "failed", ran=500)
    ended(other, timedelta(hours=1), "failed")

    with CaptureQueriesContext(connection) as asked:
        stats.of_job(job.pk, stats.Window.WEEK, NOW)
    statements = [one["sql"] for one in asked.captured_queries]
    week = ask(viewer_client, f"/api/v1/jobs/{job.pk}/stats?timezone=Asia/Jakarta")
    day = ask(viewer_client, f"/api/v1/jobs/{job.pk}/stats?window=24h")

    assert len(statements) == 3
    assert all("jobs_jobstat" in one for one in statements)
    now = week["now"]
    assert (now["succeeded"], now["failed"], now["cancelled"], now["ended"]) == (99, 1, 1, 100)
    assert now["success_rate"] == 0.99
    assert now["duration"]["p50"] == pytest.approx(50, rel=0.3)
    assert now["duration"]["p95"] == pytest.approx(95, rel=0.1)
    assert 90 < now["duration"]["p99"] <= now["duration"]["longest"] == 99
    assert now["wait"] is None
    assert week["before"]["success_rate"] == 0
    assert week["success_rate_change"] == 0.99
    assert week["p95_change"] == pytest.approx(95 / 500 - 1, rel=0.3)
    assert sum(one["succeeded"] + one["failed"] for one in week["parts"]) == 100
    assert len(week["parts"]) in {7, 8}, "the first and the last day may be cut"
    assert all(one["at"].endswith("17:00:00Z") for one in week["parts"]), "midnight there"
    assert sum(one["ended"] for one in week["heat"]) == 100
    assert sum(one["failed"] for one in week["heat"]) == 1
    assert len(day["parts"]) == 24
    # The hour may have ended since the module was read.
    assert day["now"]["ended"] in {23, 24, 25}


def test_all_a_queue_and_a_workspace(viewer_client: Client) -> None:
    job, other = make_job(), make_job(queue="reports")
    ended(job, timedelta(hours=1))
    ended(other, timedelta(hours=1), "failed", ran=2)

    assert ask(viewer_client, "/api/v1/stats")["now"]["success_rate"] == 0.5
    queue = ask(viewer_client, "/api/v1/stats?queue=reports&window=24h")["now"]
    assert (queue["ended"], queue["success_rate"]) == (1, 0)
    assert queue["wait"]["p99"] == pytest.approx(0.5, rel=0.3)
    assert ask(viewer_client, "/api/v1/stats?workspace=nobody")["now"]["success_rate"] is None
    wrong = viewer_client.get("/api/v1/stats?window=5d")
    assert wrong.status_code == 400
    assert "24h" in wrong.content.decode()


def test_who_sees_some_jobs_gets_their_figures_only() -> None:
    mine, other = make_job(tags=["mine"]), make_job()
    ended(mine, timedelta(hours=1))
    ended(other, timedelta(hours=1), "failed")
    reader = Actor(name="lena", role=None, grants=(Grant(role=Role.VIEWER, tag="mine"),))

    found = stats.of_all(stats.Window.DAY, NOW, seen_by=reader)

    assert (found.now.ended, found.now.success_rate) == (1, 1.0)
    assert sum(runs for runs, _ in found.heat.values()) == 1
    with pytest.raises(ForbiddenError):
        stats.of_all(stats.Window.DAY, NOW, seen_by=reader, queue="default")
    stranger = signed_in(make_user("nobody"))
    assert stranger.get("/api/v1/stats").status_code == 403


def test_the_product_tells_how_punctual_it_was(viewer_client: Client) -> None:
    rollups.add_lateness(NOW, [0.01] * 98 + [1.0] * 2)
    rollups.add_rescued(NOW, 3)
    ended(make_job(), timedelta(0))

    found = ask(viewer_client, "/api/v1/self-watch")

    assert found["dispatch_lateness"]["p50"] == pytest.approx(0.01, rel=0.6)
    assert found["dispatch_lateness"]["p99"] > 0.5
    assert (found["dispatched"], found["rescued"]) == (100, 3)
    assert found["queue_wait"]["p50"] == pytest.approx(0.5, rel=0.3)
    assert found["tick_age_seconds"] is None
