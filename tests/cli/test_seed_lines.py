"""The seed's own command lines, unchanged, with the jobs and workspaces that they name."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from django.utils import timezone

from jobs.models import Execution, Job, Workspace
from tests.cli.conftest import Jobctl
from tests.factories import make_execution, make_job

LINES = (Path(__file__).parent / "seed1" / "lines.txt").read_text().splitlines()


@pytest.mark.django_db
def test_every_line_of_the_seed_works(jobctl: Jobctl, monkeypatch: pytest.MonkeyPatch) -> None:
    rooms: dict[str, list[str]] = {
        "": ["cleanup-temp", "long-running-task", "system-health", "job-name"],
        "my-app": ["backup-data", "long-running-task"],
        "workspace-name": ["job-name"],
    }
    for room, names in rooms.items():
        if room:
            now = timezone.now()
            Workspace.objects.create(name=room, created_at=now, updated_at=now)
        for name in names:
            job = make_job(name=name, workspace=room or None)
            if name == "long-running-task":
                make_execution(job)
    monkeypatch.setattr(
        "jobs.api.waiting.time.sleep",
        lambda _seconds: (
            Execution.objects.filter(state="queued")
            .exclude(job__name="long-running-task")
            .update(state="succeeded")
        ),
    )

    ended = {line: jobctl(*shlex.split(line)[1:]) for line in LINES}

    assert {line: one.err for line, one in ended.items() if one.code != 0} == {}
    assert len(ended["jobctl --workspace my-app list"].lines) == 3
    assert ended["jobctl --workspace my-app status"].lines[0] == "Jobs in workspace 'my-app':"
    assert ended["jobctl --workspace my-app status backup-data"].lines[1] == "Workspace: my-app"
    assert ended["jobctl --workspace my-app run backup-data"].lines == [
        "Running job 'backup-data' in workspace 'my-app'...",
        "Job 'backup-data' completed successfully",
    ]
    assert len(ended["jobctl list"].lines) == 5
    assert Job.objects.count() == 7
