"""Lateness, throughput, idle cost: the product against the bare spawn loop of the same run.

Run with ``python -m benchmarks.engine [lateness|throughput|idle]``. The command is ``date`` printing
its own clock, so that lateness is measured to the first instruction of the command, and every run is
recorded with its output.
"""

from __future__ import annotations

import contextlib
import sqlite3
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks import product

STAMP = "date +%s.%N"
DUE_AT_ONCE = (1, 10, 100, 1000)
ROUNDS = 2
SUSTAINED = 6000
IDLE_SECONDS = 30


def main() -> None:
    """Measure what the arguments name, or everything."""
    wanted = sys.argv[1:] or ["lateness", "throughput", "idle"]
    data = product.prepare()
    try:
        with product.running("--dispatcher", "--cluster", "bench") as process:
            if "lateness" in wanted:
                lateness(data)
            if "throughput" in wanted:
                throughput(data, process.pid)
        if "idle" in wanted:
            idle()
    finally:
        product.discard(data)


def lateness(data: Path) -> None:
    """Print how late the n-th of n commands due at the same instant starts."""
    print(
        "\n| due at once | Jobdeck p50 / p99 / max ms | bare loop p50 / p99 / max ms | ratio p99 |"
    )
    print("|---|---|---|---|")
    for count in DUE_AT_ONCE:
        ours, bare = [], []
        for _ in range(ROUNDS if count < 1000 else 1):
            ours.append(_product_lateness(count))
            bare.append(_bare_lateness(count, data))
        mine, floor = _typical(ours), _typical(bare)
        print(f"| {count} | {_row(mine)} | {_row(floor)} | {mine[1] / floor[1]:.1f} |", flush=True)


def throughput(data: Path, pid: int) -> None:
    """Print how many queued commands are run and recorded a second, and the CPU of each."""
    from jobs.domain.states import Trigger
    from jobs.models import Execution, Job
    from jobs.services.batch import new_execution

    job = _job("sustained", [], overlap="allow", max_parallel=1000, command="true")
    now = datetime.now(UTC)
    rows = [new_execution(job, due_at=now, trigger=Trigger.API, now=now) for _ in range(SUSTAINED)]
    pids = product.tree(pid)
    used = product.cpu_seconds(pids)
    begun = time.monotonic()
    Execution.objects.bulk_create(rows)
    Job.objects.filter(pk=job.pk).update(execution_count=SUSTAINED)
    product.wait_until(
        lambda: not job.executions.filter(finished_at=None).exists(), 300, "all to finish"
    )
    ours = SUSTAINED / (time.monotonic() - begun)
    each = 1000 * (product.cpu_seconds(pids) - used) / SUSTAINED
    bare = _bare_throughput(SUSTAINED, data)
    print(f"\nSustained: {ours:.0f} recorded `true` a second; bare loop {bare:.0f}, ", end="")
    print(f"ratio {bare / ours:.1f}; {each:.1f} ms of CPU each", flush=True)


def idle() -> None:
    """Print what the whole product costs while nothing is due, with 10 and with 10,000 jobs."""
    from django.core.management import call_command

    for count in (10, 10_000):
        far = (datetime.now(UTC) + timedelta(days=300)).isoformat()
        call_command(
            "make_jobs",
            f"--count={count}",
            "--every=86400",
            f"--first={far}",
            "--command=true",
            f"--prefix=idle{count}",
            verbosity=0,
        )
        with product.running() as process:
            time.sleep(5)
            pids = product.tree(process.pid)
            before = product.cpu_seconds(pids)
            time.sleep(IDLE_SECONDS)
            used = product.cpu_seconds(pids) - before
            memory = product.pss_megabytes(pids)
        share = 100 * used / IDLE_SECONDS
        print(
            f"\nIdle with {count} jobs: {share:.2f} % of a core, {memory:.0f} MB in "
            f"{len(pids)} processes",
            flush=True,
        )


def _product_lateness(count: int) -> tuple[float, float, float]:
    due = datetime.now(UTC) + timedelta(seconds=2 + count * 0.03)
    schedules = [{"kind": "once", "at": due.isoformat()}]
    jobs = [_job(f"l{count}-{due.timestamp()}-{i}", schedules, command=STAMP) for i in range(count)]
    from jobs.models import Execution, LogChunk

    mine = Execution.objects.filter(job__in=[job.pk for job in jobs])
    product.wait_until(
        lambda: mine.filter(finished_at__isnull=False).count() == count, 120, "all to finish"
    )
    chunks = LogChunk.objects.filter(execution__in=mine.values("pk"), stream="stdout")
    stamps = [float(bytes(data)) for data in chunks.values_list("data", flat=True)]
    if len(stamps) != count:
        raise SystemExit(f"{count} commands were due, {len(stamps)} printed their stamp.")
    if min(stamps) < due.timestamp():
        raise SystemExit("A command was early.")
    return _figures([stamp - due.timestamp() for stamp in stamps])


def _job(name: str, schedules: list[dict[str, Any]], *, command: str, **fields: Any) -> Any:
    from jobs.domain.permissions import SYSTEM
    from jobs.services import jobs
    from jobs.services.definitions import parse_definition

    definition = {"name": name, "type": "command", "spec": {"command": command}}
    return jobs.create(
        parse_definition({**definition, "schedules": schedules, **fields}), actor=SYSTEM
    )


def _bare_lateness(count: int, data: Path) -> tuple[float, float, float]:
    """Spawn the commands with two threads and record each in SQLite: the floor of the machine."""
    due = time.time() + 0.2
    with _recorder(data) as record, ThreadPoolExecutor(2) as pool:
        time.sleep(max(0.0, due - time.time()))
        outputs = list(
            pool.map(
                lambda _: subprocess.run(STAMP.split(), capture_output=True, check=True).stdout,
                range(count),
            )
        )
        for output in outputs:
            record(output)
    return _figures([float(output) - due for output in outputs])


def _bare_throughput(count: int, data: Path) -> float:
    begun = time.monotonic()
    with _recorder(data) as record, ThreadPoolExecutor(2) as pool:
        for done in pool.map(
            lambda _: subprocess.run(["true"], capture_output=True, check=True), range(count)
        ):
            record(done.stdout)
    return count / (time.monotonic() - begun)


@contextlib.contextmanager
def _recorder(data: Path) -> Any:
    database = sqlite3.connect(data / "bare.sqlite3", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("CREATE TABLE IF NOT EXISTS run (id INTEGER PRIMARY KEY, output BLOB)")
    try:
        yield lambda output: database.execute("INSERT INTO run (output) VALUES (?)", [output])
    finally:
        database.close()


def _figures(late: list[float]) -> tuple[float, float, float]:
    late = sorted(late)
    return late[len(late) // 2], late[min(len(late) - 1, int(len(late) * 0.99))], late[-1]


def _typical(rounds: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    p50, p99, top = (statistics.median(values) for values in zip(*rounds, strict=True))
    return p50, p99, top


def _row(figures: tuple[float, float, float]) -> str:
    return " / ".join(f"{1000 * value:.0f}" for value in figures)


if __name__ == "__main__":
    main()
