"""Parameters of a trigger and files of an execution over the API."""

from __future__ import annotations

import pytest

from jobs.domain.permissions import Role
from jobs.models import Execution
from tests.api.callers import caller
from tests.factories import make_artifact, make_execution, make_job

pytestmark = pytest.mark.django_db


def test_a_trigger_takes_parameters_and_refuses_wrong_ones() -> None:
    job = make_job(
        parameters=[
            {"name": "limit", "type": "integer", "default": 10},
            {"name": "key", "secret": True},
        ],
        overlap="allow",
        max_parallel=9,
    )
    path, api = f"/jobs/{job.pk}/trigger", caller(Role.OPERATOR)

    good = api.call("POST", path, {"parameters": {"limit": "5", "key": "correct horse"}})
    plain = api.call("POST", path, None)
    wrong = api.call("POST", path, {"parameters": {"limit": 1.5, "other": 1}})
    odd = api.call("POST", path, {"limit": 5})

    assert good.json["parameters"] == {"limit": 5, "key": "***"}
    assert plain.json["parameters"] == {"limit": 10}
    assert wrong.status == 400
    assert set(wrong.json["fields"]) == {"parameters.limit", "parameters.other"}
    assert odd.status == 400
    assert Execution.objects.count() == 2
    read = caller(Role.VIEWER).call("GET", f"/executions/{good.json['id']}", None)
    assert read.json["parameters"]["key"] == "***"


def test_a_file_is_listed_and_sent_as_a_download_only() -> None:
    execution = make_execution()
    row = make_artifact(execution, b"<script>alert(1)</script>", name='out/ev"il.html')
    api = caller(Role.VIEWER)

    listed = api.call("GET", f"/executions/{execution.pk}/artifacts", None)
    detail = api.call("GET", f"/executions/{execution.pk}", None)
    other = api.call("GET", f"/executions/{make_execution().pk}/artifacts/{row.pk}", None)

    assert [one["name"] for one in listed.json["items"]] == ['out/ev"il.html']
    assert detail.json["artifacts"] == listed.json["items"]
    assert other.status == 404


def test_a_browser_never_shows_a_file(viewer_client: object) -> None:
    execution = make_execution()
    row = make_artifact(execution, b"<script>alert(1)</script>", name="out/evil.html")

    answer = viewer_client.get(f"/executions/{execution.pk}/artifacts/{row.pk}/")  # type: ignore[attr-defined]

    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="evil.html"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
