"""The four jobs that the scheduler framework plans: they do their work, and follow the environment."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
import sys
import threading
import urllib.error
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jobs.domain.errors import DurationError, InvalidError
from jobs.python_api import JobContext, Scheduler
from jobs.registry import REGISTRY, Cancelled

EXAMPLE = Path(__file__).parents[2] / "docs/examples/scanner_jobs.py"


def load() -> Any:
    """Return the example as a module."""
    spec = importlib.util.spec_from_file_location("scanner_jobs", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


scanner = load()


class Stub:
    """The agent, the version's server and the collector in one."""

    def __init__(self) -> None:
        """Listen on loopback."""
        stub = self
        self.calls: list[tuple[str, Any]] = []
        self.version = "v5.1"
        self.fails = False

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(stub.version.encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                stub.calls.append((self.path, json.loads(body)))
                self.answer(b'{"images": 7}')

            def answer(self, text: bytes) -> None:
                self.send_response(500 if stub.fails else 200)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Return a stub that listens."""
    made = Stub()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_s2_40_refresh_images_calls_the_agent(stub: Stub) -> None:
    answer = scanner.RefreshImages(stub.url).run(JobContext())

    assert stub.calls == [("/refresh", {})]
    assert answer["data"] == {"images": 7}
    stub.fails = True
    with pytest.raises(urllib.error.HTTPError):
        scanner.RefreshImages(stub.url).run(JobContext())


def test_s2_41_a_rescan_is_asked_for_once_a_version(stub: Stub, tmp_path: Path) -> None:
    job = scanner.RescanDatabase(f"{stub.url}/version", stub.url, tmp_path)
    messages = [job.run(JobContext())["message"], job.run(JobContext())["message"]]
    stub.version = "v5.2"
    stub.fails = True
    with pytest.raises(urllib.error.HTTPError):
        job.run(JobContext())
    stub.fails = False
    messages.append(job.run(JobContext())["message"])

    assert messages == ["rescan: v5.1", "no rescan: still v5.1", "rescan: v5.2"]
    assert [body["version"] for _, body in stub.calls] == ["v5.1", "v5.2"]


def test_s2_42_orphans_are_deleted_and_counted(tmp_path: Path) -> None:
    store = tmp_path / "scanner.sqlite3"
    with closing(sqlite3.connect(store)) as database, database:
        database.executescript(
            "CREATE TABLE container_instances (id INTEGER, image_id INTEGER);"
            "CREATE TABLE images (id INTEGER); CREATE TABLE scans (instance_id INTEGER);"
            "INSERT INTO container_instances VALUES (1, 10);"
            "INSERT INTO images VALUES (10), (11); INSERT INTO scans VALUES (1), (2), (3);"
        )
    job = scanner.CleanupInstances(store)
    ended = JobContext()
    ended.cancel()

    with pytest.raises(Cancelled):
        job.run(ended)
    counts = [job.run(JobContext())["data"]["deleted"] for _ in range(2)]

    assert counts == [3, 0]


def test_s2_43_telemetry_reaches_the_collector(stub: Stub) -> None:
    scanner.Telemetry(stub.url).run(JobContext())

    ((path, body),) = stub.calls
    assert path == "/v1/metrics"
    (scope,) = body["resourceMetrics"][0]["scopeMetrics"]
    assert [metric["name"] for metric in scope["metrics"]] == ["load_1m", "load_5m", "load_15m"]
    point = scope["metrics"][0]["gauge"]["dataPoints"][0]
    assert (type(point["asDouble"]), type(point["timeUnixNano"])) == (float, str)


def added(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **environment: str) -> dict[str, Any]:
    """Return what the four jobs are with an environment: schedule, time limit, enabled."""
    monkeypatch.setattr(REGISTRY, "_entries", {})
    places = scanner.Places(
        agent_url="http://a",
        database_version_url="http://v",
        collector_url="http://c",
        store=tmp_path / "s",
        state=tmp_path,
    )
    scanner.add_jobs(Scheduler("scanner"), places, environment)
    found = {}
    for entry in REGISTRY:
        (rule,) = entry.definition["schedules"]
        when = rule.get("expression") or (rule["seconds"], rule["jitter_seconds"])
        found[entry.job_id] = (when, entry.definition["timeout_seconds"], entry.enabled)
    return found


def test_s2_40_to_43_the_defaults_are_those_of_the_plan(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert added(monkeypatch, tmp_path) == {
        "refresh-images": ((300, 0), 120, True),
        "rescan-database": ((3600, 0), 1800, True),
        "cleanup-instances": ("0 2 * * *", 3600, True),
        "telemetry": ((300, 120), 30, True),
    }


def test_s2_44_45_46_the_environment_changes_each_fact(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = added(
        monkeypatch,
        tmp_path,
        JOBS_REFRESH_IMAGES_ENABLED="false",
        JOBS_REFRESH_IMAGES_TIMEOUT="90s",
        JOBS_RESCAN_DATABASE_INTERVAL="30m",
        JOBS_CLEANUP_INTERVAL="24h",
        JOBS_TELEMETRY_JITTER="1m30s",
    )

    assert found == {
        "refresh-images": ((300, 0), 90, False),
        "rescan-database": ((1800, 0), 1800, True),
        "cleanup-instances": ((86400, 0), 3600, True),
        "telemetry": ((300, 90), 30, True),
    }
    with pytest.raises((DurationError, InvalidError), match="soon"):
        added(monkeypatch, tmp_path, JOBS_TELEMETRY_INTERVAL="soon")
