"""Fixtures for running jobs in a forked worker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import psutil
import pytest

from jobs.executors import BeatAnswer, ExecutionContext, process
from jobs.executors.environment import INSTANCE_VARIABLE
from tests.executors.worker import Recorder, Run, in_worker, make_context, run

Answer = Callable[[Recorder], BeatAnswer]


class RunJob(Protocol):
    """Run one command or script to its end and say what the runner saw."""

    def __call__(
        self,
        *,
        command: str | None = None,
        script: str | None = None,
        answer: Answer | None = None,
        **fields: Any,
    ) -> Run: ...


@pytest.fixture
def instance() -> Iterator[str]:
    """Return the marker of this test's processes; none of them may outlive the test."""
    marker = f"test-{uuid.uuid4().hex}"
    yield marker
    left = marked(marker)
    for pid in left:
        psutil.Process(pid).kill()
    assert left == []


@pytest.fixture
def context(tmp_path: Path, instance: str) -> ExecutionContext:
    """Return a context below the test's own directory."""
    return make_context(tmp_path, instance)


@pytest.fixture
def run_job(tmp_path: Path, instance: str) -> RunJob:
    """Return a function that runs a job in a forked worker."""

    def run_job(
        *,
        command: str | None = None,
        script: str | None = None,
        answer: Answer | None = None,
        **fields: Any,
    ) -> Run:
        context = make_context(tmp_path, instance, **fields)
        job_type = "command" if command is not None else "script"
        spec = {job_type: command if command is not None else script}
        outcome = in_worker(lambda: run(context, job_type, spec, answer))
        assert isinstance(outcome, Run)
        return outcome

    return run_job


@pytest.fixture
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beat twenty times a second, for tests of what a beat can answer."""
    monkeypatch.setattr(process, "BEAT_SECONDS", 0.05)


def marked(instance: str) -> list[int]:
    """Return the living processes with a test's marker, found by other means than the product's."""
    found = []
    for candidate in psutil.process_iter():
        try:
            if candidate.environ().get(INSTANCE_VARIABLE) == instance:
                found.append(candidate.pid)
        except (psutil.Error, OSError):
            continue
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_for(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Return the first true answer of ``condition``; fail at the deadline."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)
    return answer
