"""The whole product in a private data directory, for as long as a measurement needs it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 300  # of a machine that is busy otherwise, too
STOP_SECONDS = 40


def prepare() -> Path:
    """Make a data directory with an empty database, and let this process use it too."""
    data = Path(tempfile.mkdtemp(prefix="jobdeck-bench-"))
    os.environ["JOBDECK_DATA"] = str(data)
    os.environ["PORT"] = str(free_port())
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    os.environ["DJANGO_SETTINGS_MODULE"] = "scheduler_site.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return data


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``manage.py serve`` with ``arguments`` until the block ends; yields its process."""
    with Path(os.environ["JOBDECK_DATA"], "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "serve", *arguments],
            stdout=log,
            stderr=log,
            cwd=ROOT,
        )
    try:
        wait_until(_alive, START_SECONDS, "the product to start")
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)


def discard(data: Path) -> None:
    """Remove a data directory."""
    shutil.rmtree(data, ignore_errors=True)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Any, seconds: float, what: str) -> None:
    """Return when ``condition()`` is true; fail after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Waited {seconds:g} s for {what}.")
        time.sleep(0.05)


def _alive() -> bool:
    from jobs.models import Worker, WorkerState

    kinds = set(
        Worker.objects.filter(state=WorkerState.RUNNING.value).values_list("kind", flat=True)
    )
    return {"dispatcher", "cluster"} <= kinds


def tree(pid: int) -> list[int]:
    """Return ``pid`` and all its descendants."""
    import psutil

    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]


def cpu_seconds(pids: list[int]) -> float:
    """Return the processor time that the processes have used so far."""
    import psutil

    total = 0.0
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = psutil.Process(pid).cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def pss_megabytes(pids: list[int]) -> float:
    """Return the memory of the processes with shared pages counted once."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024
