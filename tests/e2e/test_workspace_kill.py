"""A deployment killed for good, engine and worker, is named, seen through and deployed again."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.harness import Product, signal_to, wait_until
from tests.support import tofu

# The second resource is made for as long as the file `hold` is there.
SITE = """
resource "terraform_data" "first" {
}
resource "terraform_data" "slow" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" {
    command = "touch began; while [ -e hold ]; do sleep 0.05; done"
  }
}
"""
SEES_THROUGH = "left behind was removed: no process holds it any more."


def _command_of(pid: int) -> bytes:
    """Return what a process was started with; nothing when it has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


class Site:
    """A workspace whose deployment hangs until it is let go, seen from outside."""

    def __init__(self, product: Product, engine: Path) -> None:
        """Make template, workspace and its jobs."""
        self.product = product
        folder = product.data / "templates" / "site"
        folder.mkdir(parents=True)
        (folder / "main.tf").write_text(SITE)
        self.home = product.data / "deployments" / "my-app"
        self.told = {
            "template": "site",
            "timezone": "UTC",
            "environment": {"PATH": f"{engine.parent}:/usr/bin:/bin"},
        }
        product.ask("create_workspace", name="my-app", operations=self.told)
        for name, event in (("setup", "@deployment"), ("rescue", "@deployment-failed")):
            heard = [{"kind": "event", "event": event}]
            product.job(name, f"echo {name} >> told", workspace="my-app", schedules=heard)

    def deploy(self, *, hold: bool) -> int:
        """Start to deploy; with ``hold`` return when the engine is in the middle of a resource."""
        self.home.mkdir(parents=True, exist_ok=True)
        for name in ("began", "hold"):
            (self.home / name).unlink(missing_ok=True)
        if hold:
            (self.home / "hold").touch()
        execution = int(self.product.ask("deploy", name="my-app"))
        if hold:
            wait_until((self.home / "began").exists, what="a resource is being made")
        return execution

    def engines(self, execution: int) -> list[int]:
        """Return the processes of the engine."""
        found = self.product.job_processes(execution=str(execution))
        return [pid for pid in found if b"apply" in _command_of(pid)]

    def status(self) -> str:
        """Return what `workspacectl status` says on the host."""
        return self.command("workspacectl", "status", "my-app")

    def is_destroyed(self) -> bool:
        """Say whether a destruction has succeeded."""
        query = (
            "SELECT count(*) FROM jobs_execution e JOIN jobs_job j ON j.id = e.job_id "
            "WHERE j.name = 'workspace-destroy' AND e.state = 'succeeded'"
        )
        return bool(self.product.sql(query)[0][0])

    def command(self, tool: str, *words: str) -> str:
        """Run a command as a person does on the host; return what it printed."""
        return str(self.product.ask("run_command", tool=tool, words=words))

    def log_of(self, execution: int) -> str:
        """Return what a run has printed."""
        return "".join(text for pk, text in self.product.ask("logs") if pk == execution)

    def jobs_told(self) -> list[str]:
        """Return which jobs of the workspace have heard of its deployments."""
        path = self.home / "told"
        return path.read_text().split() if path.exists() else []


@pytest.fixture(params=["fake", "real"])
def site(
    request: pytest.FixtureRequest, make_product: Callable[..., Product], tmp_path: Path
) -> Site:
    """Return a workspace of a product that runs, with the stand-in of the tests or a real engine."""
    put = tofu.put_real if request.param == "real" else tofu.put_fake
    engine = put(tmp_path / "bin")
    if engine is None:
        pytest.skip(tofu.MISSING)
    product = make_product(WORKERS="2")
    product.start("--dispatcher", "--cluster", "main")
    return Site(product, engine)


def test_engine_and_worker_killed_in_the_middle_deployed_again_and_destroyed_by_the_clock(
    site: Site,
) -> None:
    """S1-28, S1-30, S1-46, S1-47, S1-55, S1-104, S1-107: must show 2 with kill -9, not a time limit."""
    product = site.product
    note = site.home / ".terraform.tfstate.lock.info"

    first = site.deploy(hold=True)
    for pid in site.engines(first):
        signal_to(pid, signal.SIGKILL)
    (site.home / "hold").unlink()
    engine_killed = product.end_of(first)
    left_by_engine = note.exists()
    wait_until(lambda: site.jobs_told() == ["rescue"], what="a job hears that it failed")

    second = site.deploy(hold=True)
    # What is printed is stored within half a second.
    wait_until(lambda: SEES_THROUGH in site.log_of(second), what="it saw through the first's lock")
    signal_to(product.cluster_tree().worker_of(product, second), signal.SIGKILL)
    worker_killed = product.end_of(second)
    wait_until(
        lambda: not product.job_processes(execution=str(second)), what="no engine is left behind"
    )
    left_by_worker = note.exists()
    cut_off, page_of_it = site.status(), product.ask("workspace_page", name="my-app")
    wait_until(lambda: site.jobs_told() == ["rescue"] * 2, what="a job hears that it was lost")

    third = site.deploy(hold=False)
    mended = product.end_of(third)
    wait_until(lambda: site.jobs_told()[2:] == ["setup"], what="a job hears that it is deployed")
    deployed, page = site.status(), product.ask("workspace_page", name="my-app")

    told = {**site.told, "destroy_schedule": "* * * * * *"}  # the next second
    product.ask("update_workspace", name="my-app", operations=told)
    wait_until(site.is_destroyed, what="the clock destroys it")
    product.ask("update_workspace", name="my-app", operations=site.told)  # and never again
    wait_until(lambda: " destroyed " in site.status(), what="it is told as destroyed")
    state = json.loads((site.home / "terraform.tfstate").read_text())

    assert (engine_killed, worker_killed, mended) == ("failed", "lost", "succeeded")
    assert (left_by_engine, left_by_worker) == (True, True), "each leaves the note of its lock"
    assert SEES_THROUGH in site.log_of(third)
    assert not note.exists()
    assert " deploy_failed " in cut_off
    assert "The last operation was cut off" in page_of_it
    assert "Nothing is deployed" not in page_of_it
    assert " deployed " in deployed
    assert all(f"terraform_data.{name}" in page for name in ("first", "slow"))
    assert "The last operation was cut off" not in page
    assert state["resources"] == []
    assert "Status: success" in site.command("main", "--workspace", "my-app", "status", "setup")
    log = product.log.read_text()
    for name in ("workspace-deploy", "rescue", "setup", "workspace-destroy"):
        assert f"JOB {name}: " in log, name
