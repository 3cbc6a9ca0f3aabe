"""`jobctl validate` and `apply` on files in the words of the provisioner, and their schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from jobs.domain.permissions import SYSTEM
from jobs.models import Job
from jobs.services import workspaces
from tests.cli.conftest import Jobctl
from tests.factories import make_job

pytestmark = pytest.mark.django_db
SAMPLES: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "services" / "provisioner_samples.json").read_text("utf-8")
)


def test_every_sample_of_a_directory_is_judged_and_applied(jobctl: Jobctl, tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    for name, told in SAMPLES["jobs"].items():
        (tmp_path / "jobs" / f"{name}.json").write_text(json.dumps(told))
    room = tmp_path / "workspaces" / "my-app"
    room.mkdir(parents=True)
    (room / "config.json").write_text(json.dumps(SAMPLES["workspace"]))
    workspaces.create(workspaces.parse_workspace({"name": "my-app"}), actor=SYSTEM)
    count = len(SAMPLES["jobs"]) + len(SAMPLES["workspace"]["jobs"])

    judged = jobctl("validate", str(tmp_path))
    applied = jobctl("apply", str(tmp_path), "--json")
    again = jobctl("validate", str(tmp_path), "--json")

    assert (judged.code, judged.out, judged.err) == (0, f"{count} valid, 0 broken\n", "")
    assert applied.json["create"] == count
    assert {one["deed"] for one in again.json["items"]} == {"keep"}
    assert Job.objects.get(name="monitoring-check").workspace is not None
    assert Job.objects.get(name="health-check").timeout_seconds == 30


def test_a_workspace_may_be_without_jobs_and_its_faults_are_told(
    jobctl: Jobctl, tmp_path: Path
) -> None:
    """Issue 8: what the server applies is not called broken, and what it refuses is."""
    for name, told in (
        ("bare", '{"template": "shop",\n "destroy_schedule": false}'),
        ("empty", '{"enabled": true, "jobs": []}'),
        ("listed", '{"template": "shop",\n "jobs": {"a": 1}}'),
        ("switched", '{\n "enabled": "perhaps"}'),
        ("timed", '{"template": "shop",\n "deploy_schedule": ["0 9 * * *", "0 25 * * *"]}'),
        ("modes", '{"template": "shop", "mode_schedules": {"busy": "0 8 * * *",\n "calm": "8pm"}}'),
        ("zoned", '{"destroy_schedule": "0 1 * * *",\n "timezone": "Mars/Base"}'),
        ("odd", '{"deploy_schedule": 3, "destroy_schedule": true, "mode_schedules": [1]}'),
    ):
        (tmp_path / "workspaces" / name).mkdir(parents=True)
        (tmp_path / "workspaces" / name / "config.json").write_text(told)

    judged = jobctl("validate", str(tmp_path))

    assert (judged.code, judged.out) == (1, "0 valid, 5 broken\n")
    first, modes, second, timed, zoned = judged.err.splitlines()
    assert first.endswith("listed/config.json:2: jobs must be a list of job definitions")
    assert "modes/config.json:2: mode_schedules.calm: The expression '8pm' has 1 field" in modes
    assert "switched/config.json:2: enabled must be true or false" in second
    assert "timed/config.json:2: deploy_schedule: Hour 25 does not exist." in timed
    assert "zoned/config.json:2: timezone: The time zone" in zoned


def test_faults_are_told_with_the_line_of_the_words_in_the_file(
    jobctl: Jobctl, tmp_path: Path
) -> None:
    (tmp_path / "late.json").write_text(
        '{"type": "command",\n "command": "date",\n "schedule": "61 * * * *"\n}'
    )
    (tmp_path / "none.json").write_text('{"type": "script",\n "schedule": "0 2 * * *"}')
    (tmp_path / "off.yaml").write_text(
        "type: command\ncommand: date\nschedule: '0 2 * * *'\nenabled: false\nfoo: 1\n"
    )

    judged = jobctl("validate", str(tmp_path))
    jobctl("apply", str(tmp_path / "off.yaml"))

    assert (judged.code, judged.out) == (1, "1 valid, 2 broken\n")
    assert f"Error: {tmp_path}/late.json:3: late: schedules.0.expression: " in judged.err
    assert f"Error: {tmp_path}/none.json:1: script content is required" in judged.err
    assert f"Warning: {tmp_path}/off.yaml:1: unknown field foo is ignored" in judged.err
    assert Job.objects.get(name="off").state == "paused"


def test_the_published_schema_takes_what_is_exported(jobctl: Jobctl) -> None:
    make_job(name="first", tags=["nightly"])
    make_job(name="second", timeout_seconds=60)

    schema = jsonschema_rs.validator_for(jobctl("schema", "job").json)
    exported = jobctl("export").json

    assert len(exported["jobs"]) == 2
    assert schema.is_valid(exported)
    exported["jobs"][0]["overlap"] = "sometimes"
    assert not schema.is_valid(exported)
