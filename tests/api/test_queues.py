"""Queues and clusters over the API."""

from __future__ import annotations

import pytest

from jobs.domain.permissions import Role
from tests.api.callers import caller
from tests.factories import definition, make_execution, make_worker

pytestmark = pytest.mark.django_db


def test_a_queue_is_listed_limited_paused_and_resumed() -> None:
    editor = caller(Role.EDITOR)
    row = make_execution(queue="gpu", requires="cuda")

    limited = editor.call("PATCH", "/queues/gpu", {"limit": 2, "description": "cards"})
    rated = editor.call("PATCH", "/queues/gpu", {"starts_per_minute": 1000})
    paused = editor.call("POST", "/queues/gpu/pause", {"reason": "new driver"})
    again = editor.call("POST", "/queues/gpu/pause")
    (listed,) = editor.call("GET", "/queues").json["items"]
    resumed = editor.call("POST", "/queues/gpu/resume")

    assert (limited.json["limit"], limited.json["description"]) == (2, "cards")
    assert (rated.json["limit"], rated.json["starts_per_minute"]) == (2, 1000)
    assert rated.json["next_start_at"] is None
    assert (paused.json["pause_reason"], again.status) == ("new driver", 409)
    assert listed["paused_at"].endswith("Z")
    assert (listed["waiting"], listed["running"], listed["clusters"]) == (1, 0, 0)
    assert listed["unserved"][0]["requires"] == ["cuda"]
    assert listed["unserved"][0]["oldest_execution_id"] == row.pk
    assert resumed.json["paused_at"] is None
    assert editor.call("POST", "/queues/gpu/resume").status == 409


def test_what_is_wrong_is_refused() -> None:
    editor = caller(Role.EDITOR)

    assert editor.call("GET", "/queues/nobody").status == 404
    assert "'limit'" in str(editor.call("PATCH", "/queues/gpu", {"limit": 0}).json)
    assert editor.call("PATCH", "/queues/gpu", {"limit": 0}).status == 400
    assert editor.call("PATCH", "/queues/gpu", {"starts_per_minute": 1001}).status == 400
    assert editor.call("PATCH", "/queues/gpu", {"starts_per_minute": 0}).status == 400
    assert editor.call("PATCH", "/queues/a%20b", {"limit": 1}).status == 400
    assert editor.call("POST", "/queues/gpu/pause", {"reason": 3}).status == 400
    assert editor.call("POST", "/workers/999999/drain").status == 404


def test_a_cluster_is_drained_and_undrained() -> None:
    operator = caller(Role.OPERATOR)
    worker = make_worker(queues=["default"], labels=["gpu"])

    drained = operator.call("POST", f"/workers/{worker.pk}/drain").json
    (listed,) = operator.call("GET", "/workers").json["items"]

    assert drained["drain_requested_at"] is not None
    assert listed["labels"] == ["gpu"]
    assert listed["drain_requested_by"] == drained["drain_requested_by"] != ""
    assert operator.call("POST", f"/workers/{worker.pk}/undrain").json["drain_requested_at"] is None


def test_a_job_names_mutex_and_labels() -> None:
    editor = caller(Role.EDITOR)

    made = editor.call(
        "POST", "/jobs", definition(mutex="db", requires=["region=eu", "gpu", "gpu"])
    )
    run = editor.call("POST", f"/jobs/{made.json['id']}/trigger").json
    wrong = editor.call("POST", "/jobs", definition(mutex="a b", requires=["x y"]))

    assert (made.json["mutex"], made.json["requires"]) == ("db", ["gpu", "region=eu"])
    from jobs.models import Execution

    stored = Execution.objects.get(pk=run["id"])
    assert (stored.mutex, stored.requires) == ("db", "gpu,region=eu")
    assert wrong.status == 400
    assert "Mutex 'a b' is not allowed" in wrong.json["detail"]
