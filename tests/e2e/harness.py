"""Start the real product in a directory of its own, look into it, and kill parts of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from jobs.lineage import end_with_parent
from tests.migrated import inherited, template

SETTINGS = "scheduler_site.settings"
ROOT = Path(__file__).resolve().parents[2]
# Generous, since a test machine may be busy; a test that passes never waits for it.
PATIENCE = 30.0
Value = TypeVar("Value")

# Writes "word execution attempt time pid" and has it on disk before it goes on.
EVIDENCE = (
    "import os,sys,time; f=os.open(sys.argv[1],os.O_WRONLY|os.O_APPEND|os.O_CREAT); "
    "os.write(f,(' '.join([sys.argv[2],os.environ['EXECUTION_ID'],os.environ['ATTEMPT'],"
    "str(time.time()),str(os.getppid())])+chr(10)).encode()); os.fsync(f)"
)


def wait_until(condition: Callable[[], Value], *, what: str, patience: float = PATIENCE) -> Value:
    """Return the condition's first true value; fail when it stays false."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:.0f} s in vain: {what}")
        time.sleep(0.02)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Product:
    """One installation: its data directory, its processes, and an agent inside it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        """Make the tables; nothing runs yet."""
        self.data = folder / "data"
        self.folder = folder
        self.port = free_port()
        self.environment = {
            **inherited(),
            "JOBDECK_DATA": str(self.data),
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "PORT": str(self.port),
            "PYTHONPATH": str(ROOT),
            "LOG_LEVEL": "INFO",  # the tests wait for lines of the log
            "BUILTIN_JOBS": "0",  # the tests count jobs and runs
            **environment,
        }
        self.log = folder / "log.txt"
        self.parts: list[subprocess.Popen[bytes]] = []
        self.program = [str(ROOT / "manage.py")]  # of Python, before the command
        self._agent: subprocess.Popen[str] | None = None
        self.data.mkdir(mode=0o700)
        if "DATABASE_URL" in environment:
            self.ask("migrate")
        else:
            shutil.copy(template(), self.data / "jobdeck.sqlite3")

    @property
    def agent(self) -> subprocess.Popen[str]:
        """Return the process inside the product, started when first asked for."""
        if self._agent is None:
            self._agent = subprocess.Popen(
                [sys.executable, "-m", "tests.e2e.agent"],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._agent

    def ask(self, op: str, **arguments: Any) -> Any:
        """Let the agent do something."""
        assert self.agent.stdin is not None
        assert self.agent.stdout is not None
        self.agent.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
        self.agent.stdin.flush()
        answer = json.loads(self.agent.stdout.readline())
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["ok"]

    # --- What it holds ----------------------------------------------------------------------------

    def sql(self, query: str, *parameters: object) -> list[list[Any]]:
        """Return rows of the product's database."""
        rows: list[list[Any]] = self.ask("sql", query=query, parameters=list(parameters))
        return rows

    def state(self, execution_id: int) -> str:
        """Return where an execution stands."""
        return str(self.sql("SELECT state FROM jobs_execution WHERE id = %s", execution_id)[0][0])

    def job(self, name: str, command: str, *, seconds: int | None = None, **fields: Any) -> int:
        """Create a command job, due every so many seconds or only by hand."""
        schedules = (
            [] if seconds is None else [{"kind": "interval", "seconds": seconds, "anchor": "start"}]
        )
        definition = {
            "name": name,
            "type": "command",
            "spec": {"command": command},
            "schedules": schedules,
            **fields,
        }
        ids: list[int] = self.ask("create_jobs", definitions=[definition])
        return ids[0]

    def trigger(self, job_id: int) -> int:
        """Start a job by hand; return the execution's id."""
        return int(self.ask("trigger", job_id=job_id))

    def run(self, job_id: int, *, patience: float = PATIENCE) -> str:
        """Start a job by hand and return the final state."""
        return self.end_of(self.trigger(job_id), patience=patience)

    def end_of(self, execution_id: int, *, patience: float = PATIENCE) -> str:
        """Wait until an execution has ended; return its state."""
        live = ("queued", "claimed", "running", "retrying")
        wait_until(
            lambda: self.state(execution_id) not in live,
            what=f"execution {execution_id} ends",
            patience=patience,
        )
        return self.state(execution_id)

    def evidence_command(self, name: str = "evidence", *, seconds: float = 0) -> str:
        """Return a command that leaves fsynced lines at its start and end."""
        path = self.folder / name
        write = f'{sys.executable} -I -S -c "{EVIDENCE}" {path}'
        return f"{write} start; sleep {seconds}; {write} end" if seconds else f"{write} start"

    def evidence(self, name: str = "evidence") -> list[list[str]]:
        """Return the lines that the jobs left, split into words."""
        path = self.folder / name
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    # --- Its processes ----------------------------------------------------------------------------

    def start(self, *arguments: str, expect: int = 1) -> subprocess.Popen[bytes]:
        """Start ``manage.py serve`` in a session of its own; wait until ``expect`` clusters serve."""
        before = self._ready_clusters()
        with self.log.open("ab") as log:
            part = subprocess.Popen(
                [sys.executable, *self.program, "serve", *arguments],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # A test run that is killed must not leave a product running.
                preexec_fn=partial(end_with_parent, os.getpid()),
            )
        self.parts.append(part)
        _ = self.agent  # gets ready at the same time
        wait_until(
            lambda: self._ready_clusters() >= before + expect or part.poll() is not None,
            what="the product starts",
        )
        assert part.poll() is None, self.log.read_text()
        return part

    def _ready_clusters(self) -> int:
        return self.log.read_text().count("Cluster ready") if self.log.exists() else 0

    def cluster_tree(self) -> ClusterTree:
        """Return the processes of the newest running cluster."""
        pid = int(
            self.sql(
                "SELECT pid FROM jobs_worker WHERE kind = 'cluster' AND state = 'running' "
                "ORDER BY id DESC LIMIT 1"
            )[0][0]
        )
        size = int(self.environment.get("WORKERS", "4")) + 2
        wait_until(
            lambda: any(len(below(child)) == size for child in below(pid)),
            what="the pool is complete",
        )
        return ClusterTree(pid)

    def stop(self, *, patience: float = PATIENCE) -> list[int]:
        """Ask every part to stop; return the exit codes."""
        for part in self.parts:
            part.send_signal(signal.SIGTERM)
        codes = [part.wait(patience) for part in self.parts]
        self.parts.clear()
        return codes

    def kill_everything(self) -> None:
        """Kill every process of the product at once, jobs and agent excepted."""
        for pid in self.processes():
            signal_to(pid, signal.SIGKILL)
        for part in self.parts:
            part.wait()
        self.parts.clear()

    def processes(self) -> list[int]:
        """Return the product's own processes, found by their environment; not the agent."""
        marks = {f"JOBDECK_DATA={self.data}".encode()}
        return [pid for pid in marked(marks) if self._agent is None or pid != self._agent.pid]

    def job_processes(self, *, execution: str = "") -> list[int]:
        """Return the processes of jobs, or of one execution, found by their environment."""
        identity = self.data / "instance_id"
        if not identity.exists():
            return []
        instance = identity.read_text()
        marks = {f"JOBDECK_INSTANCE={instance}".encode()}
        if execution:  # other products run beside this one, with the same numbers
            marks.add(f"EXECUTION_ID={execution}".encode())
        return marked(marks)

    def processes_left(self) -> list[int]:
        """Return whatever still runs of the product or its jobs."""
        return self.processes() + self.job_processes()

    def close(self) -> None:
        """End everything, however the test ended."""
        for pid in self.processes_left():
            signal_to(pid, signal.SIGKILL)
        for part in self.parts:
            part.wait()
        if self._agent is not None:
            with self._agent:
                self._agent.kill()


class ClusterTree:
    """The processes of one cluster, told apart by their place and birth."""

    def __init__(self, pid: int) -> None:
        """Look at the tree below the cluster process."""
        self.cluster = pid
        self.sentinel = below(pid)[0]
        # The sentinel forks workers, then the monitor, then the pusher.
        *self.workers, self.monitor, self.pusher = sorted(below(self.sentinel))

    def worker_of(self, product: Product, execution_id: int) -> int:
        """Return the worker that runs an execution."""
        return int(product.sql("SELECT pid FROM jobs_execution WHERE id = %s", execution_id)[0][0])


def below(pid: int) -> list[int]:
    """Return the children of a process."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, path.read_text().split())
        except OSError:
            continue
    return found


def marked(marks: Iterable[bytes]) -> list[int]:
    """Return the running processes that started with all these NAME=value in their environment."""
    wanted = set(marks)
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/environ")
        if wanted <= set(_read(path).split(b"\0")) and is_alive(int(path.parent.name))
    ]


def is_alive(pid: int) -> bool:
    """Say whether a process runs; a zombie does not."""
    state = _read(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()[:1]
    return bool(state) and state[0] not in {b"Z", b"X"}


def signal_to(pid: int, number: int) -> None:
    """Signal a process that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
