"""The pages of workspaces: list, one with its jobs, form, disabling and deleting."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM, Role
from jobs.models import Workspace
from jobs.services import access, workspaces
from tests.conftest import signed_in
from tests.factories import every, make_job, make_user


def room(name: str) -> Workspace:
    return workspaces.create(workspaces.parse_workspace({"name": name}), actor=SYSTEM)


def test_a_workspace_is_made_filled_disabled_and_deleted(editor_client: Client) -> None:
    assert "No workspace yet" in editor_client.get(reverse("workspaces")).content.decode()

    made = editor_client.post(reverse("workspace_new"), {"name": "Shop", "description": "All"})
    wrong = editor_client.post(reverse("workspace_new"), {"name": "a b"})
    job = make_job(name="report", workspace="Shop", schedules=[every(60)])
    page = editor_client.get(made["Location"]).content.decode()

    assert made["Location"] == reverse("workspace", args=["Shop"])
    assert wrong.status_code == 422
    assert "report" in page
    assert reverse("workspace_disable", args=["Shop"]) in page
    assert "Shop" in editor_client.get(reverse("jobs"), {"workspace": "shop"}).content.decode()
    assert (
        'value="Shop"' in editor_client.get(f"{reverse('job_new')}?workspace=Shop").content.decode()
    )
    editor_client.post(reverse("workspace_disable", args=["Shop"]))
    assert (
        "due times of its jobs are left out" in editor_client.get(made["Location"]).content.decode()
    )
    editor_client.post(reverse("workspace_enable", args=["Shop"]))
    editor_client.post(reverse("workspace_edit", args=["Shop"]), {"description": "Else"})
    row = Workspace.objects.get()
    assert (row.enabled, row.description) == (True, "Else")
    held = editor_client.post(
        reverse("workspace_delete", args=["Shop"]), headers={"HX-Request": "true"}
    )
    assert held.status_code == 409
    assert job.name in held.content.decode()


def test_a_person_with_a_role_in_one_sees_that_one(db: None) -> None:
    shop, bank = room("Shop"), room("Bank")
    make_job(name="till", workspace="Shop")
    make_job(name="vault", workspace="Bank")
    lena = make_user("lena")
    access.grant(lena, Role.EDITOR, workspace=shop, actor=SYSTEM)
    client = signed_in(lena)

    pages = {
        name: client.get(reverse(name)).content.decode()
        for name in ("overview", "jobs", "executions", "timeline", "workspaces")
    }

    assert "till" in pages["jobs"]
    assert "Shop" in pages["workspaces"]
    assert "that you may see" in pages["overview"]
    assert "The predicted load counts the jobs of everybody" in pages["timeline"]
    assert not any("vault" in html or "Bank" in html for html in pages.values())
    assert client.get(reverse("workspace", args=[bank.name])).status_code == 404
    assert client.get(reverse("workspace_edit", args=["Shop"])).status_code == 200
    assert client.get(reverse("freezes")).status_code == 200
    assert client.get(reverse("breakers")).status_code == 403
