"""The life of a job over the API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.api.waiting import MAX_WAIT
from jobs.domain.permissions import SYSTEM
from jobs.models import Execution, Job
from jobs.services import jobs as job_services
from jobs.services.definitions import JobDefinition, RetryDefinition, ScheduleDefinition
from tests.api.callers import Caller
from tests.factories import cron, definition, every, make_execution, make_job

REPORT = {
    "name": "report",
    "type": "command",
    "spec": {"command": "date"},
    "schedules": [
        {"kind": "cron", "expression": "*/5 * * * *", "timezone": "Europe/Paris"},
        {"kind": "interval", "seconds": 10, "anchor": "start"},
    ],
    "workspace": None,
    "timeout_seconds": 60,
    "overlap": "skip",
    "misfire": "fire_once",
    "retry": {"max_attempts": 3, "kind": "exponential", "base_seconds": 10},
    "environment": {},
    "tags": [],
}


def test_a_created_job_comes_back_as_it_was_given(as_editor: Caller) -> None:
    made = as_editor.post("/jobs", REPORT)
    read = as_editor.get(f"/jobs/{made.json['id']}")

    assert made.status == 201
    assert made.headers["Location"] == f"/api/v1/jobs/{made.json['id']}"
    assert read.json == made.json
    for name in ("name", "type", "spec", "timeout_seconds", "overlap", "workspace", "tags"):
        assert read.json[name] == REPORT[name]
    assert read.json["retry"]["max_attempts"] == 3
    assert [one["kind"] for one in read.json["schedules"]] == ["cron", "interval"]
    assert (read.json["state"], read.json["execution_count"]) == ("active", 0)
    assert read.json["next_fire_at"].endswith("Z")


def test_all_that_can_be_defined_can_be_read(as_editor: Caller) -> None:
    made = as_editor.post("/jobs", REPORT).json

    assert set(JobDefinition.model_fields) <= set(made)
    assert set(ScheduleDefinition.model_fields) == set(made["schedules"][0])
    assert set(RetryDefinition.model_fields) == set(made["retry"])


def test_a_job_can_be_created_paused(as_editor: Caller) -> None:
    made = as_editor.post("/jobs", {**REPORT, "paused": True}).json

    assert (made["state"], made["next_fire_at"]) == ("paused", None)


def test_a_change_touches_only_what_it_names(as_editor: Caller) -> None:
    made = as_editor.post("/jobs", REPORT).json

    changed = as_editor.call(
        "PATCH", f"/jobs/{made['id']}", {"timeout_seconds": "2m", "retry": {"max_attempts": 1}}
    )

    assert (changed.json["timeout_seconds"], changed.json["version"]) == (120, 2)
    assert changed.json["retry"] == {**made["retry"], "max_attempts": 1}
    assert changed.json["schedules"] == made["schedules"]


def test_a_change_to_an_old_version_is_a_conflict(as_editor: Caller) -> None:
    made = as_editor.post("/jobs", REPORT)
    path = f"/jobs/{made.json['id']}"
    assert made.headers["ETag"] == '"1"'
    first = as_editor.call("PATCH", path, {"owner": "ada"}, If_Match=made.headers["ETag"])

    second = as_editor.call("PATCH", path, {"owner": "bob"}, If_Match=made.headers["ETag"])

    assert (first.status, second.status) == (200, 409)
    assert first.headers["ETag"] == '"2"'
    assert as_editor.get(path).json["owner"] == "ada"
    assert as_editor.call("PATCH", path, {"owner": "b"}, If_Match="yesterday").status == 400


def test_a_job_is_paused_with_a_reason_and_resumed(as_operator: Caller) -> None:
    job = make_job(schedules=[every(60)])

    paused = as_operator.post(f"/jobs/{job.pk}/pause", {"reason": "moving"}).json
    resumed = as_operator.post(f"/jobs/{job.pk}/resume").json

    assert (paused["state"], paused["state_reason"]) == ("paused", "moving")
    assert paused["next_fire_at"] is None
    assert (resumed["state"], resumed["state_reason"]) == ("active", "")
    assert resumed["next_fire_at"] is not None


def test_a_deleted_job_is_gone_and_its_history_stays(as_editor: Caller) -> None:
    execution = make_execution(state="succeeded")

    assert as_editor.call("DELETE", f"/jobs/{execution.job_id}").status == 204

    assert as_editor.get(f"/jobs/{execution.job_id}").status == 404
    assert as_editor.get("/jobs").json["items"] == []
    assert as_editor.get(f"/executions/{execution.pk}").status == 200
    assert as_editor.call("DELETE", f"/jobs/{execution.job_id}").status == 404
    assert as_editor.post(f"/jobs/{execution.job_id}/trigger").status == 404


def test_pages_cover_all_jobs_once(as_viewer: Caller) -> None:
    made = [make_job().pk for _ in range(7)]
    found: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = as_viewer.get(f"/jobs?limit=3{f'&cursor={cursor}' if cursor else ''}").json
        found += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]

    assert found == made


def test_jobs_are_filtered(as_viewer: Caller) -> None:
    nightly = make_job(name="nightly", tags=["finance", "eu"], queue="heavy")
    paused = make_job(name="hourly", paused=True, description="Part of nightly")
    make_job(name="other")

    def names(query: str) -> set[str]:
        return {item["name"] for item in as_viewer.get(f"/jobs?{query}").json["items"]}

    assert names("tag=finance") == {nightly.name}
    assert names("queue=heavy") == {nightly.name}
    assert names("search=nightly") == {nightly.name, paused.name}
    assert names("name=NIGHTLY") == {nightly.name}
    assert names("state=paused") == {paused.name}
    assert names("state=paused,active") == names("state=paused&state=active") == names("limit=9")


def test_a_page_of_jobs_costs_the_same_number_of_queries(as_viewer: Caller) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            as_viewer.get("/jobs")
        return len(queries)

    make_job(tags=["a"], schedules=[every(60)])
    as_viewer.get("/jobs")  # the token's use is noted here
    one = cost()
    for _ in range(9):
        make_job(tags=["a", "b"], schedules=[every(60), every(90)])

    assert cost() == one <= 6


def test_the_next_due_times_begin_with_the_next_fire_time(as_viewer: Caller) -> None:
    job = make_job(schedules=[cron("*/10 * * * *"), cron("*/15 * * * *")])

    items = as_viewer.get(f"/jobs/{job.pk}/next?count=4").json["items"]

    moments = [datetime.fromisoformat(item) for item in items]
    assert moments[0] == job.next_fire_at
    assert moments == sorted(set(moments))
    assert len(moments) == 4
    assert all(at.minute % 10 == 0 or at.minute % 15 == 0 for at in moments)


def test_a_stopped_or_unscheduled_job_has_no_next_due_time(as_viewer: Caller) -> None:
    paused = make_job(schedules=[every(60)], paused=True)
    by_hand = make_job()

    for job, state in ((paused, "paused"), (by_hand, "active")):
        found = as_viewer.get(f"/jobs/{job.pk}/next").json
        nothing: dict[str, object] = {"items": [], "guessed": [], "held": [], "looked_until": None}
        assert found == {**nothing, "state": state}


def test_an_interval_from_the_end_is_sure_of_its_first_due_time_only(as_viewer: Caller) -> None:
    job = make_job(schedules=[every(60, anchor="completion")])
    Job.objects.filter(pk=job.pk).update(last_duration_seconds=30)

    found = as_viewer.get(f"/jobs/{job.pk}/next?count=50").json

    moments = [datetime.fromisoformat(item) for item in found["items"]]
    assert moments[0] == job.next_fire_at
    assert {later - earlier for earlier, later in pairwise(moments)} == {timedelta(seconds=90)}
    assert found["guessed"] == found["items"][1:]
    assert len(moments) == 50


def test_a_trigger_queues_an_execution(as_operator: Caller) -> None:
    job = make_job(paused=True)

    answer = as_operator.post(f"/jobs/{job.pk}/trigger")

    assert answer.status == 202
    assert (answer.json["state"], answer.json["trigger"]) == ("queued", "api")
    assert answer.headers["Location"] == f"/api/v1/executions/{answer.json['id']}"
    assert Job.objects.get(pk=job.pk).state == "paused"


def test_a_repeated_key_starts_nothing_new(as_operator: Caller) -> None:
    job = make_job(overlap="allow", max_parallel=5)
    path = f"/jobs/{job.pk}/trigger"

    first = as_operator.post(path, Idempotency_Key="k1").json
    again = as_operator.post(path, Idempotency_Key="k1").json
    other = as_operator.post(path, Idempotency_Key="k2").json

    assert first["id"] == again["id"] != other["id"]
    assert Execution.objects.filter(job=job).count() == 2
    assert as_operator.post(path, Idempotency_Key="k" * 201).status == 400


def test_a_trigger_beside_a_live_execution_is_refused(as_operator: Caller) -> None:
    job = make_job(overlap="skip")
    running = as_operator.post(f"/jobs/{job.pk}/trigger").json

    answer = as_operator.post(f"/jobs/{job.pk}/trigger")

    assert (answer.status, answer.json["code"]) == (409, "wrong_state")
    assert f"#{running['id']}" in answer.json["detail"]


def test_a_wait_ends_with_its_time(as_operator: Caller) -> None:
    job = make_job()
    began = datetime.now(UTC)

    answer = as_operator.post(f"/jobs/{job.pk}/trigger?wait=0.2")

    assert answer.status == 202
    assert 0.2 <= (datetime.now(UTC) - began).total_seconds() < MAX_WAIT


def test_a_wait_answers_when_the_execution_has_ended(
    as_operator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []

    def end_it(seconds: float) -> None:
        looks.append(seconds)
        Execution.objects.update(state="succeeded", finished_at=datetime.now(UTC))

    monkeypatch.setattr("jobs.api.waiting.time.sleep", end_it)
    job = make_job()

    answer = as_operator.post(f"/jobs/{job.pk}/trigger?wait=30")

    assert (answer.status, answer.json["state"]) == (200, "succeeded")
    assert len(looks) == 1


def test_only_one_request_waits_at_a_time(as_operator: Caller) -> None:
    from jobs.api import waiting

    execution = make_execution()
    with waiting._place:
        began = datetime.now(UTC)
        answer = as_operator.get(f"/executions/{execution.pk}?wait=30")

    assert answer.json["state"] == "queued"
    assert (datetime.now(UTC) - began).total_seconds() < 10


def test_the_overview_counts_jobs_and_live_executions(as_viewer: Caller) -> None:
    """S0-126: the answer says that the store is reachable, and how many jobs it holds."""
    make_job()
    job_services.pause(make_job().pk, actor=SYSTEM)
    make_execution(state="running")

    found = as_viewer.get("/overview").json

    assert found["jobs"] == {"total": 3, "active": 2, "paused": 1, "auto_disabled": 0}
    assert found["executions"]["running"] == 1
    assert found["dispatcher"]["down"] is True
    assert found["store"]["reachable"] is True
    assert found["store"]["engine"] in {"sqlite", "postgresql"}
    assert found["store"]["jobs"] == 3


def test_a_definition_made_by_the_api_can_be_sent_again(as_editor: Caller) -> None:
    made = as_editor.post("/jobs", definition(schedules=[cron("0 0 * * *")])).json
    again = {name: made[name] for name in ("type", "spec", "schedules", "retry", "tags", "queue")}

    copy = as_editor.post("/jobs", {**again, "name": "copy"})

    assert copy.status == 201
    assert copy.json["schedules"] == made["schedules"]
