"""No face makes two jobs that register the same resources."""

from __future__ import annotations

import json

from django.test import Client
from django.urls import reverse

from jobs.models import Job
from tests.api.callers import Caller
from tests.factories import cron, definition, make_job
from tests.web.browserform import sent

KIND = "registerCspResources"
SPEC = {"ns_id": "production", "connection_name": "aws", "option": "vNet, sshKey"}


def test_a_second_registration_is_refused_by_the_api(as_editor: Caller) -> None:
    """S0-31, S0-33, S0-34: order of the options, defaults and schedules make no other configuration."""
    first = as_editor.post("/jobs", definition(type=KIND, spec=SPEC)).json
    same = {**SPEC, "option": "sshKey,vNet", "mci_name_prefix": "mci"}
    other = as_editor.post("/jobs", definition(type=KIND, spec={**SPEC, "ns_id": "test"})).json

    second = as_editor.post(
        "/jobs", definition(type=KIND, spec=same, schedules=[cron("0 * * * *")])
    )
    moved = as_editor.call("PATCH", f"/jobs/{other['id']}", {"spec": same})
    kept = as_editor.call("PATCH", f"/jobs/{first['id']}", {"description": "kept", "spec": same})

    for refused in (second, moved):
        assert refused.status == 409
        assert refused.json["code"] == "duplicate"
        assert refused.json["detail"] == "A job with the same configuration already exists"
        assert refused.json["existing_job_id"] == first["id"]
    assert kept.status == 200
    assert Job.objects.get(pk=other["id"]).spec["ns_id"] == "test"


def test_a_second_registration_is_refused_by_the_form(editor_client: Client) -> None:
    """S0-31: with the name of the job that is there, at its field."""
    make_job(name="first", type=KIND, spec=SPEC)
    other = make_job(type=KIND, spec={**SPEC, "ns_id": "test"})
    address = reverse("job_edit", args=[other.pk])
    html = editor_client.get(address).content.decode()

    form = sent(html, "job-form", spec=json.dumps(SPEC), do="save")
    answer = editor_client.post(address, form)

    assert answer.status_code == 422
    assert "Job first has the same configuration." in answer.content.decode()


def test_after_a_deletion_the_same_can_be_made_again(as_editor: Caller) -> None:
    """S0-35."""
    first = as_editor.post("/jobs", definition(type=KIND, spec=SPEC)).json
    as_editor.call("DELETE", f"/jobs/{first['id']}")

    assert as_editor.post("/jobs", definition(type=KIND, spec=SPEC)).status == 201
