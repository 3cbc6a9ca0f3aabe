"""The guide of the scheduled-jobs framework against the running product: its lines, its job classes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import ROOT, Product, free_port, wait_until

LINES = ROOT / "tests/compat/seed3"
JOB = "auto_create_daily_attendance"

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")


class Site:
    """A product with the guide's job classes, as its scripts reach it."""

    def __init__(self, product: Product, port: int) -> None:
        """Take the port that plays 8002."""
        self.product = product
        self.port = port
        self.token = str(product.ask("token"))

    def shell(self, line: str) -> Any:
        """Run a command line of the guide with this test's port and token; return what it prints."""
        line = line.replace("localhost:8002", f"localhost:{self.port}")
        line = line.replace("<token>", self.token).replace("curl ", "curl -sS ", 1)
        done = subprocess.run(
            ["/bin/bash", "-c", line],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.product.folder,
        )
        assert done.returncode == 0, (line, done.stderr)
        return done.stdout

    def curl(self, line: str) -> Any:
        """Run a line that prints JSON."""
        return json.loads(self.shell(line))

    def trigger(self, job_id: str) -> Any:
        """Start a job as the guide does."""
        return self.curl(lines_of("curl")[1].replace(JOB, job_id))


def lines_of(name: str) -> list[str]:
    """Return the command lines of a file."""
    return re.split(r"\n\n", (LINES / f"{name}.txt").read_text().strip())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a running product of a project that has the guide's job classes."""
    folder: Path = tmp_path_factory.mktemp("scheduled")
    port = free_port()
    (folder / "logs").mkdir()
    made = Product(
        folder,
        DJANGO_SETTINGS_MODULE="tests.sample_app.settings",
        COMPAT="1",
        COMPAT_PORTS=str(port),
        WORKERS="2",
        TIME_ZONE="Asia/Jakarta",
        LOG_FILE=str(folder / "logs/app.log"),
    )
    try:
        made.start()
        (made.data / "deployments/_standalone_/attendance").mkdir(parents=True, exist_ok=True)
        wait_until(
            lambda: made.sql("SELECT id FROM jobs_job WHERE name = %s", JOB),
            what="the jobs of the code",
        )
        yield Site(made, port)
    finally:
        made.close()


def test_s3_50_the_list_shows_the_jobs_that_registered_themselves(site: Site) -> None:
    answer = site.curl(lines_of("curl")[0])

    jobs = {job["job_id"]: job for job in answer["data"]}
    assert answer["message"] == f"Ditemukan {len(jobs)} scheduled jobs"
    attendance, sample = jobs[JOB], jobs["my_new_job"]
    assert attendance["name"].startswith("Auto-create attendance records")
    assert attendance["trigger"] == "cron[hour='0', minute='30']"
    assert attendance["next_run"].endswith("T00:30:00+07:00")
    assert sample["description"] == "Deskripsi singkat job ini"
    assert sample["trigger"] == "cron[hour='9', minute='0']"
    assert sample["next_run"].endswith("T09:00:00+07:00")


def test_s3_01_38_39_88_a_trigger_waits_and_answers_the_result(site: Site) -> None:
    for record in (site.product.data / "deployments/_standalone_/attendance").iterdir():
        record.unlink()
    first = site.curl(lines_of("curl")[1])
    second = site.curl(lines_of("curl")[1])
    sample = site.trigger("my_new_job")

    assert first == {
        "status": "success",
        "message": "Job berhasil dijalankan",
        "data": {
            "job_id": JOB,
            "success": True,
            "result": {"created": 150, "skipped": 0, "errors": 0},
        },
    }
    assert second["data"]["result"] == {"created": 0, "skipped": 150, "errors": 0}
    assert sample["data"]["result"] == {"processed": 100}


def test_s3_11_40_45_a_failure_answers_its_message_and_keeps_its_trace(site: Site) -> None:
    site.product.ask(
        "create_jobs",
        definitions=[{"name": "raising", "type": "python", "spec": {"job": "raises"}}],
    )

    answer = site.trigger("raising")

    assert (answer["status"], answer["message"]) == ("success", "ValueError: boom")
    assert answer["data"] == {"job_id": "raising", "success": False, "result": None}
    read = 'curl -H "Authorization: Bearer <token>" '
    where = "http://localhost:8002/api/v1/scheduled-jobs"
    (row,) = site.curl(f"{read} {where}/raising/history")["data"]
    assert row["error_trace"].startswith("Traceback")
    assert "raise ValueError(text)\nValueError: boom" in row["error_trace"]
    latest = site.curl(f"{read} {where}/raising")["data"]["latest_execution"]
    assert (latest["id"], latest["success"]) == (row["id"], False)
    assert row["id"] in {
        one["id"] for one in site.curl(f"{read} {where}/executions/recent")["data"]
    }
    rows = site.product.sql("SELECT success FROM job_executions WHERE job_id = %s", "raising")
    assert [bool(success) for (success,) in rows] == [False]


def test_s3_89_90_both_greps_find_their_lines_in_the_log(site: Site) -> None:
    site.trigger(JOB)

    found = [site.shell(line.replace("tail -f", "cat")) for line in lines_of("logs")]

    assert f"INFO scheduler.runner: [_standalone_] JOB {JOB}: Completed successfully" in found[0]
    assert f"JOB {JOB}: Starting execution" in found[1]
