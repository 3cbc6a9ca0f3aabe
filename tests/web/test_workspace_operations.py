"""The page of a workspace with infrastructure: where it stands, and doing something about it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs.domain.permissions import SYSTEM
from jobs.models import Execution, Job, Workspace
from jobs.services import workspaces
from jobs.services.workspaces import parse_workspace
from tests.factories import make_execution

pytestmark = pytest.mark.django_db
RESOURCES = [{"address": "null_resource.site", "type": "null_resource", "status": "ok"}]


def make_workspace(**operations: object) -> Workspace:
    told = {"template": "shop", "timezone": "UTC", **operations}
    return workspaces.create(parse_workspace({"name": "my-app", "operations": told}), actor=SYSTEM)


def deployed(row: Workspace) -> Execution:
    """Record a deployment with one resource."""
    job = Job.objects.get(workspace=row, name="workspace-deploy")
    now = timezone.now()
    result = {"resources": RESOURCES}
    made = make_execution(job, state="succeeded", finished_at=now, result=result)
    Job.objects.filter(pk=job.pk).update(
        last_execution_id=made.pk, last_state="succeeded", last_finished_at=now, last_success_at=now
    )
    return made


def page_of(client: Client, name: str = "workspace") -> str:
    return client.get(reverse(name, args=["my-app"])).content.decode()


def test_the_page_tells_where_a_workspace_stands_and_asks_before_it_acts(
    operator_client: Client, viewer_client: Client
) -> None:
    """S1-55: status, schedules, next deploy and destroy, and buttons for both."""
    row = make_workspace(mode_schedules={"busy": "0 9 * * 1-5"}, destroy_schedule=["0 18 * * 1-5"])
    before = page_of(operator_client)
    first_question = page_of(operator_client, "workspace_deploy")
    deployed(row)
    page = page_of(operator_client)
    question = page_of(operator_client, "workspace_destroy")
    again = operator_client.get(reverse("p_workspace_deploy", args=["my-app"]) + "?mode=busy")

    assert "Not deployed yet" in before
    listed = viewer_client.get(reverse("workspaces")).content.decode()
    assert ">Deployed</span>" in listed
    assert "Nothing is deployed" in before
    assert "everything of the template is made" in first_question
    assert all(word in page for word in ("Deployed", "null_resource.site", "Next destruction"))
    assert "Mode busy…" in page
    assert "Destroyed for good: null_resource.site." in question
    assert "1 resource is there" in again.content.decode()
    assert "In mode busy." in again.content.decode()
    assert "Deploy…" not in page_of(viewer_client)
    assert viewer_client.post(reverse("workspace_deploy", args=["my-app"])).status_code != 200
    assert Execution.objects.filter(state="queued").count() == 0, "nobody has said yes"


def test_saying_yes_starts_it_and_stopping_ends_it(operator_client: Client) -> None:
    """S1-55: the buttons do what they say."""
    make_workspace()
    started = operator_client.post(
        reverse("workspace_deploy", args=["my-app"]), {"mode": "busy"}, follow=True
    )
    going = Execution.objects.get()
    stop = page_of(operator_client, "workspace_cancel")
    stopped = operator_client.post(reverse("workspace_cancel", args=["my-app"]), follow=True)
    nothing = operator_client.post(
        reverse("p_workspace_cancel", args=["my-app"]), headers={"HX-Request": "true"}
    )

    assert f"Deploying my-app: run #{going.pk}." in started.content.decode()
    assert (going.parameters, going.job.name) == ({"mode": "busy"}, "workspace-deploy")
    assert "Stop…" in started.content.decode()
    assert "some missing" in stop
    assert "Asked the operation of my-app to end" in stopped.content.decode()
    going.refresh_from_db()
    assert going.state == "cancelled"
    assert nothing.status_code == 409
    assert "neither being deployed nor destroyed" in nothing.content.decode()


@pytest.mark.usefixtures("given_contexts")
def test_the_form_carries_all_that_is_decided_and_names_what_is_wrong(
    editor_client: Client,
) -> None:
    told = {
        "mode_schedules": {"busy": ["0 9 * * *", "0 10 * * *"]},
        "destroy_schedule": False,
        "environment": {"LEVEL": "a=b"},
        "timeout_seconds": 90.0,
        "custom_deploy": {"plan_command": "echo a", "apply_command": "make"},
        "custom_destroy": {"destroy_command": "make clean"},
    }
    row = make_workspace(**told)
    url = reverse("workspace_edit", args=["my-app"])
    shown = editor_client.get(url).context["form"]
    values = {name: shown.data.get(name, "") for name in shown.fields}

    same = editor_client.post(url, values)
    config = row.config
    row.refresh_from_db()
    wrong = editor_client.post(
        url, {**values, "mode_schedules": "", "deploy_schedule": "61 * * * *", "timeout": "abc"}
    )
    emptied = editor_client.post(url, {**dict.fromkeys(values, ""), "description": "No more"})

    assert same.status_code == 303
    assert row.config == config
    assert config["destroy_schedule"] is False
    assert config["custom_deploy"]["apply_command"] == "make"
    assert wrong.status_code == 422
    errors = wrong.context["form"].errors
    assert "timeout" in errors
    assert emptied.status_code == 303
    row.refresh_from_db()
    assert (row.description, row.template) == ("No more", "")
    assert not Job.objects.present().filter(workspace=row).exists(), "nothing is said any more"
