"""Template jobs: OpenTofu on a template, with the fake of `tests/support` and with a real engine."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from pytest_django import Settings

from jobs.domain.errors import InvalidError
from jobs.domain.states import ExecutionState, Stream
from jobs.executors import BeatAnswer, parse_spec
from jobs.executors.template_state import LOCK_INFO
from tests.executors.worker import Recorder, Run, in_worker, make_context, run
from tests.support import tofu

Deploy = Callable[..., Run]
# The sample of the seed: what the job's environment says reaches the template.
MONITORING = """
variable "monitoring_level" {
}
variable "workspace_name" {
}
resource "terraform_data" "site" {
  provisioner "local-exec" {
    command = "echo $ALERT_EMAIL > seen.txt"
  }
}
resource "terraform_data" "second" {
}
output "level" {
  value = var.monitoring_level
}
"""
SAMPLE = {"MONITORING_LEVEL": "detailed", "ALERT_EMAIL": "admin@example.com"}
SLOW = """
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "touch began; sleep 0.3; while [ -e hold ]; do sleep 0.05; done"
  }
}
resource "terraform_data" "after" {
  depends_on = [terraform_data.slow]
}
"""


@pytest.fixture(params=["fake", "real"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> str:
    """Put an OpenTofu in place and templates beside it; skipped where no real one can be had."""
    program = tofu.put_fake(tmp_path / "bin") if request.param == "fake" else None
    if request.param == "real":
        program = tofu.put_real(tmp_path / "bin")
        if program is None:
            pytest.skip(tofu.MISSING)
    _settings(settings, tmp_path, str(program))
    return str(request.param)


def _settings(settings: Settings, tmp_path: Path, binary: str) -> None:
    settings.JOBDECK = {
        **settings.JOBDECK,
        "TOFU_BINARY": binary,
        "TEMPLATES_DIR": tmp_path / "templates",
        "WORKSPACES_DIR": tmp_path / "config" / "workspaces",
    }


@pytest.fixture
def deploy(tmp_path: Path, instance: str) -> Deploy:
    """Return what runs a template job to its end."""

    def deploy(
        template: str = "monitoring",
        answer: Callable[[Recorder], BeatAnswer] | None = None,
        environment: dict[str, str] | None = None,
        spec: dict[str, Any] | None = None,
        **fields: Any,
    ) -> Run:
        context = make_context(
            tmp_path, instance, environment=SAMPLE | (environment or {}), **fields
        )
        told = {"template": template, **(spec or {})}
        outcome = in_worker(lambda: run(context, "template", told, answer))
        assert isinstance(outcome, Run)
        return outcome

    return deploy


def _template(tmp_path: Path, text: str, name: str = "monitoring") -> Path:
    folder = tmp_path / "templates" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "main.tf").write_text(text)
    return folder


def _state(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "terraform.tfstate").read_text())
    return found


@pytest.mark.usefixtures("engine")
def test_a_template_is_deployed_again_and_destroyed_in_a_directory_of_its_own(
    tmp_path: Path, deploy: Deploy
) -> None:
    """S1-25, S1-27, S1-29, S1-30: deployed for real, with its environment, and again in place.

    Defect 10 (a run of a template job used a mock client) and defect 14 (a destroyed state was
    searched for a text and not read as JSON).
    """
    _template(tmp_path, MONITORING)
    home = tmp_path / "work" / "jobs" / "report"

    first, second = deploy(), deploy()
    drift = deploy(spec={"operation": "plan"})
    _template(tmp_path, MONITORING.replace('"second"', '"third"'))
    drifted = deploy(spec={"operation": "plan"})
    resources = {one["name"] for one in _state(home)["resources"]}
    destroyed = deploy(spec={"operation": "destroy"})

    assert first.outcome == (ExecutionState.SUCCEEDED, "Applied: 2 added, 0 changed, 0 destroyed")
    result = first.result.result
    assert result["changes"] == {"add": 2, "change": 0, "remove": 0}
    assert {one["address"] for one in result["resources"]} == {
        "terraform_data.second",
        "terraform_data.site",
    }
    assert result["outputs"] == {"level": "detailed"}
    assert first.progress[-1] >= 90
    assert "terraform_data.site: Creation complete" in first.text(Stream.STDOUT)
    assert (home / "seen.txt").read_text() == "admin@example.com\n"
    assert second.result.message == "Applied: 0 added, 0 changed, 0 destroyed"
    assert (drift.result.message, drift.result.result["drift"]) == ("No changes", False)
    assert drifted.result.message == "Drift: 1 to add, 0 to change, 1 to destroy"
    assert resources == {"site", "second"}, "a plan changes nothing"
    assert destroyed.result.message == "Destroyed: 2 destroyed"
    assert _state(home)["resources"] == []
    assert destroyed.result.result["resource_count"] == 0
    assert not (home / "jobdeck.tfplan").exists()


@pytest.mark.usefixtures("engine")
def test_a_time_limit_ends_all_steps_and_leaves_a_state_that_can_be_used(
    tmp_path: Path, deploy: Deploy
) -> None:
    """S1-28: the limit covers init, plan and apply; the lock is given up, the state written."""
    _template(tmp_path, SLOW)
    home = tmp_path / "work" / "jobs" / "report"

    # Shorter than the one resource takes: it ends in time only if a step has a limit of its own.
    late = deploy(timeout=timedelta(seconds=0.2), grace=timedelta(seconds=15))
    locked = (home / LOCK_INFO).exists()
    # A quick machine has made the first resource by then; what is cancelled next makes it, too.
    (home / "terraform.tfstate").unlink(missing_ok=True)
    (home / "began").unlink(missing_ok=True)
    (home / "hold").touch()
    asked: list[int] = []

    def cancel_when_begun(_monitor: Recorder) -> BeatAnswer:
        if asked:  # the resource at hand is finished after the request, not before
            (home / "hold").unlink(missing_ok=True)
        if not (home / "began").exists():
            return BeatAnswer()
        asked.append(1)
        return BeatAnswer(cancelled_by="anna")

    ended = deploy(answer=cancel_when_begun, grace=timedelta(seconds=15))
    left = (home / LOCK_INFO).exists()
    (home / "hold").unlink(missing_ok=True)  # a real engine ends the command at hand
    again = deploy()

    assert late.outcome == (ExecutionState.TIMED_OUT, "Timed out after 0.2 s")
    assert not locked
    assert ended.outcome == (ExecutionState.CANCELLED, "Cancelled by anna")
    assert not left, "it gave up its lock"
    assert again.result.state is ExecutionState.SUCCEEDED, again.text()
    assert {one["name"] for one in _state(home)["resources"]} == {"slow", "after"}


@pytest.mark.usefixtures("engine")
def test_a_hard_kill_leaves_a_lock_that_the_next_run_sees_through(
    tmp_path: Path, deploy: Deploy, instance: str
) -> None:
    _template(tmp_path, SLOW)
    home = tmp_path / "work" / "jobs" / "report"
    home.mkdir(parents=True)
    (home / "hold").touch()

    def kill_the_engine(_monitor: Recorder) -> BeatAnswer:
        if (home / "began").exists() and (home / "hold").exists():
            for one in psutil.process_iter():
                if _is_of(one, instance) and "tofu" in " ".join(one.cmdline()):
                    one.send_signal(signal.SIGKILL)
            (home / "hold").unlink()  # only now: it may not come to its end before it is killed
        return BeatAnswer()

    killed = deploy(answer=kill_the_engine)
    left = (home / LOCK_INFO).exists()
    again = deploy()

    assert killed.result.state is ExecutionState.FAILED
    assert killed.result.message == "apply failed: ended by signal 9 (SIGKILL)"
    assert left, "a killed engine leaves its note"
    assert "left behind was removed" in again.text(Stream.STDOUT)
    assert again.result.state is ExecutionState.SUCCEEDED, again.text()
    assert not (home / LOCK_INFO).exists()


def _is_of(process: psutil.Process, instance: str) -> bool:
    try:
        return process.environ().get("JOBDECK_INSTANCE") == instance
    except (psutil.Error, OSError):
        return False


@pytest.mark.usefixtures("engine")
def test_what_is_wrong_with_a_template_is_the_error_of_the_run(
    tmp_path: Path, deploy: Deploy
) -> None:
    _template(tmp_path, 'resource "terraform_data" "x" {\n', "broken")
    _template(tmp_path, 'variable "size" {\n}\nresource "terraform_data" "x" {\n}\n', "asking")
    failing = MONITORING.replace("echo $ALERT_EMAIL > seen.txt", "exit 3")
    _template(tmp_path, failing, "failing")

    broken, asking, failed = deploy("broken"), deploy("asking"), deploy("failing")

    assert broken.result.state is ExecutionState.FAILED
    assert broken.result.message.startswith("init failed: ")
    assert "main.tf line" in broken.result.message
    assert asking.result.message.startswith("plan failed: No value for required variable")
    assert asking.result.message.endswith(
        "Name it in the environment of the job, or of its workspace."
    )
    assert failed.result.message.startswith("apply failed: local-exec provisioner error")
    assert failed.result.result["operation"] == "apply"


def test_without_a_program_the_run_says_what_is_missing(
    tmp_path: Path, deploy: Deploy, settings: Settings
) -> None:
    """S1-26, S1-32: no program, no template and an unknown one each have their sentence."""
    _settings(settings, tmp_path, "")
    _template(tmp_path, MONITORING)
    empty = {"PATH": str(tmp_path / "nothing")}

    without = deploy(environment=empty)
    fake = tofu.put_fake(tmp_path / "bin")
    unknown = deploy("monitorin", environment={"PATH": str(tmp_path / "bin")})
    by_path = deploy(environment={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"})
    fake.rename(fake.with_name("terraform"))
    by_name = deploy(environment={"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"})
    _settings(settings, tmp_path, "/nowhere/tofu")
    set_wrongly = deploy()

    assert without.result.state is ExecutionState.FAILED
    assert without.result.message.startswith("OpenTofu was not found: neither tofu nor terraform")
    assert f"template monitorin not found in {tmp_path}/templates" in unknown.result.message
    assert unknown.result.message.endswith("there are: monitoring")
    assert by_path.result.state is ExecutionState.SUCCEEDED, by_path.text()
    assert by_name.result.state is ExecutionState.SUCCEEDED, by_name.text()
    assert set_wrongly.result.message == "OpenTofu was not found: TOFU_BINARY names /nowhere/tofu."
    with pytest.raises(InvalidError, match="template is required for template jobs"):
        parse_spec("template", {})
    with pytest.raises(InvalidError, match="not allowed"):
        parse_spec("template", {"template": "../etc"})


def test_a_workspace_s_own_files_win_and_what_its_jobs_keep_there_stays(
    tmp_path: Path, deploy: Deploy, settings: Settings
) -> None:
    """Defect 16: renewing the copy removed the state of the template jobs below it."""
    _settings(settings, tmp_path, str(tofu.put_fake(tmp_path / "bin")))
    _template(tmp_path, 'resource "terraform_data" "of_template" {\n}\n')
    own = tmp_path / "config" / "workspaces" / "my-app"
    (own / "modules").mkdir(parents=True)
    (own / "main.tf").write_text('resource "terraform_data" "own" {\n}\n')
    (own / "modules" / "old.txt").write_text("old")
    (own / "config.json").write_text("{}")
    calls = tmp_path / "calls"
    room: dict[str, Any] = {"workspace_id": "my-app", "spec": {"scope": "workspace"}}
    room["environment"] = {"FAKE_TOFU_CALLS": str(calls)}

    deploy(**room)
    home = tmp_path / "work"
    (home / "jobs" / "a").mkdir(parents=True)
    (home / "jobs" / "a" / "terraform.tfstate").write_text("{}")
    (home / "jobs" / "a" / "main.tf").write_text("")
    (home / "data.csv").write_text("1")
    (home / "secret.tfvars").write_text("a = 1")
    (home / "stray.tf").write_text('resource "terraform_data" "stray" {\n}\n')
    (own / "modules" / "old.txt").unlink()
    again = deploy(**room)
    own_state = {one["name"] for one in _state(home)["resources"]}
    (own / "main.tf").unlink()
    without_own = deploy(**room)
    (tmp_path / "templates" / "monitoring" / "main.tf").unlink()
    gone = deploy(**{**room, "spec": {"scope": "workspace", "operation": "destroy"}})

    assert again.result.state is ExecutionState.SUCCEEDED, again.text()
    assert own_state == {"own"}
    kept = ("jobs/a/terraform.tfstate", "jobs/a/main.tf", "data.csv", "secret.tfvars")
    assert all((home / name).exists() for name in kept)
    assert not (home / "stray.tf").exists()
    assert not (home / "modules").exists()
    assert not (home / "config.json").exists()
    assert without_own.result.message == "Applied: 1 added, 0 changed, 1 destroyed"
    assert gone.result.message == "Destroyed: 1 destroyed"
    lines = calls.read_text().splitlines()
    assert lines[0] == "init -input=false -no-color"
    assert lines[1].startswith("plan -input=false -no-color -lock-timeout=60s -json -out=")


def test_shell_lines_of_its_own_take_the_place_of_steps(
    tmp_path: Path, deploy: Deploy, settings: Settings
) -> None:
    _settings(settings, tmp_path, str(tofu.put_fake(tmp_path / "bin")))
    _template(tmp_path, MONITORING)
    custom = {"init_command": "echo starting > a.txt", "apply_command": "cat a.txt && exit 4"}

    failed = deploy(spec={"custom": custom})
    custom["apply_command"] = "cat a.txt && echo $TF_VAR_deployment_mode"
    done = deploy(spec={"custom": {**custom, "plan_command": "true"}, "mode": "busy"})

    assert failed.result.message.startswith("plan failed: Initialization required")
    assert done.result.state is ExecutionState.SUCCEEDED, done.text()
    assert "starting\nbusy\n" in done.text(Stream.STDOUT)


def test_a_link_that_a_job_left_leads_nowhere(
    tmp_path: Path, deploy: Deploy, settings: Settings
) -> None:
    _settings(settings, tmp_path, str(tofu.put_fake(tmp_path / "bin")))
    folder = _template(tmp_path, MONITORING)
    (folder / "below").mkdir()
    (folder / "below" / "file.txt").write_text("of the template")
    outside = tmp_path / "outside"
    outside.mkdir()
    home = tmp_path / "work" / "jobs" / "report"
    home.mkdir(parents=True)
    (home / "below").symlink_to(outside)

    refused = deploy()

    assert refused.result.state is ExecutionState.FAILED
    assert "leads out of" in refused.result.message
    assert list(outside.iterdir()) == []
