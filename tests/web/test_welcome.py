"""An empty installation offers three examples that really run, and is quiet once a job exists."""

from __future__ import annotations

import http.server
import json
import re
import subprocess
import threading
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.test import Client, override_settings

from jobs.domain.addresses import parse_allowed
from jobs.domain.permissions import SYSTEM
from jobs.models import AuditEntry, Execution, Job
from jobs.services import canary, examples
from jobs.services import jobs as job_services
from jobs.services.registered import CODE
from tests.factories import make_job

pytestmark = pytest.mark.django_db

PLACE = examples.Place(origin="http://127.0.0.1:8000", zone="Europe/Paris")


def text_of(content: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content.decode()))


def test_one_click_adds_a_job_that_runs_and_the_welcome_is_gone(editor_client: Client) -> None:
    before = text_of(editor_client.get("/").content)
    answer = editor_client.post("/welcome/disk-space/add/", follow=True)

    assert "Nothing is scheduled yet" in before
    assert "Needs attention" not in before
    text = text_of(answer.content)
    assert "Added disk-space. Its first run has been started. Watch it" in text
    assert "Nothing is scheduled yet" not in text
    assert "Needs attention" in text
    assert Execution.objects.get().job.name == "disk-space"
    assert AuditEntry.objects.filter(action="job.create", actor="edda").exists()


def test_all_three_at_once_with_the_reader_s_zone(editor_client: Client) -> None:
    editor_client.cookies["tz"] = "Asia/Jakarta"
    answer = editor_client.post("/welcome/all/add/", follow=True)

    assert "Added three jobs." in text_of(answer.content)
    assert sorted(Job.objects.values_list("name", flat=True)) == sorted(examples.names())
    night = Job.objects.get(name="nightly-report")
    assert night.next_fire_at is not None
    at = night.next_fire_at.astimezone(ZoneInfo("Asia/Jakarta"))
    assert (at.hour, at.minute) == (2, 30)
    assert Execution.objects.count() == 3
    again = editor_client.post("/welcome/all/add/", follow=True)
    assert "exists" in text_of(again.content)
    assert Job.objects.count() == 3


def test_the_product_s_own_jobs_and_the_canary_are_none_of_anybody(editor_client: Client) -> None:
    for name in ("health-check", "weekly-cleanup"):
        job = make_job(name=name, external_id=name)
        Job.objects.filter(pk=job.pk).update(created_by=CODE.name)
    canary.start(actor=SYSTEM)
    assert "Nothing is scheduled yet" in text_of(editor_client.get("/").content)

    mine = make_job(name="mine", external_id="health-check")
    assert "Nothing is scheduled yet" not in text_of(editor_client.get("/").content)
    job_services.delete(mine.pk, actor=SYSTEM)

    assert "Nothing is scheduled yet" in text_of(editor_client.get("/").content)


def test_who_may_not_create_is_told_whom_to_ask(viewer_client: Client) -> None:
    page = viewer_client.get("/")

    assert "Ask an editor or an administrator" in text_of(page.content)
    assert b"/welcome/" not in page.content
    assert viewer_client.post("/welcome/all/add/").status_code in (302, 303, 403)
    assert not Job.objects.exists()


def test_an_example_that_is_not_there_is_told(editor_client: Client) -> None:
    answer = editor_client.post("/welcome/nope/add/", headers={"HX-Request": "true"})

    assert answer.status_code == 404
    assert "There is no example" in answer.content.decode()


def test_the_check_of_this_server_is_an_http_job_where_that_is_allowed() -> None:
    plain = examples.add("this-server", PLACE, actor=SYSTEM).job
    job_services.delete(plain.pk, actor=SYSTEM)
    allowed = {**settings.JOBDECK, "HTTP_ALLOWED": parse_allowed(["127.0.0.1:8000"])}
    with override_settings(JOBDECK=allowed):
        direct = examples.add("this-server", PLACE, actor=SYSTEM).job

    assert plain.type == "command"
    assert plain.spec["command"].endswith(" http://127.0.0.1:8000/healthz")
    assert (direct.type, direct.spec["url"]) == ("http", "http://127.0.0.1:8000/healthz")


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""


def test_what_the_examples_run_works_in_a_plain_shell(tmp_path: Path) -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = PLACE._replace(origin=f"http://127.0.0.1:{server.server_port}")

    def run(name: str) -> subprocess.CompletedProcess[str]:
        spec = examples.add(name, place, actor=SYSTEM).job.spec
        return subprocess.run(
            ["bash", "-c", spec.get("command") or spec["script"]],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "ARTIFACTS_DIR": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    disk, healthy, report = map(run, examples.names())
    server.shutdown()
    server.server_close()

    assert re.fullmatch(r"\d+% used\n", disk.stdout)
    assert disk.returncode == (int(disk.stdout.split("%")[0]) > 90)
    assert (healthy.stdout.strip(), healthy.returncode) == ("ok", 0), json.dumps(healthy.stderr)
    assert (report.returncode, "Memory:" in report.stdout) == (0, True)
    assert (tmp_path / "report.txt").read_text() == report.stdout
