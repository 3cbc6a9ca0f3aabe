"""A template that changes is compared with what was deployed from it, and nothing is deployed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from jobs.cli import templatectl, workspacectl
from jobs.cli.client import Api
from jobs.domain.permissions import SYSTEM
from jobs.domain.states import Deployment
from jobs.engine import runner
from jobs.models import Execution, Occurrence, Template, Workspace
from jobs.queries.deployments import standing_of
from jobs.queries.templates import rows_of
from jobs.services import templates, workspace_operations, workspaces
from jobs.services.workspaces import parse_workspace
from tests.factories import make_worker
from tests.support import tofu
from tests.support.repository import commit, git
from tests.support.working import work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def repository(tmp_path: Path, settings: Settings) -> Path:
    """Register a template from a repository, with a workspace deployed and one that is not."""
    settings.JOBDECK = {
        **settings.JOBDECK,
        "TOFU_BINARY": str(tofu.put_fake(tmp_path / "bin")),
        "TEMPLATES_DIR": tmp_path / "templates",
        "WORK_DIR": tmp_path / "work",
    }
    runner.Context.worker_id = make_worker().pk
    runner.Context.queues = ["default"]
    place = tmp_path / "repository"
    place.mkdir()
    git(place, "init", "--quiet", "--initial-branch", "main")
    (place / "main.tf").write_text(site("one"))
    commit(place)
    templates.add("shop", templates.Source(url=str(place)), actor=SYSTEM)
    for name in ("deployed", "fresh"):
        told = {"name": name, "operations": {"template": "shop"}}
        workspaces.create(parse_workspace(told), actor=SYSTEM)
    workspace_operations.deploy("deployed", actor=SYSTEM, mode="busy")
    work()
    return place


def site(*names: str) -> str:
    return "".join(f'resource "terraform_data" "{name}" {{\n}}\n' for name in names)


@pytest.mark.long
def test_an_update_plans_what_is_deployed_and_shows_the_drift(
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    admin_client: Client,
) -> None:
    """Issue 8: marked, planned, told on the page, by the API and by both command lines."""

    def run(tool: Any, *words: str) -> tuple[int, str, str]:
        code = tool.run_command(list(words))
        told = capsys.readouterr()
        return code, told.out, told.err

    def at_once(self: Api, execution: dict[str, Any], **_how: Any) -> dict[str, Any]:
        work()
        return self.get(f"/executions/{execution['id']}")

    monkeypatch.setattr(Api, "until_ended", at_once)
    (repository / "main.tf").write_text(site("two", "three"))
    newest = commit(repository)
    events = Occurrence.objects.count()
    done = templates.update("shop", actor=SYSTEM)
    marked = rows_of([Template.objects.get()])[0]
    ran = work()
    row = rows_of([Template.objects.get()])[0]
    use = row.uses[0]
    pages = [
        admin_client.get(path).content.decode()
        for path in (reverse("templates"), reverse("template", args=["shop"]))
    ]
    shown = run(templatectl, "plan", "shop")
    planned = run(workspacectl, "plan", "deployed")
    refused = run(workspacectl, "plan", "nobody")
    state = json.loads((tmp_path / "work" / "deployed" / "terraform.tfstate").read_text())
    standing = standing_of(Workspace.objects.get(name="deployed"))
    workspace_operations.deploy("deployed", actor=SYSTEM)
    work()
    after = rows_of([Template.objects.get()])[0]

    assert (done.changed, list(done.planned), done.refused) == (True, ["deployed"], {})
    assert [one.outdated for one in marked.uses] == [True, False]
    assert marked.uses[0].is_planning
    assert ran == ["workspace-plan"]
    assert (row.outdated, row.drifted, use.drift) == (1, 1, True)
    assert use.changes == {"add": 2, "change": 0, "remove": 1}
    run_number = Execution.objects.get(pk=done.planned["deployed"].pk)
    assert run_number.parameters == {"mode": "busy"}, "in the mode of the last deployment"
    assert [one["name"] for one in state["resources"]] == ["one"], "nothing is deployed"
    assert (standing.status, Occurrence.objects.count() - events) == (Deployment.DEPLOYED, 1)
    assert shown[0] == 0
    assert "2 to add, 0 to change, 1 to destroy" in shown[1]
    assert planned[:2] == (0, "Drift: 2 to add, 0 to change, 1 to destroy\n")
    assert refused[0] == 1
    for page in pages:
        assert newest[:12] in page
    assert "2 to add, 0 to change, 1 to destroy" in pages[1]
    assert (after.outdated, after.uses[0].drift) == (0, None), "what was planned is done"


def test_validate_names_what_is_wrong_with_a_workspace(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"name": "lost", "operations": {"template": "nowhere"}}
    workspaces.create(parse_workspace(told), actor=SYSTEM)

    one = workspacectl.run_command(["validate", "fresh"])
    valid = capsys.readouterr().out
    every = workspacectl.run_command(["validate", "--all"])
    faults = capsys.readouterr().err
    wrong = workspacectl.run_command(["validate"])

    assert (one, valid) == (0, "Workspace 'fresh' is valid\n")
    assert (every, faults) == (1, "Error: workspace 'lost': template 'nowhere' not found\n")
    assert wrong == 2


def test_a_source_that_is_gone_leaves_the_files_and_is_told(
    repository: Path, tmp_path: Path, admin_client: Client
) -> None:
    repository.rename(tmp_path / "gone")
    answer = admin_client.post(reverse("template_update", args=["shop"]))

    row = Template.objects.get()
    assert answer.status_code in (303, 422)
    assert row.fault.startswith("The repository cannot be fetched")
    assert (tmp_path / "templates" / "shop" / "main.tf").exists()
    assert (
        "cannot be fetched" in admin_client.get(reverse("template", args=["shop"])).content.decode()
    )


def test_the_page_of_a_template_follows_a_plan_by_itself(
    repository: Path, admin_client: Client
) -> None:
    page, region = (reverse(name, args=["shop"]) for name in ("template", "p_template"))

    def look(tag: str = "") -> tuple[int, str, str]:
        answer = admin_client.get(region, headers={"HX-PTag": tag})
        return answer.status_code, answer.content.decode(), answer["HX-PTag"]

    (repository / "main.tf").write_text(site("two", "three"))
    commit(repository)
    before = look()
    standing_still = look(before[2])
    templates.update("shop", actor=SYSTEM)
    planning = look(before[2])
    work()
    planned = look(planning[2])
    whole = admin_client.get(page).content.decode()

    assert standing_still[0] == 304
    assert (planning[0], "Being compared" in planning[1]) == (200, True)
    assert "2 to add, 0 to change, 1 to destroy" in planned[1]
    assert f'hx-get="{region}"' in whole
    assert "every 5s" in whole
    assert "2 to add" in whole
