"""`jobctl import file`: what a text holds, and making its jobs paused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.cli.imports import KINDS
from jobs.importers.candidates import Kind
from jobs.models import Job
from tests.cli.conftest import Jobctl
from tests.factories import make_job

pytestmark = pytest.mark.django_db


def test_a_file_of_any_kind_is_shown_and_made_paused(jobctl: Jobctl, tmp_path: Path) -> None:
    make_job(name="sweep")
    file = tmp_path / "schedule.txt"
    shell = {"plugin": "shellplug", "params": {"script": "echo"}, "timing": {"minutes": [5]}}
    events = [
        {**shell, "title": "Copy", "enabled": 0},
        {**shell, "title": "sweep"},
        {"plugin": "x"},
    ]
    file.write_text(json.dumps({"code": 0, "rows": events}))

    shown = jobctl("import", "file", str(file))
    assert not Job.objects.filter(name="Copy").exists()
    made = jobctl("import", "file", str(file), "--apply", "--tag", "moved", "--json")
    again = jobctl("import", "file", str(file), "--apply")

    assert (shown.code, made.code, again.code) == (1, 1, 1)
    assert "Read as cronicle: 1 new, 1 here already, 1 refused. --apply makes them" in shown.out
    assert "note: It is disabled there" in shown.out
    assert [one["name"] for one in made.json["items"]] == ["Copy"]
    job = Job.objects.get(name="Copy")
    assert (job.state, job.tags) == ("paused", ["moved"])
    assert "0 made, paused, 2 here already, 1 refused." in again.out
    assert set(KINDS) == set(Kind)
