"""The examples of all five schedulers: made once, and each runs on this machine alone."""

from __future__ import annotations

import os
import subprocess
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from jobs.domain.errors import StateError
from jobs.domain.permissions import SYSTEM
from jobs.models import Job, Workspace
from jobs.services import example_set
from jobs.services import jobs as job_services
from tests.factories import make_job

pytestmark = pytest.mark.django_db


def run(job: Job, folder: Path) -> str:
    """Run what a job does, in a directory of its workspace; return what it printed."""
    folder.mkdir(parents=True, exist_ok=True)
    spec = job.spec
    done = subprocess.run(
        ["bash", "-c", spec.get("command") or spec["script"]],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (job.name, done.stderr)
    return done.stdout


def test_an_empty_installation_gets_them_once_and_a_used_one_not() -> None:
    out = StringIO()
    call_command("load_examples", stdout=out)
    count = Job.objects.present().count()

    assert example_set.load(actor=SYSTEM) == []
    assert f"{count} jobs made" in out.getvalue()
    assert set(Workspace.objects.values_list("name", flat=True)) == set(example_set.WORKSPACES)
    assert all(job.next_fire_at for job in Job.objects.present())
    gone = Job.objects.present().get(name="telemetry")
    job_services.delete(gone.pk, actor=SYSTEM)
    assert example_set.load(actor=SYSTEM) == ["telemetry"]
    make_job(name="mine")
    with pytest.raises(StateError):
        example_set.load(actor=SYSTEM)
    with pytest.raises(CommandError, match="--force"):
        call_command("load_examples", stdout=out)
    call_command("load_examples", force=True, stdout=out)
    assert Job.objects.present().count() == count + 1


def test_each_runs_here_and_says_what_its_seed_says(tmp_path: Path) -> None:
    """S2-40, S2-41, S2-42, S2-43, S3-87, S3-88, S4-01, S4-02, S4-03: ready samples that run."""
    example_set.load(actor=SYSTEM)
    rows = {job.name: job for job in Job.objects.present().select_related("workspace")}
    names = [one["name"] for one in example_set.definitions()]

    said: dict[str, list[str]] = {name: [] for name in names}
    for _ in range(2):
        for name in names:
            room = rows[name].workspace
            assert room is not None
            said[name].append(run(rows[name], tmp_path / room.name))

    assert said["rescan-database"][0].endswith("rescan\n")
    assert said["rescan-database"][1] == "no rescan\n"
    first, second = said["auto_create_daily_attendance"]
    assert '"created": 150, "skipped": 0, "errors": 0' in first
    assert '"created": 0, "skipped": 150, "errors": 0' in second
    assert said["hourly-aggregations"][1].startswith("paris/ 2 ")
    assert said["finalize-daily-stats"][1].strip() == "2"
    assert (tmp_path / "scanner" / "metrics.jsonl").read_text().count('"load"') == 2
    schedules = {name: rows[name].schedules.get() for name in names}
    assert schedules["telemetry"].jitter_seconds == 120
    assert schedules["fetch-paris-data"].timezone == "Europe/Paris"
    assert schedules["auto_create_daily_attendance"].expression == "30 0 * * *"


def test_the_first_page_offers_them(editor_client: Client, viewer_client: Client) -> None:
    assert "Load five sample workspaces" in editor_client.get("/").content.decode()
    assert (
        viewer_client.post("/welcome/samples/add/", headers={"HX-Request": "true"}).status_code
        == 403
    )

    answer = editor_client.post("/welcome/samples/add/", follow=True)

    assert f"Made {len(example_set.definitions())} jobs in workspaces." in answer.content.decode()
    assert Job.objects.present().count() == len(example_set.definitions())
