"""Workspaces deploy and destroy what they need, by jobs of their own, and their jobs hear of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from jobs.cli import workspacectl
from jobs.cli.client import Api
from jobs.domain.errors import ConflictError, ForbiddenError, InvalidError, StateError
from jobs.domain.permissions import SYSTEM, Actor, Role
from jobs.domain.states import Deployment
from jobs.engine import runner
from jobs.executors.template_spec import Operation
from jobs.models import Execution, Job, Occurrence, Workspace
from jobs.queries.deployments import Standing, standing_of
from jobs.queries.logs import pieces
from jobs.services import claims, workspace_operations, workspaces
from jobs.services.proof import prove_ledger
from jobs.services.workspaces import parse_changes, parse_workspace
from tests.factories import cron, make_job, make_worker
from tests.support import tofu
from tests.support.working import work

pytestmark = pytest.mark.django_db(transaction=True)
SITE = """
variable "deployment_mode" {
  default = ""
}
resource "terraform_data" "site" {
}
output "mode" {
  value = var.deployment_mode
}
"""
MORNING = datetime(2026, 11, 23, 8, 59, tzinfo=UTC)


@pytest.fixture(autouse=True)
def engine(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> None:
    """Put an OpenTofu, the fake unless a test asks otherwise, and one template in place."""
    put = tofu.put_real if getattr(request, "param", "") == "real" else tofu.put_fake
    program = put(tmp_path / "bin")
    if program is None:
        pytest.skip(tofu.MISSING)
    (tmp_path / "templates" / "shop").mkdir(parents=True)
    (tmp_path / "templates" / "shop" / "main.tf").write_text(SITE)
    settings.JOBDECK = {
        **settings.JOBDECK,
        "TOFU_BINARY": str(program),
        "TEMPLATES_DIR": tmp_path / "templates",
        "WORK_DIR": tmp_path / "work",
    }
    runner.Context.worker_id = make_worker().pk
    runner.Context.queues = ["default"]


def make_workspace(name: str = "my-app", **operations: Any) -> Workspace:
    """Return a workspace that deploys the template ``shop``."""
    told = {"template": "shop", "timezone": "UTC", **operations}
    made = workspaces.create(parse_workspace({"name": name, "operations": told}), actor=SYSTEM)
    return Workspace.objects.get(pk=made.pk)


def standing(row: Workspace) -> Standing:
    return standing_of(Workspace.objects.get(pk=row.pk))


def state_of(tmp_path: Path, name: str = "my-app") -> str:
    return (tmp_path / "work" / name / "terraform.tfstate").read_text()


@pytest.mark.parametrize("engine", ["fake", "real"], indirect=True)
def test_a_day_of_a_workspace_deploy_event_and_destroy_by_the_clock(tmp_path: Path) -> None:
    """S1-46, S1-47, S1-51: deployed at 9, its jobs told, destroyed at 18, the files kept.

    Defects 1 and 3 (cron of jobs was a placeholder and Next Run was empty) and 14 (a destroyed
    workspace showed as deployed, because the state was searched for a text).
    """
    waits = {"kind": "event", "event": "@deployment"}
    failed = {"kind": "event", "event": "@deployment-failed"}
    gone = {"kind": "event", "event": "@destroy"}
    with time_machine.travel(MORNING) as clock:
        row = make_workspace(deploy_schedule="0 9 * * 1-5", destroy_schedule=["0 18 * * 1-5"])
        other = make_workspace("other")
        mine = make_job(
            name="setup",
            workspace="my-app",
            schedules=[waits],
            spec={"command": "echo $NAME $WORKSPACE_ID"},
            environment={"NAME": "{{workspace_name}}"},
        )
        make_job(name="rescue", workspace="my-app", schedules=[failed])
        make_job(name="after", workspace="my-app", schedules=[gone])
        make_job(name="elsewhere", workspace=other.name, schedules=[waits])
        make_job(name="watcher", schedules=[waits])
        before = standing(row)
        clock.move_to(MORNING.replace(hour=9, minute=0, second=1))
        morning = work()
        deployed = standing(row)
        clock.move_to(MORNING.replace(hour=18, minute=0, second=1))
        evening = work()
        destroyed = standing(row)
        proof = prove_ledger(mine.pk, MORNING, timezone.now(), now=timezone.now())

    assert before.status is Deployment.PENDING
    assert before.next_at(Operation.APPLY) == MORNING.replace(hour=9, minute=0)
    assert morning == ["workspace-deploy", "setup", "watcher"]
    assert deployed.status is Deployment.DEPLOYED
    assert deployed.last_deployed_at is not None
    assert [one["address"] for one in deployed.resources] == ["terraform_data.site"]
    text = logs_of(mine)
    assert "my-app my-app" in text
    assert evening == ["workspace-destroy", "after"]
    assert (destroyed.status, destroyed.resources) == (Deployment.DESTROYED, [])
    assert '"resources": []' in state_of(tmp_path)
    assert (tmp_path / "work" / "my-app" / "main.tf").exists()
    assert destroyed.next_at(Operation.APPLY) == datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    told = Occurrence.objects.filter(event="@deployment").get()
    assert (told.workspace_number, told.detail) == (row.pk, "Deployed workspace my-app")
    assert (proof.balanced, proof.account.dispatched) == (True, 1), proof.sentence


def logs_of(job: Job) -> str:
    """Return what the last run of a job printed."""
    last = Job.objects.get(pk=job.pk).last_execution_id
    assert last is not None
    return b"".join(one.data for one in pieces(last)).decode()


def test_a_failed_deployment_is_told_and_tried_again_at_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Defect 2: what failed once never ran again until its configuration changed."""
    row = make_workspace(environment={"FAKE_TOFU_FAIL": "apply"})
    make_job(
        name="rescue",
        workspace="my-app",
        schedules=[{"kind": "event", "event": "@deployment-failed"}],
    )

    workspace_operations.deploy("my-app", actor=SYSTEM)
    ran = work()
    failed = standing(row)
    workspaces.update("my-app", parse_changes({"operations": {"template": "shop"}}), actor=SYSTEM)
    workspace_operations.deploy("my-app", actor=SYSTEM, mode="busy")
    work()
    mended = standing(row)

    assert ran == ["workspace-deploy", "rescue"]
    assert failed.status is Deployment.DEPLOY_FAILED
    assert failed.last_error.startswith("apply failed: The fake was told to fail")
    assert (mended.status, mended.mode) == (Deployment.DEPLOYED, "busy")
    assert mended.facts["outputs"] == {"mode": "busy"}
    assert mended.last_error == failed.last_error, "kept after a later success"


def test_modes_have_schedules_and_jobs_of_their_own() -> None:
    """Defect 13: mode_schedules were validated and never evaluated."""
    with time_machine.travel(MORNING) as clock:
        modes = {"busy": "0 9 * * *", "quiet": ["0 20 * * *", "0 22 * * *"]}
        row = make_workspace(mode_schedules=modes)
        clock.move_to(MORNING.replace(hour=9, minute=0, second=1))
        ran = work()
        busy = standing(row).mode
        clock.move_to(MORNING.replace(hour=22, minute=0, second=1))
        later = work()
        quiet = standing(row)
        changed = {"template": "shop", "mode_schedules": {"busy": "0 9 * * *"}}
        workspaces.update("my-app", parse_changes({"operations": changed}), actor=SYSTEM)

    assert (ran, busy) == (["workspace-deploy-busy"], "busy")
    assert later == ["workspace-deploy-quiet"], "two missed times are made up for once"
    assert quiet.mode == "quiet"
    left = Job.objects.present().values_list("name", flat=True).order_by("name")
    assert list(left) == ["workspace-deploy", "workspace-deploy-busy", "workspace-destroy"]


def test_operations_of_one_workspace_exclude_each_other_and_can_be_cancelled() -> None:
    row = make_workspace()
    first = workspace_operations.deploy("my-app", actor=SYSTEM)
    second = workspace_operations.destroy("my-app", actor=SYSTEM)
    now = claims.claim(worker_id=runner.Context.worker_id, queues=["default"], free=5)
    going = standing(row)
    ended = workspace_operations.cancel("my-app", actor=SYSTEM)

    assert [one.execution_id for one in now] == [first.pk], "the mutex holds the other back"
    assert going.status is Deployment.DEPLOYING
    assert ended == 2
    second.refresh_from_db()
    assert second.state == "cancelled"


def test_what_cannot_be_done_is_refused_with_its_reason() -> None:
    viewer = Actor(name="vera", role=Role.VIEWER)
    make_workspace()
    workspaces.create(parse_workspace({"name": "bare"}), actor=SYSTEM)

    with pytest.raises(ForbiddenError):
        workspace_operations.deploy("my-app", actor=viewer)
    with pytest.raises(InvalidError, match="Mode 'b/c' is not allowed"):
        workspace_operations.deploy("my-app", actor=SYSTEM, mode="b/c")
    with pytest.raises(StateError, match="names no template"):
        workspace_operations.deploy("bare", actor=Actor(name="olga", role=Role.OPERATOR))
    workspace_operations.deploy("my-app", actor=SYSTEM)
    work()
    with pytest.raises(ConflictError, match="has 1 resources deployed"):
        workspaces.delete("my-app", actor=SYSTEM)
    workspaces.update("my-app", parse_changes({"enabled": False}), actor=SYSTEM)
    with pytest.raises(StateError, match="is disabled"):
        workspace_operations.deploy("my-app", actor=SYSTEM)
    cut_off = workspace_operations.destroy("my-app", actor=SYSTEM)
    work()
    told = Execution.objects.get(pk=cut_off.pk).result
    Execution.objects.filter(pk=cut_off.pk).update(result=None, state="lost")
    Job.objects.filter(pk=cut_off.job_id).update(last_state="lost", last_success_at=None)
    with pytest.raises(ConflictError, match="before it could tell what is there"):
        workspaces.delete("my-app", actor=SYSTEM)
    Execution.objects.filter(pk=cut_off.pk).update(result=told, state="succeeded")
    workspaces.delete("my-app", actor=SYSTEM)
    assert not Workspace.objects.filter(name="my-app").exists()
    assert not Job.objects.present().exists()


def test_what_is_deployed_is_known_although_the_engine_is_gone_and_not_after_a_lost_first_run(
    tmp_path: Path, settings: Settings
) -> None:
    row, other = make_workspace(), make_workspace("other")
    workspace_operations.deploy("my-app", actor=SYSTEM)
    work()
    (tmp_path / "bin" / "tofu").unlink()
    workspace_operations.deploy("my-app", actor=SYSTEM)
    first = workspace_operations.deploy("other", actor=SYSTEM)
    work()
    kept, unbegun = standing(row), standing(other)
    Execution.objects.filter(pk=first.pk).update(state="lost")
    Job.objects.filter(pk=first.job_id).update(last_state="lost")

    assert (kept.status, kept.is_cut_off) == (Deployment.DEPLOY_FAILED, False)
    assert kept.last_error.startswith("OpenTofu was not found")
    assert [one["address"] for one in kept.resources] == ["terraform_data.site"]
    assert (unbegun.resources, unbegun.is_cut_off) == ([], False)
    assert standing(other).is_cut_off
    workspace_operations.destroy("other", actor=SYSTEM)
    work()
    assert standing(other).last_error.startswith("OpenTofu was not found")
    with pytest.raises(ConflictError, match="before it could tell what is there"):
        workspaces.delete("other", actor=SYSTEM)


@pytest.mark.parametrize(
    ("told", "field", "words"),
    [
        ({"destroy_schedule": True}, "destroy_schedule", "true is not allowed"),
        ({"deploy_schedule": "61 * * * *"}, "deploy_schedule", "61"),
        (
            {"template": "a", "deploy_schedule": "0 9 * * *", "mode_schedules": {"a": "0 9 * * *"}},
            "",
            "either deploy_schedule or mode_schedules",
        ),
        ({"mode_schedules": {"a": "0 9 * * *"}}, "", "need a template"),
        ({"custom_deploy": {}}, "custom_deploy", "at least one of"),
        ({"template": "../x"}, "template", "not allowed"),
    ],
)
def test_wrong_settings_are_named(told: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidError) as refused:
        parse_workspace({"name": "x", "operations": told})

    assert words in refused.value.message
    assert any(name.startswith(f"operations.{field}".rstrip(".")) for name in refused.value.fields)


def test_false_means_that_the_clock_never_destroys() -> None:
    """S1-84: schedules as text, list, or false."""
    row = make_workspace(destroy_schedule=False, deploy_schedule=["0 9 * * *", "0 10 * * *"])

    found = {one.job.name: one.job.schedules.count() for one in row.operations.all()}

    assert found == {"workspace-deploy": 2, "workspace-destroy": 0}
    assert cron("0 9 * * *")["kind"] == "cron"


def test_workspacectl_ends_with_what_became_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Defect 12: a failed `workspacectl deploy` ended with 0."""

    def run(*words: str) -> tuple[int, str, str]:
        code = workspacectl.run_command(list(words))
        told = capsys.readouterr()
        return code, told.out, told.err

    def at_once(_self: Api, execution: dict[str, Any], **_how: Any) -> dict[str, Any]:
        work()
        return _self.get(f"/executions/{execution['id']}")

    monkeypatch.setattr(Api, "until_ended", at_once)
    added = run("add", "my-app", "--template", "shop", "--deploy-schedule", "0 9 * * 1-5")
    deployed = run("deploy", "my-app", "busy")
    status = run("status")
    destroyed = run("destroy", "my-app")
    run("update", "my-app", "--template", "nowhere")
    failed = run("deploy", "my-app")
    table = run("status", "my-app")[1].splitlines()
    removed = run("remove", "my-app")

    assert added == (0, "Workspace 'my-app' added\n", "")
    assert (deployed[0], deployed[1].splitlines()[1]) == (
        0,
        "Workspace 'my-app' deployed successfully",
    )
    assert status[1].splitlines()[1].split()[:2] == ["my-app", "deployed"]
    assert destroyed[0] == 0
    assert failed[0] == 1
    words = "Error: workspace 'my-app' could not be deployed: template nowhere not found"
    assert any(line.startswith(words) for line in failed[2].splitlines())
    assert table[1].split()[1] == "deploy_failed"
    assert removed[0] == 0
    assert run("deploy", "nobody")[0] == 1
    assert run("deploy")[0] == 2
    assert run("unheard-of")[0] == 1
    assert run()[0] == 1
