"""CB-Tumblebug's guide against the running product: its command lines and the life of its jobs.

The lines are those of the guide, but for port and ids; jobs call a stub of the real server.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import ROOT, Product, free_port, wait_until
from tests.tumblebug_stub import PASSWORD, USER, Stub, tumblebug

LINES = ROOT / "tests/compat/seed0"
PATH = "/tumblebug/registerCspResources/schedule"
ONE = "aws-ap-northeast-2"

pytestmark = pytest.mark.skipif(
    not (shutil.which("jq") and shutil.which("curl")), reason="jq and curl are not installed"
)


class Site:
    """A product that calls a stub, as scripts reach it."""

    def __init__(self, product: Product, stub: Stub, port: int) -> None:
        """Take the port that plays 1323."""
        self.product = product
        self.stub = stub
        self.base = f"http://localhost:{port}"

    def mapped(self, line: str, job_id: str = "") -> str:
        """Return a line of the guide with this test's port and an id."""
        line = line.replace(".../schedule", f"{self.base}{PATH}")
        line = line.replace("http://localhost:1323", self.base)
        return line.replace("{jobId}", job_id).replace("{existingJobId}", job_id)

    def shell(self, line: str, job_id: str = "") -> str:
        """Run a line; return what it prints."""
        done = subprocess.run(
            ["/bin/bash", "-c", self.mapped(line, job_id)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (line, done.stderr)
        return done.stdout

    def ask(self, method: str, path: str = "", body: Any = None) -> tuple[int, Any]:
        """Send a request of this test's own."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + PATH + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)

    def make(self, ns_id: str, **fields: Any) -> str:
        """Create a job; return its id."""
        body = {"jobType": "registerCspResources", "nsId": ns_id, "intervalSeconds": 3600}
        status, job = self.ask("POST", "", {**body, **fields})
        assert status == 200, job
        return str(job["jobId"])

    def until(self, job_id: str, **facts: Any) -> dict[str, Any]:
        """Wait until a job is as said; return it."""

        def looked() -> dict[str, Any] | None:
            job: dict[str, Any] = self.ask("GET", f"/{job_id}")[1]
            return job if facts.items() <= job.items() else None

        found = wait_until(looked, what=f"{job_id} is {facts}: {self.ask('GET', f'/{job_id}')}")
        assert found is not None
        return found

    def run_again(self, job_id: str) -> None:
        """Start a job by hand, as an interval does later."""
        job = self.ask("GET", f"/{job_id}")[1]
        rows = self.product.sql("SELECT id FROM jobs_job WHERE external_id = %s", job_id)
        self.product.trigger(int(rows[0][0]))
        self.until(job_id, executionCount=job["executionCount"] + 1, status="Scheduled")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a running product on ports as `make up COMPAT=1` has them, one of them taken."""
    port, other = free_port(), free_port()
    with tumblebug() as stub, socket.create_server(("127.0.0.1", 0)) as taken:
        ports = f"{port},{taken.getsockname()[1]},{other}"
        made = Product(
            tmp_path_factory.mktemp("tumblebug"),
            WORKERS="3",
            BEAT="300ms",
            LEASE="2s",
            COMPAT="1",
            COMPAT_PORTS=ports,
            TUMBLEBUG_URL=stub.url,
            TUMBLEBUG_USER=USER,
            TUMBLEBUG_PASSWORD=PASSWORD,
        )
        try:
            made.start()
            wait_until(lambda: listens(port) and listens(other), what="the further ports answer")
            assert f"Port {taken.getsockname()[1]} is taken" in made.log.read_text()
            yield Site(made, stub, port)
        finally:
            made.close()


@pytest.fixture(autouse=True)
def normal(site: Site) -> Iterator[None]:
    """Leave the stub as it was, and no job."""
    yield
    fresh = Stub()
    for name in ("fail", "connections", "stall"):
        setattr(site.stub, name, getattr(fresh, name))
    site.stub.hung_up.clear()
    site.stub.calls.clear()
    site.ask("DELETE")


def listens(port: int) -> bool:
    """Say whether somebody answers at a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def lines_of(name: str) -> list[str]:
    """Return the command lines of a file, each over as many lines as it has."""
    return re.split(r"\n(?=curl )", (LINES / f"{name}.txt").read_text().strip())


def test_s0_163_the_quick_start_runs_as_it_stands(site: Site) -> None:
    """S0-79."""
    create, read, every, pause, resume, delete = lines_of("quick_start")

    job = json.loads(site.shell(create))
    job_id = job["jobId"]

    assert (job["status"], job["executionCount"]) == ("Executing", 1)
    assert json.loads(site.shell(read, job_id))["jobId"] == job_id
    assert len(json.loads(site.shell(every))["jobs"]) == 1
    assert json.loads(site.shell(pause, job_id))["message"] == "Job paused successfully"
    assert json.loads(site.shell(resume, job_id))["message"] == "Job resumed successfully"
    assert json.loads(site.shell(delete, job_id)) == {
        "message": f"Scheduled job stopped and deleted successfully: {job_id}"
    }


def test_s0_164_to_170_the_six_scenarios_run_as_they_stand(site: Site) -> None:
    *creates, pause, resume, delete = lines_of("scenarios")

    made = [json.loads(site.shell(line)) for line in creates]

    assert [job["intervalSeconds"] for job in made] == [3600, *[21600] * 3, 1800, 60, 86400]
    assert len({job["jobId"] for job in made}) == 7
    for job in made:
        found = site.until(job["jobId"], status="Scheduled", successCount=1)
        assert re.fullmatch(r"Successfully registered \d+ resources", found["lastResult"])
    dev = made[5]["jobId"]
    assert json.loads(site.shell(pause, dev))["enabled"] is False
    assert json.loads(site.shell(resume, dev))["enabled"] is True
    assert dev in json.loads(site.shell(delete, dev))["message"]
    network = next(one for one in site.stub.calls if one.body["nsId"] == "network-monitoring")
    assert (network.query["option"], network.query["mciFlag"]) == ("vNet,securityGroup", "n")


def test_s0_43_to_46_the_lines_about_managing_run_as_they_stand(site: Site) -> None:
    """S0-171."""
    job_id = site.make("production", connectionName="aws-invalid")
    site.until(job_id, consecutiveFailures=1)
    read, every, interval, disable, enable, jq_all, jq_namespace, jq_failing = lines_of(
        "management"
    )

    assert json.loads(site.shell(read, job_id))["nsId"] == "production"
    assert json.loads(site.shell(every))["jobs"]
    assert json.loads(site.shell(interval, job_id))["intervalSeconds"] == 7200
    assert json.loads(site.shell(disable, job_id))["enabled"] is False
    assert json.loads(site.shell(enable, job_id))["enabled"] is True
    assert [job["jobId"] for job in json.loads(site.shell(jq_all))] == [job_id]
    assert json.loads(site.shell(jq_namespace))["jobId"] == job_id
    assert json.loads(site.shell(jq_failing))["consecutiveFailures"] == 1


def test_the_lines_about_trouble_run_as_they_stand(site: Site) -> None:
    expected = [
        "true",
        '"message":"Job resumed successfully"',
        "false\n0",
        '"enabled":true',
        'Z"',
        ONE,
        '"intervalSeconds":3600',
        '"nsId":"ns-7"',
        "stopped and deleted",
        '"intervalSeconds":7200',
        '"nsId":"ns-10"',
        "stopped and deleted",
        "11",
    ]

    printed = [
        site.shell(line, site.make(f"ns-{number}"))
        for number, line in enumerate(lines_of("troubleshooting"))
    ]

    for part, text in zip(expected, printed, strict=True):
        assert part in text.replace('": ', '":'), (part, text)


def test_s0_175_the_python_sample_runs_as_it_stands(site: Site, tmp_path: Path) -> None:
    program = tmp_path / "sample.py"
    program.write_text(site.mapped((LINES / "sample.txt").read_text()))

    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    created, status, executions = done.stdout.splitlines()
    assert re.fullmatch(r"Created job: registerCspResources-\d{10}", created)
    assert status in {"Job status: Executing", "Job status: Scheduled"}
    assert executions == "Executions: 1"


def test_s0_111_to_119_five_failures_disable_a_job_and_a_success_recovers_it(site: Site) -> None:
    """S0-50, S0-148, S0-172."""
    job_id = site.make("default", connectionName="aws-invalid", intervalSeconds=10)
    site.until(job_id, status="Scheduled", failureCount=1)
    for _ in range(3):
        site.run_again(job_id)
    fourth = site.ask("GET", f"/{job_id}")[1]
    assert (fourth["consecutiveFailures"], fourth["enabled"]) == (4, True)
    site.run_again(job_id)

    disabled = site.ask("GET", f"/{job_id}")[1]

    facts = {"autoDisabled": True, "enabled": False, "consecutiveFailures": 5}
    assert facts.items() <= disabled.items()
    assert disabled["lastError"] == "failed to connect to CSP: connection 'aws-invalid' not found"
    script = site.shell((LINES / "check-jobs.sh").read_text())
    warning, _, listed = script.partition("\n")
    assert warning == "WARNING: 1 jobs with failures detected"
    assert json.loads(listed) == {
        "jobId": job_id,
        "consecutiveFailures": 5,
        "lastError": disabled["lastError"],
    }
    # S0-117: it fails again, and is disabled again at once.
    enabled = site.ask("PUT", f"/{job_id}", {"enabled": True})[1]
    assert (enabled["enabled"], enabled["autoDisabled"]) == (True, True)
    site.until(job_id, consecutiveFailures=6, enabled=False, autoDisabled=True)
    # S0-116: what was wrong is mended.
    site.stub.connections = (*site.stub.connections, "aws-invalid")
    assert site.ask("PUT", f"/{job_id}/resume")[0] == 200
    recovered = site.until(job_id, autoDisabled=False, enabled=True, successCount=1)
    assert (recovered["consecutiveFailures"], recovered["lastError"]) == (0, "")
    log = site.product.log.read_text()
    # S0-146 to S0-150
    for words in (
        f"INFO Scheduler: Created scheduled job: {job_id}",
        f"INFO Scheduler: Starting job execution: {job_id}",
        f"INFO Scheduler: Job completed successfully: {job_id}",
        f"ERROR Scheduler: Job execution failed: {job_id}, error: failed to connect",
        f"WARN Scheduler: Job auto-disabled after 5 consecutive failures: {job_id}",
    ):
        assert words in log, words


def test_s0_36_twenty_equal_creates_at_once_make_one_job(site: Site) -> None:
    body = {"jobType": "registerCspResources", "nsId": "race", "intervalSeconds": 60}
    answers: list[tuple[int, Any]] = []
    start = threading.Barrier(20)

    def create() -> None:
        start.wait(10)
        answers.append(site.ask("POST", "", body))

    threads = [threading.Thread(target=create) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(status for status, _ in answers) == [200] + [409] * 19
    (made,) = [job["jobId"] for status, job in answers if status == 200]
    assert {job["existingJobId"] for status, job in answers if status == 409} == {made}
    assert len(site.ask("GET")[1]["jobs"]) == 1


def test_s0_67_73_109_pause_and_delete_during_a_run(site: Site) -> None:
    """S0-185."""
    site.stub.stall = True
    job_id = site.make("slow")
    wait_until(lambda: site.stub.calls, what="the call is made")

    paused = site.ask("PUT", f"/{job_id}/pause")[1]
    assert (paused["enabled"], site.ask("GET", f"/{job_id}")[1]["status"]) == (False, "Executing")
    assert not site.stub.hung_up.is_set()
    assert site.ask("DELETE", f"/{job_id}")[0] == 200

    assert site.stub.hung_up.wait(10)
    assert site.ask("GET", f"/{job_id}")[0] == 404
    again = site.make("slow")
    assert again != job_id
    (state, message) = site.product.sql(
        "SELECT e.state, e.message FROM jobs_execution e JOIN jobs_job j ON j.id = e.job_id "
        "WHERE j.external_id = %s",
        job_id,
    )[0]
    assert (state, message) == ("cancelled", "Cancelled by loopback")


def test_s0_104_to_107_a_timeout_is_a_failure_and_ends_the_call(site: Site) -> None:
    """S0-25."""
    site.stub.stall = True

    job_id = site.make("slow", executionTimeout=1)

    job = site.until(job_id, status="Scheduled", failureCount=1, consecutiveFailures=1)
    assert job["lastError"] == "execution timeout exceeded (1 second)"
    assert site.stub.hung_up.wait(10)


def test_s0_68_120_to_122_after_a_crash_everything_goes_on(site: Site) -> None:
    """S0-121, S0-122, S0-124: what stood stands; what was resumed runs; what ran is told as lost.

    S4-47: also that an open circuit stays open for the processes that follow.
    """
    broken = broken_each_second(site.product)
    done = site.make("done")
    before = site.until(done, status="Scheduled", successCount=1)
    paused = site.make("paused")
    site.until(paused, status="Scheduled", successCount=1)
    site.ask("PUT", f"/{paused}/pause")
    stopped = site.ask("GET", f"/{paused}")[1]
    site.stub.stall = True
    running = site.make("running")
    wait_until(
        lambda: any(call.body["nsId"] == "running" for call in site.stub.calls), what="it runs"
    )
    wait_until(lambda: kept_out(site.product, broken), what="a due time of the circuit is left out")
    runs = runs_of(site.product, broken)

    newest = site.make("newest")  # S0-124: killed as soon as it is answered
    site.product.kill_everything()
    left_out = kept_out(site.product, broken)
    site.stub.stall = False
    site.product.start()

    wait_until(lambda: listens(int(site.base.rpartition(":")[2])), what="the port answers")
    circuit = json.loads(site.shell("curl -s http://localhost:1323/cron/circuit-breaker/status"))
    assert circuit["state"] == "OPEN"
    wait_until(lambda: kept_out(site.product, broken) > left_out, what="it stays open")
    assert runs_of(site.product, broken) == runs
    assert site.ask("GET", f"/{done}")[1] == before
    recovered = site.until(running, status="Scheduled", enabled=True)
    assert (recovered["executionCount"], recovered["failureCount"]) == (1, 1)
    assert runs_of(site.product, job_of(site.product, running))[0][1] == "lost"
    assert site.ask("GET", f"/{newest}")[0] == 200
    kept = site.ask("GET", f"/{paused}")[1]
    assert {**kept, "nextExecutionAt": ""} == {**stopped, "nextExecutionAt": ""}
    # S0-68, S0-121: those that are on run when their time comes, the resumed one as well.
    assert site.ask("PUT", f"/{paused}/resume")[1]["enabled"] is True
    for each in (paused, done):
        site.ask("PUT", f"/{each}", {"intervalSeconds": 10})
    for each in (paused, done):
        site.until(each, successCount=2)


def broken_each_second(product: Product) -> int:
    """Create a job that fails each second, with a circuit that opens at the second failure."""
    definition = {
        "name": "broken",
        "type": "command",
        "spec": {"command": "exit 1"},
        "schedules": [{"kind": "interval", "seconds": 1, "anchor": "start"}],
        "breaker": {"name": "broken", "threshold": 2, "open_seconds": 900},
    }
    created: list[int] = product.ask("create_jobs", definitions=[definition])
    return created[0]


def job_of(product: Product, external_id: str) -> int:
    """Return the number of a job."""
    return int(product.sql("SELECT id FROM jobs_job WHERE external_id = %s", external_id)[0][0])


def kept_out(product: Product, job: int) -> int:
    """Return how many due times of a job its open circuit has left out."""
    query = "SELECT coalesce(sum(count), 0) FROM jobs_omission WHERE job_id = %s AND detail LIKE %s"
    [[count]] = product.sql(query, job, "%OPEN until%")
    return int(count)


def runs_of(product: Product, job: int) -> list[Any]:
    """Return the executions of a job, and how they ended."""
    return product.sql("SELECT id, state FROM jobs_execution WHERE job_id = %s ORDER BY id", job)


def test_s0_80_to_86_an_interval_counts_from_the_end_of_a_run(site: Site) -> None:
    site.stub.stall = True
    job_id = site.make("paced", intervalSeconds=10)
    wait_until(lambda: site.stub.calls, what="the first call is made")
    executing = site.ask("GET", f"/{job_id}")[1]
    assert (executing["status"], executing["executionCount"], executing["successCount"]) == (
        "Executing",
        1,
        0,
    )
    site.stub.stall = False
    # Its connection ends, and the stub does not know the request: this run fails.
    site.stub.go.set()
    first = site.until(job_id, status="Scheduled", failureCount=1)
    site.stub.go.clear()

    (finished, due) = site.product.sql(
        "SELECT last_finished_at, next_fire_at FROM jobs_job WHERE external_id = %s", job_id
    )[0]

    assert first["nextExecutionAt"] > first["lastExecutedAt"]
    assert seconds(due) - seconds(finished) == pytest.approx(10, abs=0.001)


def seconds(moment: str) -> float:
    """Return a stored moment as seconds."""
    from datetime import datetime

    return datetime.fromisoformat(str(moment)).timestamp()


def test_s0_11_12_the_swagger_page_and_the_connections_answer(site: Site) -> None:
    page = site.shell("curl -sL http://localhost:1323/tumblebug/api")
    found = json.loads(site.shell("curl -s http://localhost:1323/tumblebug/config"))
    listed = json.loads(site.shell("curl -s http://localhost:1323/tumblebug/connConfig"))

    assert 'id="swagger"' in page
    assert "//" not in re.sub(r"<!doctype html>", "", page), "nothing of another host"
    document = json.loads(site.shell("curl -s http://localhost:1323/tumblebug/api/openapi.json"))
    assert "post" in document["paths"]["/registerCspResources/schedule"]
    names = [one["configName"] for one in listed["connectionconfig"]]
    assert ONE in names
    assert found["connectionconfig"] == listed["connectionconfig"]
    assert {one["id"] for one in found["config"]} == {"TUMBLEBUG_URL", "TB_AUTOCONTROL"}
    assert PASSWORD not in json.dumps(found)


def test_the_check_of_the_lines_can_fail(site: Site) -> None:
    with pytest.raises(AssertionError):
        site.shell("curl -sf http://localhost:1323/tumblebug/nowhere")
