"""Many jobs at once, search, and documents of some fields."""

from __future__ import annotations

import pytest

from jobs.models import Execution, Job
from tests.api.callers import Caller
from tests.factories import make_execution, make_job


def test_a_bulk_action_tells_what_became_of_each_job(as_operator: Caller) -> None:
    free, busy = make_job(), make_job(overlap="skip")
    make_execution(busy)
    Job.objects.filter(pk=busy.pk).update(execution_count=1)
    ids = [free.pk, busy.pk, 999, free.pk]

    answer = as_operator.post("/jobs/bulk", {"action": "trigger", "ids": ids}, Idempotency_Key="k")
    again = as_operator.post("/jobs/bulk", {"action": "trigger", "ids": ids}, Idempotency_Key="k")

    made = Execution.objects.get(job=free)
    assert (answer.status, answer.json["done"], answer.json["refused"]) == (200, 1, 2)
    assert [(one["job_id"], one["status"], one["code"]) for one in answer.json["items"]] == [
        (free.pk, 202, "done"),
        (busy.pk, 409, "wrong_state"),
        (999, 404, "not_found"),
    ]
    assert answer.json["items"][0]["execution_id"] == made.pk
    assert "still in progress" in answer.json["items"][1]["detail"]
    assert again.content == answer.content


def test_bulk_pauses_resumes_and_deletes(as_editor: Caller) -> None:
    one, two = make_job(), make_job()

    as_editor.post("/jobs/bulk", {"action": "pause", "ids": [one.pk, two.pk], "reason": "why"})
    paused = list(Job.objects.values_list("state", "state_reason"))
    as_editor.post("/jobs/bulk", {"action": "resume", "ids": [one.pk]})
    as_editor.post("/jobs/bulk", {"action": "delete", "ids": [two.pk]})

    assert paused == [("paused", "why")] * 2
    assert [job.pk for job in Job.objects.present().filter(state="active")] == [one.pk]
    assert Job.objects.present().count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "explode", "ids": [1]}, "action"),
        ({"action": "pause", "ids": []}, "ids"),
        ({"action": "pause", "ids": ["1"]}, "ids.0"),
        ({"action": "pause", "ids": [1], "force": True}, "force"),
        ({"action": "pause", "ids": list(range(1, 502))}, "ids"),
    ],
)
def test_a_wrong_bulk_request_names_the_field(
    as_editor: Caller, body: dict[str, object], field: str
) -> None:
    answer = as_editor.post("/jobs/bulk", body)

    assert (answer.status, list(answer.json["fields"])) == (400, [field])


def test_search_finds_jobs_their_runs_numbers_and_pages(as_viewer: Caller) -> None:
    job = make_job(name="nightly-report")
    execution = make_execution(job)
    Job.objects.filter(pk=job.pk).update(last_execution_id=execution.pk)

    found = as_viewer.get("/search?q=REPORT").json["items"]
    numbered = as_viewer.get(f"/search?q=%23{execution.pk}").json["items"]
    pages = as_viewer.get("/search?q=timeline").json["items"]
    secret = as_viewer.get("/search?q=audit").json["items"]

    assert [(one["kind"], one["id"]) for one in found] == [
        ("job", job.pk),
        ("execution", execution.pk),
    ]
    assert numbered[0]["url"] == f"/executions/{execution.pk}/"
    assert [(one["kind"], one["url"]) for one in pages] == [("page", "/timeline/")]
    assert secret == []
    assert as_viewer.get("/search?q=%20").status == 400


def test_fields_cut_documents_and_lists(as_viewer: Caller) -> None:
    job = make_job(name="report")

    listed = as_viewer.get("/jobs?fields=id,name").json
    one = as_viewer.get(f"/jobs/{job.pk}?fields=name")
    wrong = as_viewer.get("/jobs?fields=id,password")

    assert listed == {"items": [{"id": job.pk, "name": "report"}], "next_cursor": None}
    assert one.json == {"name": "report"}
    assert one.headers["ETag"] == '"1"'
    assert (wrong.status, list(wrong.json["fields"])) == (400, ["fields"])
    assert "'password' is not a field. Use id, " in wrong.json["detail"]
