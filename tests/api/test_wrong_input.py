"""Whatever is wrong gets a 4xx with a sentence that names the value and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.callers import Caller
from tests.factories import make_execution, make_job
from tests.wrong_input import TAKEN, WRONG_BODIES, WRONG_DEFINITIONS


@pytest.mark.parametrize("case", WRONG_DEFINITIONS)
def test_a_wrong_definition_is_refused(as_editor: Caller, case: str) -> None:
    make_job(name=TAKEN)
    body, words = WRONG_DEFINITIONS[case]

    answer = as_editor.post("/jobs", body)

    assert answer.status == (409 if case == "name taken" else 400)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == answer.status
    assert all(word in answer.json["detail"] for word in words), answer.json
    assert answer.json["fields"]


@pytest.mark.parametrize("case", WRONG_DEFINITIONS)
def test_a_wrong_change_is_refused_and_changes_nothing(as_editor: Caller, case: str) -> None:
    make_job(name=TAKEN)
    job = make_job(name="mine")
    body, words = WRONG_DEFINITIONS[case]
    changes = {**body, "name": body["name"] if case in {"name taken", "bad name"} else "mine"}

    answer = as_editor.call("PATCH", f"/jobs/{job.pk}", changes)

    assert answer.status in {400, 409}
    assert all(word in answer.json["detail"] for word in words), answer.json
    job.refresh_from_db()
    assert (job.version, job.name) == (1, "mine")


@pytest.mark.parametrize("case", WRONG_BODIES)
def test_a_wrong_body_is_refused(as_editor: Caller, case: str) -> None:
    body, words = WRONG_BODIES[case]

    answer = as_editor.call("POST", "/jobs", raw=body)

    assert answer.status == 400
    assert all(word in answer.json["detail"] for word in words), answer.json


@pytest.mark.parametrize("operation", ["", "/pause"])
def test_every_reader_of_bodies_refuses_what_is_no_object(
    as_editor: Caller, operation: str
) -> None:
    job = make_job()
    method = "POST" if operation else "PATCH"

    answer = as_editor.call(method, f"/jobs/{job.pk}{operation}", raw=b"[")

    assert answer.status == 400


def test_a_body_of_more_than_a_megabyte_is_refused(as_editor: Caller) -> None:
    answer = as_editor.call("POST", "/jobs", raw=b" " * 1_000_001)

    assert (answer.status, answer.json["code"]) == (413, "too_large")


def test_a_packed_body_is_refused(as_editor: Caller) -> None:
    answer = as_editor.call("POST", "/jobs", raw=b"\x1f\x8b", Content_Encoding="gzip")

    assert answer.status == 415


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("/jobs?state=wild", ("'wild'", "active, paused or auto_disabled")),
        ("/jobs?limit=0", ("limit", "1 or more")),
        ("/jobs?limit=501", ("limit", "500 or less")),
        ("/jobs?limit=many", ("limit", "many")),
        ("/jobs?cursor=abc", ("cursor", "abc")),
        ("/jobs?search=%00", ("search", "NUL")),
        ("/jobs?search=" + "x" * 300, ("search", "200")),
        ("/executions?state=queued,odd", ("'odd'", "succeeded")),
        ("/executions?trigger=odd", ("'odd'", "schedule")),
        ("/executions?job_id=0", ("job_id",)),
        ("/executions?job_id=99999999999999999999", ("job_id", "too large")),
        ("/executions?since=yesterday", ("since", "yesterday")),
        ("/executions?until=99999-01-01T00:00:00Z", ("until",)),
        ("/ledger?from=0001-01-01T00:00:00Z", ("from", "years")),
        ("/ledger?format=xml", ("'xml'", "jsonl or csv")),
        ("/ledger?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", ("later",)),
        ("/jobs/{job}/next?count=0", ("count",)),
        ("/jobs/{job}/next?count=1001", ("count", "1000")),
        ("/executions/{execution}/log?from=-1", ("from", "-1")),
        ("/executions/{execution}/log?stream=stdin", ("stdin", "stdout")),
        ("/executions/{execution}?wait=-1", ("wait", "-1")),
        ("/executions/{execution}?wait=nan", ("wait",)),
    ],
)
def test_a_wrong_query_is_refused(as_viewer: Caller, query: str, words: tuple[str, ...]) -> None:
    execution = make_execution()
    path = query.format(job=execution.job_id, execution=execution.pk)

    answer = as_viewer.get(path)

    assert answer.status == 400, answer.content
    assert all(word in answer.json["detail"] for word in words), answer.json
    assert answer.json["code"] == "invalid"


@pytest.mark.parametrize(
    "path",
    [
        "/jobs/4711",
        "/jobs/0",
        "/jobs/abc",
        "/jobs/-1",
        "/jobs/" + "9" * 18,
        "/jobs/" + "9" * 400,
        "/jobs/1.0",
        "/jobs/4711/next",
        "/executions/4711",
        "/executions/4711/log",
        "/ledger?job_id=4711",
        "/jobs?workspace=my-app",
        "/nothing",
        "/jobs/%2e%2e/%2e%2e/etc",
    ],
)
def test_what_does_not_exist_is_404(as_viewer: Caller, path: str) -> None:
    answer = as_viewer.get(path)

    assert (answer.status, answer.json["code"]) == (404, "not_found")


def test_a_wrong_method_names_the_right_ones(as_viewer: Caller) -> None:
    answer = as_viewer.call("PUT", "/jobs")

    assert (answer.status, answer.headers["Allow"]) == (405, "GET, POST")
    assert "PUT" in answer.json["detail"]


def test_a_failing_server_tells_nothing(as_viewer: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any) -> None:
        raise RuntimeError("SELECT secret FROM /etc/passwd")

    monkeypatch.setattr("jobs.api.v1.jobs.list_jobs", broken)
    as_viewer.client.raise_request_exception = False

    answer = as_viewer.get("/jobs")

    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert b"secret" not in answer.content
