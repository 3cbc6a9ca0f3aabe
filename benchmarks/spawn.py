"""What supervision costs: our executor against a bare spawn loop of the same command.

Run with ``python -m benchmarks.spawn [COUNT]``. Rounds are interleaved, figures are medians.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jobs.domain.states import Trigger
from jobs.executors import BeatAnswer, Chunk, ExecutionContext, executor_for, parse_spec
from jobs.executors.proctree import become_subreaper

ROUNDS = 5
LINES = ("true", "date -u", "echo hello; true")


class Silent:
    """A monitor that records nothing: what is measured is the executor alone."""

    def started(self, pid: int, start_time: int | None) -> None:
        """Take note of nothing."""

    def write(self, chunks: Sequence[Chunk], *, last: bool = False) -> None:
        """Store nothing."""

    def progress(self, percent: int) -> None:
        """Tell nobody."""

    def soft_limit(self) -> None:
        """Note nothing."""

    def beat(self) -> BeatAnswer:
        """Go on."""
        return BeatAnswer()


def supervised(line: str, directory: Path) -> Callable[[], object]:
    """Return one run of ``line`` by the command executor."""
    context = ExecutionContext(
        instance="benchmark",
        execution_id=1,
        job_id=1,
        job_name="benchmark",
        attempt=1,
        scheduled_for=datetime.now(UTC),
        trigger=Trigger.SCHEDULE,
        default_dir=directory,
        scratch_dir=directory,
        grace=timedelta(seconds=1),
        timeout=timedelta(seconds=60),
    )
    executor, monitor = executor_for("command"), Silent()
    data = {"command": line}
    return lambda: executor.execute(parse_spec("command", data), context, monitor)


def bare(line: str) -> Callable[[], object]:
    """Return one run of ``line`` by a shell, output thrown away, nothing else done."""
    null = [
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]

    def run() -> object:
        argv = ["/bin/sh", "-c", line]
        return os.waitpid(os.posix_spawn("/bin/sh", argv, {}, file_actions=null), 0)

    return run


def cost(run: Callable[[], object], count: int) -> tuple[float, float, float]:
    """Return milliseconds per run: wall, CPU of this process, CPU of the children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(count):
        run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
    return wall / count * 1000, cpu / count * 1000, spent / count * 1000


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    become_subreaper()
    print(f"{'':34}{'wall':>8}{'cpu':>8}{'child':>8}   ms per run")
    with tempfile.TemporaryDirectory() as directory:
        for line in LINES:
            ways = {"sh -c, bare": bare(line), "executor": supervised(line, Path(directory))}
            rounds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
            for _ in range(ROUNDS):
                for name, run in ways.items():
                    rounds[name].append(cost(run, count))
            for name, figures in rounds.items():
                medians = [statistics.median(column) for column in zip(*figures, strict=True)]
                print(f"{line!r:20} {name:13}" + "".join(f"{ms:8.3f}" for ms in medians))


if __name__ == "__main__":
    main()
