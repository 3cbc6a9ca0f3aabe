"""What only pages could do before: edits of many jobs, own rules, preferences, the installation."""

from __future__ import annotations

import pytest

from jobs.domain.permissions import SYSTEM, Role
from jobs.models import ConfigFile, Execution, FileJob, Job
from jobs.services import access, tokens
from jobs.services.stored_definitions import definition_of
from tests.api.callers import Caller, caller
from tests.factories import (
    cron,
    make_alert,
    make_execution,
    make_job,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_administrator(db: None) -> Caller:
    """Return an administrator's token."""
    return caller(Role.ADMINISTRATOR)


def test_an_edit_of_many_is_told_made_once_and_taken_back(as_editor: Caller) -> None:
    first = make_job(name="first", schedules=[cron("0 2 * * *")])
    second = make_job(name="second", tags=["late"])
    edit = {"add_tags": ["late"], "shift_minutes": 30}

    told = as_editor.post("/jobs/change/preview", {"ids": [first.pk, second.pk, 9_999], **edit})
    shown = [{"job_id": one["job_id"], "version": one["version"]} for one in told.json["items"]]
    made = [
        as_editor.post("/jobs/change", {"jobs": shown, **edit}, Idempotency_Key="k") for _ in "ab"
    ]
    stale = as_editor.post("/jobs/change", {"jobs": shown[:1], "queue": "slow"})
    versions = [
        {"job_id": one["job_id"], "version": one["version"]}
        for one in made[0].json["items"]
        if one["version"]
    ]
    undone = as_editor.post("/jobs/change/undo", {"jobs": versions})

    assert (told.json["changed"], told.json["unknown"]) == (1, [9_999])
    planned, idle = told.json["items"]
    assert planned["after"]["schedules"][0]["expression"] == "30 2 * * *"
    assert "no schedule with a time of day" in idle["error"]
    assert made[0].content == made[1].content
    codes = [one["code"] for one in made[0].json["items"]]
    assert (codes, made[0].json["done"]) == (["done", "unchanged"], 1)
    assert stale.json["items"][0] | {"detail": ""} == {
        "job_id": first.pk,
        "status": 409,
        "code": "stale",
        "detail": "",
        "version": None,
    }
    assert undone.json["done"] == 1
    assert Job.objects.get(pk=first.pk).tags == []
    assert as_editor.post("/jobs/change", {"jobs": shown}).status == 400


def test_an_edit_of_many_reaches_only_the_callers_jobs() -> None:
    mine, other = make_job(name="mine", tags=["mine"]), make_job(name="other")
    olga = make_user("olga")
    access.grant(olga, Role.EDITOR, tag="mine", actor=SYSTEM)
    limited = Caller(tokens.create(olga, "test")[1])
    edit = {"add_tags": ["x"]}

    told = limited.post("/jobs/change/preview", {"ids": [mine.pk, other.pk], **edit}).json
    jobs = [{"job_id": one.pk, "version": 1} for one in (mine, other)]
    made = limited.post("/jobs/change", {"jobs": jobs, **edit}).json

    assert ([one["name"] for one in told["items"]], told["unknown"]) == (["mine"], [other.pk])
    assert [one["status"] for one in made["items"]] == [200, 404]


def test_a_rule_is_tried_made_changed_and_deleted(as_administrator: Caller) -> None:
    make_job(name="import")
    rule = {
        "name": "No imports",
        "metric": "runs",
        "comparison": "below",
        "threshold": 1,
        "count": 2,
        "job": "import",
        "mute": {"from": "22:00", "to": "06:00", "timezone": "Europe/Paris"},
    }

    tried = as_administrator.post("/alerts/own-rules/trial", rule)
    made = as_administrator.post("/alerts/own-rules", rule)
    path = f"/alerts/own-rules/{made.json['id']}"
    changed = as_administrator.call("PATCH", path, {"threshold": 5})
    wrong = as_administrator.call("PATCH", path, {"count": 0, "channel": "none"})
    taken = as_administrator.post("/alerts/own-rules", rule)
    listed = as_administrator.get("/alerts/own-rules?fields=name,mute")
    deleted = as_administrator.call("DELETE", path)

    assert (tried.status, tried.json["looked_at"]) == (200, 1)
    assert (made.status, made.headers["Location"]) == (201, f"/api/v1{path}")
    assert (changed.json["threshold"], changed.json["mute"]) == (5, rule["mute"])
    assert (wrong.status, set(wrong.json["fields"])) == (400, {"count"})
    assert taken.status == 409
    assert listed.json["items"] == [{"name": "No imports", "mute": rule["mute"]}]
    assert (deleted.status, as_administrator.get(path).status) == (204, 404)


def test_preferences_and_filters_are_the_callers_own(as_viewer: Caller) -> None:
    other = caller(Role.VIEWER, "other")
    asked = {"page": "jobs", "name": "Bad", "query": "state=failed"}

    before = as_viewer.get("/preferences").json
    after = as_viewer.call("PATCH", "/preferences", {"theme": "dark", "job_columns": ["next"]})
    wrong = as_viewer.call("PATCH", "/preferences", {"theme": "pink"})
    kept = as_viewer.post("/filters", asked)
    theirs = other.call("DELETE", f"/filters/{kept.json['id']}")

    assert before["theme"] is None
    assert after.json == {**before, "theme": "dark", "job_columns": ["next"]}
    assert as_viewer.get("/preferences").json == after.json
    assert other.get("/preferences").json == before
    assert (wrong.status, set(wrong.json["fields"])) == (400, {"theme"})
    assert as_viewer.get("/filters?page=jobs").json["items"] == [kept.json]
    assert as_viewer.get("/filters?page=audit").json["items"] == []
    assert theirs.status == 404
    assert as_viewer.post("/filters", asked).json["code"] == "duplicate"
    assert as_viewer.call("DELETE", f"/filters/{kept.json['id']}").status == 204


def test_alerts_are_handled_together(as_operator: Caller) -> None:
    alert = make_alert()

    done = as_operator.post("/alerts/bulk", {"action": "acknowledge", "ids": [alert.pk, 9_999]})
    wrong = as_operator.post("/alerts/bulk", {"action": "forget", "ids": [alert.pk]})

    assert [one["status"] for one in done.json["items"]] == [200, 404]
    assert (done.json["done"], done.json["refused"]) == (1, 1)
    assert (wrong.status, set(wrong.json["fields"])) == (400, {"action"})


def test_a_role_for_some_jobs_is_given_and_taken(as_administrator: Caller) -> None:
    olga, otto = make_user("olga"), make_user("otto")

    given = as_administrator.post(f"/users/{olga.pk}/access", {"role": "editor", "tag": "nightly"})
    wrong = as_administrator.post(
        f"/users/{olga.pk}/access", {"role": "editor", "workspace": "none"}
    )
    path = f"/access/{given.json['id']}"
    others = as_administrator.call("DELETE", f"/users/{otto.pk}{path}")
    listed = as_administrator.get(f"/users/{olga.pk}").json["access"]
    taken = as_administrator.call("DELETE", f"/users/{olga.pk}{path}")

    assert (given.status, listed) == (201, [given.json])
    assert (wrong.status, set(wrong.json["fields"])) == (400, {"workspace"})
    assert (others.status, taken.status) == (404, 204)
    assert as_administrator.get(f"/users/{olga.pk}").json["access"] == []


def test_an_execution_runs_again_with_its_parameters(as_operator: Caller) -> None:
    job = make_job(overlap="allow", max_parallel=5, parameters=[{"name": "day", "type": "string"}])
    given = {"parameters": {"day": "2026-01-31"}}
    before = as_operator.post(f"/jobs/{job.pk}/trigger", given).json["id"]

    again = as_operator.post(f"/executions/{before}/rerun", Idempotency_Key="once")
    repeated = as_operator.post(f"/executions/{before}/rerun", Idempotency_Key="once")

    assert (again.status, again.json["trigger"]) == (202, "retry")
    assert again.json["parameters"] == {"day": "2026-01-31"}
    assert repeated.json["id"] == again.json["id"]
    assert again.headers["Location"] == f"/api/v1/executions/{again.json['id']}"


def test_a_job_is_given_back_to_its_file(as_editor: Caller) -> None:
    job = make_job(name="filed", description="by the file")
    file = ConfigFile.objects.create(path="jobs/filed.json", looked_at=job.created_at)
    FileJob.objects.create(job=job, file=file, definition=definition_of(job))
    as_editor.call("PATCH", f"/jobs/{job.pk}", {"description": "by hand"})

    changed = as_editor.get(f"/jobs/{job.pk}/file").json
    given = as_editor.post(f"/jobs/{job.pk}/give-back")
    unfiled = as_editor.post(f"/jobs/{make_job().pk}/give-back")

    assert changed == {"path": "jobs/filed.json", "fault": "", "overrides": ["description"]}
    assert (given.json["description"], given.headers["ETag"]) == ("by the file", '"3"')
    assert unfiled.status == 409


def test_the_installation_tells_of_itself(as_administrator: Caller) -> None:
    parts = {one["part"] for one in as_administrator.get("/selfcheck").json["items"]}
    canary = as_administrator.post("/canary")
    found = as_administrator.get(f"/canary/{canary.json['execution_id']}").json
    settings = as_administrator.get("/settings").json["items"]
    kept = as_administrator.get("/retention").json
    removed = as_administrator.post("/retention/run").json
    example = as_administrator.post("/examples/disk-space")

    assert {"database", "dispatcher", "disk", "zones"} <= parts
    assert (canary.status, found["state"], found["finding"]) == (202, "queued", None)
    assert as_administrator.get(f"/canary/{make_execution().pk}").status == 404
    secrets = {one["name"]: one["value"] for one in settings if one["secret"]}
    assert secrets
    assert set(secrets.values()) <= {"", "***"}
    assert kept["rules"]["failed_days"] > 0
    assert removed == {"removed": kept["would_remove"], "complete": True}
    assert example.json["jobs"] == ["disk-space"]
    assert Execution.objects.get(pk=example.json["execution_ids"][0]).job.name == "disk-space"
    assert as_administrator.post("/examples/none").status == 404


def test_health_of_queues_and_a_draft_calendar_are_told(as_editor: Caller) -> None:
    make_execution(make_job(queue="slow"), queue="slow")

    health = as_editor.get("/queue-health").json
    trend = as_editor.get("/queue-health/trend?queue=slow&hours=3").json
    window = "from=2026-12-25T00:00:00Z&to=2026-12-26T00:00:00Z"
    draft = {"name": "x", "windows": [{"kind": "date", "date": "2026-12-25", "label": "Xmas"}]}
    spans = as_editor.post(f"/calendars/preview?{window}", draft).json["items"]

    slow = next(one for one in health["items"] if one["queue"] == "slow")
    assert (slow["waiting"], {one["part"] for one in slow["parts"]}) == (
        1,
        {"failure_rate", "processing_speed", "backlog", "throughput"},
    )
    assert (trend["trend"], len(trend["items"])) == ("stable", 3)
    assert as_editor.get("/queue-health/trend?queue=none").status == 404
    assert [one["reason"] for one in spans] != []
