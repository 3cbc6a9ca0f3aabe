"""CB-Tumblebug's interface: forms of values, the guide's limits, its ports and its clean-up script."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from jobs.services import audit
from tests.compat.test_s0_jobs import FIELDS, MINIMAL, Script

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
CLEANUP = ROOT / "docs/examples/cleanup-old-jobs.sh"


@pytest.fixture
def script() -> Script:
    """Return a program on this host."""
    return Script()


def test_each_field_has_its_form_before_and_after_a_run(script: Script) -> None:
    """S0-07, S0-08, S0-09, S0-129: names, UTC to the second, numbers and booleans."""
    made = script.make()
    never = script.make(nsId="never")
    Job.objects.filter(external_id=never["jobId"]).update(execution_count=0)

    for job in (made, script("GET", f"/{never['jobId']}")[1]):
        assert list(job) == FIELDS
        for name in ("createdAt", "nextExecutionAt"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", job[name])
        for name in FIELDS:
            kind = (
                bool
                if name in ("enabled", "autoDisabled")
                else int
                if re.search("Count$|Seconds$|Timeout$|Failures$", name)
                else str
            )
            assert type(job[name]) is kind, name


@pytest.mark.parametrize("seconds", [600, 900, 1800, 3600])
def test_the_time_limits_of_the_guide_are_taken(script: Script, seconds: int) -> None:
    """S0-103, S0-110, S0-183: 30 minutes where nothing is said, 10 to 60 as one likes."""
    made = script.make(executionTimeout=seconds)
    plain = script.make(nsId="plain")

    changed = script("PUT", f"/{plain['jobId']}", {"executionTimeout": seconds})[1]

    assert (made["executionTimeout"], plain["executionTimeout"]) == (seconds, 1800)
    assert changed["executionTimeout"] == seconds


@pytest.mark.parametrize("path", ["/tumblebug/registerCspResources/schedule", "/api/v1/jobs"])
def test_what_could_not_be_stored_is_in_the_log(
    path: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    settings: Any,
    admin_client: Client,
) -> None:
    """S0-123: with the words that CB-Tumblebug's scheduler uses."""

    def broken(*_: object, **__: object) -> None:
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(audit, "record", broken)
    body = (
        {"name": "x", "type": "command", "spec": {"command": "true"}}
        if path.endswith("jobs")
        else MINIMAL
    )
    with caplog.at_level(logging.ERROR, "scheduler.api"):
        answer = admin_client.post(path, json.dumps(body), content_type="application/json")
    monkeypatch.undo()

    assert answer.status_code >= 500
    assert "Failed to persist: the database did not answer: disk I/O error" in caplog.text
    assert not Job.objects.exists()


def test_tiles_add_up_and_a_row_says_rate_or_failures(
    script: Script, editor_client: Client
) -> None:
    """S0-154, S0-155, S0-156: each job is running, paused or failed; twelve in all."""
    made = [script.make(nsId=f"ns-{n}", mciNamePrefix=f"aws-{n}") for n in range(12)]
    script("PUT", f"/{made[0]['jobId']}/pause")
    jobs = Job.objects.order_by("pk")
    jobs.filter(external_id=made[1]["jobId"]).update(
        state="auto_disabled",
        execution_count=3,
        success_count=0,
        failure_count=3,
        consecutive_failures=3,
    )
    jobs.filter(external_id=made[2]["jobId"]).update(
        execution_count=101, success_count=99, failure_count=1
    )

    overview = editor_client.get(reverse("overview")).content.decode()
    rows = editor_client.get(reverse("jobs"), {"q": "aws-2"}).content.decode()
    failed = editor_client.get(reverse("jobs"), {"state": "auto_disabled"}).content.decode()

    tiles = dict(re.findall(r'class="k">.*?([\w ]+)</span><span class="v[^"]*">(\d+)<', overview))
    assert [
        tiles[name] for name in ("Total jobs", "Running jobs", "Paused jobs", "Failed jobs")
    ] == [
        "12",
        "10",
        "1",
        "1",
    ]
    assert "aws-2" in rows
    assert "99.0\u202f%" in rows
    words = " ".join(re.sub(r"<[^>]+>", " ", failed).split())
    assert "aws-1" in failed
    assert re.search(r"aws-1 .* 0\s?% of 3", words), "it says how often it failed"
    assert "Auto-disabled" in failed


def test_the_ports_of_the_other_schedulers_are_the_usual_ones() -> None:
    """S0-01, C-PORT: 1323, 8002 and 3000, each of which serves every prefix."""
    code = "from scheduler_site import settings as s; print(s.COMPAT_PORTS, s.PORT)"
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COMPAT", "PORT", "DJANGO"))
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "COMPAT": "1", "SECRET_KEY": "x" * 50},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.startswith("[1323, 8002, 3000]")


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
def test_the_clean_up_script_deletes_only_what_has_not_run_for_30_days(tmp_path: Path) -> None:
    """S0-173: the guide's script, with its filter put right; what never ran stays."""
    now = datetime.now(UTC)

    def job(name: str, days: float | None) -> dict[str, str]:
        at = "" if days is None else f"{now - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
        return {"jobId": name, "lastExecutedAt": at}

    answer = {"jobs": [job("old", 31), job("young", 29), job("never", None), job("ancient", 900)]}
    (tmp_path / "answer.json").write_text(json.dumps(answer))
    curl = tmp_path / "curl"
    curl.write_text(
        '#!/bin/sh\ncase "$*" in *DELETE*) echo "$*" >> "$0.log";; *) cat "${0%/*}/answer.json";; esac\n'
    )
    curl.chmod(0o755)

    done = subprocess.run(
        ["/bin/bash", CLEANUP],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert done.stdout.splitlines() == ["Deleting old job: old", "Deleting old job: ancient"]
    called = (tmp_path / "curl.log").read_text().splitlines()
    assert [line.rpartition("/")[2] for line in called] == ["old", "ancient"]
