"""Run executors as the product does: in a forked worker, with a monitor that notes everything."""

from __future__ import annotations

import os
import pickle
import select
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jobs.domain.states import ExecutionState, Stream, Trigger
from jobs.executors import (
    BeatAnswer,
    Chunk,
    ExecutionContext,
    ExecutionResult,
    executor_for,
    parse_spec,
)
from jobs.executors.proctree import become_subreaper

PATIENCE = 25.0


@dataclass
class Run:
    """What the runner would have seen of one run."""

    result: ExecutionResult
    chunks: list[Chunk] = field(default_factory=list)
    writes: list[tuple[float, int]] = field(default_factory=list)  # seconds since start, bytes
    last_writes: int = 0
    progress: list[int] = field(default_factory=list)
    beats: int = 0
    pid: int = 0
    seconds: float = 0.0

    def text(self, *streams: Stream) -> str:
        """Return what was stored of some streams (of all without any), decoded."""
        wanted = streams or tuple(Stream)
        data = b"".join(chunk.data for chunk in self.chunks if chunk.stream in wanted)
        return data.decode(errors="replace")

    @property
    def outcome(self) -> tuple[ExecutionState, str]:
        """Return state and message, which most tests are about."""
        return self.result.state, self.result.message


class Recorder:
    """A monitor that notes what it is told and answers beats as the test wants."""

    def __init__(self, answer: Callable[[Recorder], BeatAnswer] | None = None) -> None:
        """Take what to answer to a beat; go on by default."""
        self._answer = answer or (lambda _: BeatAnswer())
        self._start = time.monotonic()
        self.chunks: list[Chunk] = []
        self.writes: list[tuple[float, int]] = []
        self.last_writes = 0
        self.progress_seen: list[int] = []
        self.beats = 0
        self.pid = 0

    def started(self, pid: int, start_time: int | None) -> None:
        """Note the main process."""
        assert start_time is not None
        self.pid = pid

    def write(self, chunks: Sequence[Chunk], *, last: bool = False) -> None:
        """Note output and when it came."""
        size = sum(len(chunk.data) for chunk in chunks)
        self.chunks += chunks
        self.writes.append((time.monotonic() - self._start, size))
        self.last_writes += last

    def progress(self, percent: int) -> None:
        """Note progress."""
        self.progress_seen.append(percent)

    def soft_limit(self) -> None:
        """Note nothing."""

    def beat(self) -> BeatAnswer:
        """Note a beat."""
        self.beats += 1
        return self._answer(self)

    @property
    def seen(self) -> bytes:
        """Return everything written so far."""
        return b"".join(chunk.data for chunk in self.chunks)


def run(
    context: ExecutionContext,
    job_type: str,
    spec: dict[str, Any],
    answer: Callable[[Recorder], BeatAnswer] | None = None,
) -> Run:
    """Run one execution in this process."""
    monitor = Recorder(answer)
    start = time.monotonic()
    result = executor_for(job_type).execute(parse_spec(job_type, spec), context, monitor)
    return Run(
        result=result,
        chunks=monitor.chunks,
        writes=monitor.writes,
        last_writes=monitor.last_writes,
        progress=monitor.progress_seen,
        beats=monitor.beats,
        pid=monitor.pid,
        seconds=time.monotonic() - start,
    )


def make_context(directory: Path, instance: str, **fields: Any) -> ExecutionContext:
    """Return a context whose directories are below ``directory``."""
    values: dict[str, Any] = {
        "instance": instance,
        "execution_id": 7,
        "job_id": 3,
        "job_name": "report",
        "attempt": 1,
        "scheduled_for": datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        "trigger": Trigger.SCHEDULE,
        "default_dir": directory / "work",
        "scratch_dir": directory / "scratch",
        "grace": timedelta(seconds=1),
        "timeout": timedelta(seconds=20),
    }
    return ExecutionContext(**{**values, **fields})


def start_worker(work: Callable[[], Any]) -> tuple[int, int]:
    """Fork a worker that does ``work``; return its pid and the pipe its answer comes from."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    try:
        become_subreaper()
        # As django-q2 leaves its workers: deaf to SIGINT.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            answer = pickle.dumps((True, work()))
        except BaseException:  # noqa: BLE001 - whatever it is, the test must see it
            answer = pickle.dumps((False, traceback.format_exc()))
        with os.fdopen(write, "wb") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def answer_of(pid: int, read: int) -> Any:
    """Wait for what a worker answers; an exception in it fails the test with its traceback."""
    deadline = time.monotonic() + PATIENCE
    parts = []
    try:
        while select.select([read], [], [], max(0.0, deadline - time.monotonic()))[0]:
            if not (part := os.read(read, 1 << 20)):
                break
            parts.append(part)
        else:
            raise AssertionError(f"the worker did not answer within {PATIENCE} s")
    finally:
        os.close(read)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    done, value = pickle.loads(b"".join(parts))
    assert done, value
    return value


def in_worker(work: Callable[[], Any]) -> Any:
    """Do ``work`` in a forked worker and return what it returns."""
    return answer_of(*start_worker(work))
