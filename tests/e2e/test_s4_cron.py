"""The cron guide against the running product: its command lines, addresses and job list."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.harness import ROOT, Product, free_port, wait_until
from tests.e2e.test_s0_tumblebug import listens

LINES = ROOT / "tests/compat/seed4"

pytestmark = pytest.mark.skipif(
    not (shutil.which("jq") and shutil.which("curl")), reason="jq and curl are not installed"
)


class Site:
    """A product as programs on this host reach it."""

    def __init__(self, product: Product, port: int) -> None:
        """Take the port that plays 3000."""
        self.product = product
        self.base = f"http://localhost:{port}"

    def shell(self, line: str) -> Any:
        """Run a line of the guide; return the JSON that it prints."""
        mapped = line.replace("http://localhost:3000", self.base)
        done = subprocess.run(
            ["/bin/bash", "-c", mapped], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (line, done.stderr)
        return json.loads(done.stdout)

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, Any]:
        """Send a request."""
        data = body.encode() if body else None
        request = urllib.request.Request(self.base + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a running product with its own jobs and those of the guide's list."""
    port = free_port()
    environment = dict(
        line.split("=", 1)
        for line in (LINES / "environment.txt").read_text().splitlines()
        if not line.startswith("BULL_REDIS")  # no Redis here
    )
    product = Product(
        tmp_path_factory.mktemp("cron"),
        WORKERS="2",
        COMPAT="1",
        COMPAT_PORTS=str(port),
        BUILTIN_JOBS="1",
        CRON_JOBS_FILE=str(LINES / "cron.config.json"),
        **environment,
    )
    try:
        product.start()
        wait_until(lambda: listens(port), what="the further port answers")
        site = Site(product, port)
        wait_until(
            lambda: len(site.ask("GET", "/cron/jobs/stats")[1]) == 3, what="the jobs are made"
        )
        yield site
    finally:
        product.close()


def test_s4_11_12_17_19_34_the_guide_s_lines_run_as_they_stand(site: Site) -> None:
    lines = (LINES / "debugging.txt").read_text().splitlines()

    stats, queues, overview, executed = [site.shell(line) for line in lines]

    names = {one["jobName"]: one for one in stats}
    assert set(names) == {"fetch-paris-data", "health-check", "weekly-cleanup"}
    assert names["health-check"]["isEnabled"] is True
    assert names["health-check"]["nextExecution"]
    assert "default" in [one["queueName"] for one in queues]
    assert overview["systemHealth"] == "healthy"
    assert overview["uptime"] >= 0
    assert executed["message"] == "CRON job health-check executed successfully"
    assert executed["jobName"] == "health-check"
    assert executed["result"]["queues"]["default"]["score"] > 0.9


def test_every_address_of_the_guide_answers(site: Site) -> None:
    """S4-86."""
    for line in (LINES / "endpoints.txt").read_text().splitlines():
        method, path, *body = line.split(" ", 2)
        path = path.replace("{jobName}", "weekly-cleanup").replace("{queueName}", "default")

        status, answer = site.ask(method, path, *body)

        assert status == 200, (line, answer)
        assert answer is not None


def test_s4_04_05_the_product_s_own_jobs_are_as_the_guide_has_them(site: Site) -> None:
    rows = site.product.sql(
        "SELECT j.name, s.expression, s.timezone, j.priority, j.category FROM jobs_job j "
        "JOIN jobs_schedule s ON s.job_id = j.id WHERE j.type = 'python' ORDER BY j.name"
    )

    assert rows == [
        ["health-check", "*/5 * * * *", "UTC", 10, "monitoring"],
        ["weekly-cleanup", "0 2 * * 0", "UTC", -10, "maintenance"],
    ]
    status, answer = site.ask("POST", "/cron/jobs/weekly-cleanup/execute")
    assert (status, answer["message"]) == (200, "CRON job weekly-cleanup executed successfully")
    assert set(answer["result"]) == {"completed", "failed", "logs", "metrics"}
