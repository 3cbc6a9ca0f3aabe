"""The samples of the provisioner's documents, as `jobctl` and the page of jobs show them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from jobs.services import files
from tests.cli.conftest import Jobctl

pytestmark = pytest.mark.django_db
SAMPLES: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "services" / "provisioner_samples.json").read_text("utf-8")
)
SATURDAY = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
# When each starts next after that moment, by the expressions of the documents.
NEXT = {
    "backup-data": datetime(2026, 11, 22, 2, 0, tzinfo=UTC),
    "health-check": datetime(2026, 11, 21, 11, 15, tzinfo=UTC),
    "deploy-monitoring": datetime(2026, 11, 22, 1, 0, tzinfo=UTC),
    "cleanup-temp": datetime(2026, 11, 22, 2, 0, tzinfo=UTC),
    "system-health": datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
    "backup-configs": datetime(2026, 11, 22, 3, 0, tzinfo=UTC),
    "daily-maintenance": datetime(2026, 11, 22, 3, 0, tzinfo=UTC),
    "log-rotation": datetime(2026, 11, 22, 1, 0, tzinfo=UTC),
    "service-health": datetime(2026, 11, 21, 11, 5, tzinfo=UTC),
    "db-backup": datetime(2026, 11, 22, 1, 0, tzinfo=UTC),
    "deploy-code": datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
}


@pytest.fixture
def samples(tmp_path: Path) -> None:
    """Apply every sample as it stands."""
    for name, told in SAMPLES["jobs"].items():
        put(tmp_path / "jobs" / f"{name}.json", told)
    put(tmp_path / "workspaces" / "my-app" / "config.json", SAMPLES["workspace"])
    with time_machine.travel(SATURDAY, tick=False):
        assert files.apply(tmp_path).broken == {}


def put(path: Path, told: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told), encoding="utf-8")


@pytest.mark.usefixtures("samples")
def test_jobctl_lists_every_sample_with_type_description_and_next_run(jobctl: Jobctl) -> None:
    """S1-12 to S1-18, S1-23, S1-24, S1-37, S1-56, S1-57, S1-82, S1-103."""
    with time_machine.travel(SATURDAY, tick=False):
        listed, states = jobctl("list"), jobctl("status")
        sheets = {name: jobctl("status", name).lines for name in NEXT}

    rows = {line.split()[0]: line for line in listed.lines[1:]}
    assert set(rows) == set(SAMPLES["jobs"]) == set(NEXT)
    for name, told in SAMPLES["jobs"].items():
        assert rows[name].split()[1:3] == [told["type"], "true"]
        assert told["description"][:27] in rows[name]
        local = NEXT[name].astimezone().strftime("%Y-%m-%d %H:%M:%S")
        assert sheets[name][-1] == f"Next Run: {local}", name
    assert {line.split()[0] for line in states.lines[2:]} == set(NEXT)
    assert all(" pending " in line for line in states.lines[2:])


@pytest.mark.usefixtures("samples")
def test_the_workspace_of_the_seed_and_its_tags_are_found(jobctl: Jobctl, admin: User) -> None:
    """S1-42, S1-45, S1-48, S1-50, S1-65: by `jobctl --workspace` and by the filters of the pages."""
    inside = jobctl("--workspace", "my-app", "list").lines
    reader = Client()
    reader.force_login(admin)
    health = reader.get(reverse("jobs"), {"tag": "health"}).content.decode()
    room = reader.get(reverse("workspaces")).content.decode()

    names = {line.split()[0] for line in inside[1:]}
    assert {"post-deploy-setup", "monitoring-check"} <= names
    assert not names & set(NEXT), "standalone jobs are not of the workspace"
    assert "system-health" in health
    assert all(name not in health for name in ("backup-configs", "daily-maintenance"))
    assert "Development workspace with automated jobs" in room
