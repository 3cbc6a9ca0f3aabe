"""What a Python job costs: our forked child against a bare fork, and a fresh interpreter.

Run with ``python -m benchmarks.python_jobs [COUNT]``. Rounds are interleaved, figures are medians.
Beside the executor, each round measures what the database adds: a worker that has a connection to
SQLite closes it before the fork and opens it again, a job that uses the database opens its own.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.spawn import Silent, supervised
from jobs.domain.states import Trigger
from jobs.executors import ExecutionContext
from jobs.executors.proctree import become_subreaper

ROUNDS = 5
COUNT = 40
FRESH = 3  # a fresh interpreter takes half a second: few are enough


def main() -> None:
    """Measure every way and print a table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    folder = Path(tempfile.mkdtemp(prefix="jobdeck-bench-"))
    os.environ["JOBDECK_DATA"] = str(folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    ways = _ways(folder)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            found[name].append(_cost(way, FRESH if name.startswith("fresh") else count))
    print(f"{'way':44} {'ms wall':>9} {'ms CPU':>9}")
    for name, costs in found.items():
        wall, cpu = (statistics.median(column) for column in zip(*costs, strict=True))
        print(f"{name:44} {wall:9.2f} {cpu:9.2f}")


def _ways(folder: Path) -> dict[str, Callable[[], object]]:
    from django.db import connection

    from jobs.executors.forked import run_forked
    from jobs.registry import JobContext

    become_subreaper()
    context = _context(folder)

    def nothing(_context: JobContext) -> None:
        return None

    def query(_context: JobContext) -> None:
        connection.ensure_connection()

    def idle(work: Callable[[JobContext], None]) -> None:
        connection.close()
        run_forked(work, context, Silent())

    def busy(work: Callable[[JobContext], None]) -> None:
        run_forked(work, context, Silent())
        connection.ensure_connection()

    return {
        "bare fork, exit, wait": _bare_fork,
        "command `true` by its executor": supervised("true", folder),
        "python job": partial(idle, nothing),
        "python job, worker reopens its SQLite": partial(busy, nothing),
        "python job that opens the database, too": partial(busy, query),
        "fresh interpreter: manage.py": _fresh,
    }


def _context(folder: Path) -> ExecutionContext:
    return ExecutionContext(
        instance="benchmark",
        execution_id=1,
        job_id=1,
        job_name="benchmark",
        attempt=1,
        scheduled_for=datetime.now(UTC),
        trigger=Trigger.SCHEDULE,
        default_dir=folder / "work",
        scratch_dir=folder / "scratch",
        grace=timedelta(seconds=1),
        timeout=timedelta(seconds=60),
    )


def _bare_fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _fresh() -> None:
    code = "import django; django.setup()"
    subprocess.run([sys.executable, "-c", code], check=True)


def _cost(way: Callable[[], object], count: int) -> tuple[float, float]:
    """Return milliseconds a run: wall, and CPU of this process and its children."""
    before, start = _cpu(), time.perf_counter()
    for _ in range(count):
        way()
    return (time.perf_counter() - start) * 1000 / count, (_cpu() - before) * 1000 / count


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


if __name__ == "__main__":
    main()
