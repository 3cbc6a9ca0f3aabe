"""Killed in the middle, deployed again, destroyed by the clock: on the page, in jobctl, in the log."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobs.domain.permissions import SYSTEM
from jobs.domain.states import Deployment
from jobs.models import Execution
from jobs.services import workspace_operations, workspaces
from jobs.services.workspaces import parse_changes
from tests.cli.conftest import Jobctl, jobctl
from tests.factories import make_job
from tests.services.test_workspace_operations import engine, make_workspace, standing
from tests.support.working import work

__all__ = ["engine", "jobctl"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SITE = """
resource "terraform_data" "first" {
}
resource "terraform_data" "slow" {
  provisioner "local-exec" {
    command = "sleep $SLOW"
  }
}
"""


@pytest.mark.parametrize("engine", ["fake", "real"], indirect=True)
def test_killed_in_the_middle_deployed_again_and_destroyed_by_the_clock(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    jobctl: Jobctl,
    admin: User,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Issue 8, must show 2: with the stand-in of the tests everywhere, with a real engine beside."""
    is_real = "[real]" in request.node.name
    (tmp_path / "templates" / "shop" / "main.tf").write_text(SITE)
    # The time limit ends it while a resource is being made: the engine is asked, then killed.
    hanging = {"SLOW": "60" if is_real else "0", "FAKE_TOFU_SLEEP": "60"}
    quick = {"SLOW": "0"}
    page = reverse("workspace", args=["my-app"])
    with time_machine.travel(NOON) as clock, caplog.at_level(logging.INFO):
        row = make_workspace(environment=hanging, timeout_seconds=5 if is_real else 1)
        for name, event in (("setup", "@deployment"), ("rescue", "@deployment-failed")):
            schedules = [{"kind": "event", "event": event}]
            make_job(name=name, workspace="my-app", schedules=schedules)
        workspace_operations.deploy("my-app", actor=SYSTEM)
        cut = work()
        admin_client = Client()
        admin_client.force_login(admin)  # a session of before the clock was set has ended
        broken, broken_page = standing(row), admin_client.get(page).content.decode()
        told: dict[str, Any] = {
            "operations": {
                "template": "shop",
                "timezone": "UTC",
                "environment": quick,
                "timeout_seconds": 300,
                "destroy_schedule": "0 18 * * *",
            }
        }
        workspaces.update("my-app", parse_changes(told), actor=SYSTEM)
        workspace_operations.deploy("my-app", actor=SYSTEM)
        again = work()
        mended, page_of_it = standing(row), admin_client.get(page).content.decode()
        clock.move_to(NOON.replace(hour=18, minute=0, second=1))
        evening = work()
        gone = standing(row)
        # Last: the command line sets up the log anew, as its own process would.
        status = jobctl("--workspace", "my-app", "status", "setup").out

    states = list(Execution.objects.filter(job__name="workspace-deploy").order_by("pk"))
    assert [one.state for one in states] == ["timed_out", "succeeded"]
    assert (cut, again) == (["workspace-deploy", "rescue"], ["workspace-deploy", "setup"])
    assert broken.status is Deployment.DEPLOY_FAILED
    assert "Deployment failed" in broken_page
    assert mended.status is Deployment.DEPLOYED
    assert {one["address"] for one in mended.resources} == {
        "terraform_data.first",
        "terraform_data.slow",
    }
    assert "terraform_data.slow" in page_of_it
    assert "Status: success" in status
    assert (evening, gone.status, gone.resources) == (
        ["workspace-destroy"],
        Deployment.DESTROYED,
        [],
    )
    lines = [record.getMessage() for record in caplog.records]
    for name in ("workspace-deploy", "setup", "workspace-destroy"):
        assert any(f"JOB {name}: " in line for line in lines), name
