"""/metrics: what it tells, to whom, and that its labels are bounded."""

from __future__ import annotations

import json
import os
import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from jobs.domain.permissions import SYSTEM, Permission, Role
from jobs.domain.states import ExecutionState
from jobs.models import Stat, WorkerKind
from jobs.queries import metrics
from jobs.services import rollups, tokens
from jobs.services.bulk import create_many
from jobs.services.definitions import parse_definition
from scheduler_site.env import networks
from tests.factories import definition, make_execution, make_job, make_user, make_worker

if TYPE_CHECKING:
    from pytest_django import Settings as SettingsWrapper

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
NOW = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _fresh() -> None:
    metrics.forget_settled()


def read(client: Client) -> dict[str, list[Sample]]:
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.content
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def value(found: dict[str, list[Sample]], name: str, **labels: str) -> float:
    (only,) = [one.value for one in found[name] if one.labels == labels]
    return only


def ended(queue: str, state: str, *, at: datetime = NOW, ran: float = 1.0) -> None:
    rollups.add_ending(
        make_job(queue=queue).pk, queue=queue, state=ExecutionState(state), at=at,
        run_seconds=ran, wait_seconds=0.5,
    )  # fmt: skip


def test_it_tells_jobs_queues_endings_the_engine_and_alerts(viewer_client: Client) -> None:
    """S2-60, S4-78, S4-79."""
    ended("reports", "succeeded", ran=2)
    ended("reports", "failed", at=NOW - timedelta(days=3), ran=50)
    make_job(paused=True)
    make_execution(make_job(), queue="default", queued_at=datetime.now(UTC) - timedelta(seconds=90))
    make_worker(queues=["default"], slots=4, busy=1)
    make_worker(kind=WorkerKind.DISPATCHER.value, tick_at=datetime.now(UTC), slots=0)
    rollups.add_lateness(NOW, [0.01, 2.0])
    rollups.add_rescued(NOW, 3)

    found = read(viewer_client)

    assert value(found, "jobdeck_jobs", state="paused") == 1
    ends = "jobdeck_executions_ended_total"
    assert value(found, ends, queue="reports", outcome="succeeded") == 1
    assert value(found, ends, queue="reports", outcome="failed") == 1
    took = "jobdeck_execution_duration_seconds"
    assert value(found, f"{took}_bucket", queue="reports", le="2.5") == 1
    assert value(found, f"{took}_count", queue="reports") == 2
    assert value(found, f"{took}_sum", queue="reports") == 52
    assert value(found, "jobdeck_queue_waiting", queue="default") == 1
    assert 90 <= value(found, "jobdeck_queue_oldest_wait_seconds", queue="default") < 1000
    assert value(found, "jobdeck_dispatch_lateness_seconds_count") == 2
    assert value(found, "jobdeck_executions_rescued_total") == 3
    assert value(found, "jobdeck_dispatcher_tick_age_seconds") < 1000
    assert value(found, "jobdeck_workers", kind="cluster") == 1
    assert value(found, "jobdeck_alerts_open", severity="critical") == 0
    assert "version" in found["jobdeck_build_info"][0].labels
    ended("reports", "failed")
    again = read(viewer_client)
    assert value(again, ends, queue="reports", outcome="failed") == 2


@pytest.mark.long
def test_a_thousand_jobs_add_no_label_but_those_that_a_setting_names(
    viewer_client: Client, settings: SettingsWrapper
) -> None:
    few = sum(map(len, read(viewer_client).values()))
    definitions = [parse_definition(definition(name=f"many-{n}")) for n in range(1000)]
    create_many(definitions, actor=SYSTEM, anchors=[NOW] * 1000, created_at=NOW)
    assert sum(map(len, read(viewer_client).values())) == few

    settings.JOBDECK = {**settings.JOBDECK, "METRICS_JOBS": ["many-7"]}
    named = read(viewer_client)

    assert {one.labels["job"] for one in named["jobdeck_job_executions_ended_total"]} == {"many-7"}
    assert sum(map(len, named.values())) == few + 2
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    Stat.objects.bulk_create(
        Stat(hour=hour, queue=f"q{n:04}", shard=0, succeeded=1) for n in range(300)
    )
    queues = read(viewer_client)["jobdeck_executions_ended_total"]
    assert len({one.labels["queue"] for one in queues}) == metrics.MOST_QUEUES + 1
    assert sum(one.value for one in queues) == 300


def test_it_answers_who_may_and_who_comes_from_an_allowed_address(
    client: Client, settings: SettingsWrapper
) -> None:
    assert client.get("/metrics").status_code == 401
    owner = make_user("prom", Role.VIEWER)
    _, secret = tokens.create(owner, "scrape", permissions=[Permission.METRICS])
    _, other = tokens.create(owner, "look", permissions=[Permission.READ])
    bearer = {"Authorization": f"Bearer {secret}"}

    assert client.get("/metrics", headers=bearer).status_code == 200
    assert client.post("/metrics", headers=bearer).status_code == 405
    assert client.get("/api/v1/jobs", headers=bearer).status_code == 403
    wrong = client.get("/metrics", headers={"Authorization": f"Bearer {other}"})
    assert wrong.status_code == 403
    assert "metrics.read" in wrong.content.decode()
    settings.JOBDECK = {
        **settings.JOBDECK,
        "METRICS_ALLOW": networks("METRICS_ALLOW", ["10.0.0.0/8"]),
    }
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200


def test_dashboard_and_alert_rules_name_metrics_that_there_are(viewer_client: Client) -> None:
    ended("default", "succeeded")
    make_worker(kind=WorkerKind.DISPATCHER.value, tick_at=NOW, slots=0)
    make_execution(make_job())
    known = set(read(viewer_client))
    for name in ("grafana-dashboard.json", "prometheus-rules.yml"):
        text = (ROOT / "deploy" / name).read_text()

        used = set(re.findall(r"\bjobdeck_[a-z_]+\b", text))

        assert len(used) > 5
        assert used - known == set(), name
    board = json.loads((ROOT / "deploy" / "grafana-dashboard.json").read_text())
    assert len(board["panels"]) >= 8


def test_it_tells_the_memory_of_processes_and_the_times_of_answers(viewer_client: Client) -> None:
    """S0-153, S4-82: by process of this host, and by route of the programs' interfaces."""
    here = make_worker(name="here", host=socket.gethostname(), pid=os.getpid())
    make_worker(name="elsewhere", host="elsewhere", pid=os.getpid())
    make_worker(name="gone", host=socket.gethostname(), pid=2**22 - 3)
    job = make_job()
    route = {"route": "/api/v1/jobs/<id:job_id>", "method": "GET"}
    times = "jobdeck_http_request_duration_seconds"
    before = [
        one.value for one in read(viewer_client).get(f"{times}_count", []) if one.labels == route
    ]

    assert viewer_client.get(f"/api/v1/jobs/{job.pk}").status_code == 200
    found = read(viewer_client)

    assert value(found, f"{times}_count", **route) == sum(before) + 1
    assert value(found, f"{times}_bucket", **route, le="+Inf") == sum(before) + 1
    assert value(found, f"{times}_sum", **route) > 0
    assert not [one for one in found[f"{times}_count"] if one.labels["route"] == "/metrics"]
    memory = {
        (one.labels["kind"], one.labels["name"]): one.value
        for one in found["jobdeck_process_resident_memory_bytes"]
    }
    assert set(memory) == {("web", f"web-{os.getpid()}"), (here.kind, "here")}
    assert all(size > 10_000_000 for size in memory.values())


def test_collection_can_be_switched_off(viewer_client: Client, settings: SettingsWrapper) -> None:
    """S4-61: CRON_ENABLE_METRICS_COLLECTION=false."""
    features = {**settings.JOBDECK["CRON_FEATURES"], "metrics_collection": False}
    settings.JOBDECK = {**settings.JOBDECK, "CRON_FEATURES": features}

    assert viewer_client.get("/metrics").status_code == 404
    assert Client().get("/metrics").status_code == 401
