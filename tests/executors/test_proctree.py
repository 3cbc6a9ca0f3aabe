"""Processes are found and ended by what they are, not by a number that may be reused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.executors import proctree
from jobs.executors.environment import INSTANCE_VARIABLE
from jobs.executors.proctree import (
    ProcessId,
    descendants,
    find_marked,
    kill_marked,
    pid_start_time,
    process_alive,
    send_signal,
)
from tests.executors.conftest import is_alive, wait_for
from tests.executors.worker import make_context, run, start_worker


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "300"], start_new_session=True) as process:
        yield process
        process.kill()


def identity(pid: int) -> ProcessId:
    start_time = pid_start_time(pid)
    assert start_time is not None
    return ProcessId(pid, start_time)


def test_a_process_is_alive_only_with_its_own_start_time(sleeper: subprocess.Popen[bytes]) -> None:
    _, start_time = identity(sleeper.pid)

    assert process_alive(sleeper.pid, start_time)
    assert process_alive(sleeper.pid, None)
    assert not process_alive(sleeper.pid, start_time + 1)


def test_a_zombie_and_a_reaped_process_are_not_alive(sleeper: subprocess.Popen[bytes]) -> None:
    _, start_time = identity(sleeper.pid)

    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not process_alive(sleeper.pid, start_time)

    sleeper.wait()
    assert not process_alive(sleeper.pid, start_time)
    assert pid_start_time(sleeper.pid) is None


def test_a_reused_number_is_not_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    pid, start_time = identity(sleeper.pid)

    assert not send_signal(ProcessId(pid, start_time - 1), signal.SIGKILL)
    assert sleeper.poll() is None

    assert send_signal(ProcessId(pid, start_time), signal.SIGKILL)
    assert sleeper.wait() == -signal.SIGKILL


def test_neither_itself_nor_the_first_process_is_ever_signalled() -> None:
    for pid in (os.getpid(), 1):
        assert not send_signal(identity(pid), 0)


@pytest.mark.parametrize("with_children_files", [True, False])
def test_descendants_are_found_but_not_below_spared_ones(
    monkeypatch: pytest.MonkeyPatch, with_children_files: bool, tmp_path: Path
) -> None:
    monkeypatch.setattr(proctree, "_HAS_CHILDREN_FILES", with_children_files)
    pids = tmp_path / "pids"
    script = f"setsid sh -c 'echo $$ > {pids}; exec sleep 300' & wait"
    with subprocess.Popen(["sh", "-c", script], start_new_session=True) as shell:
        wait_for(lambda: pids.exists() and pids.read_text())
        grandchild = int(pids.read_text())

        found = {process.pid for process in descendants(os.getpid())}
        spared = {process.pid for process in descendants(os.getpid(), spare=[shell.pid])}

        os.kill(grandchild, signal.SIGKILL)
    assert {shell.pid, grandchild} <= found
    assert not {shell.pid, grandchild} & spared


def test_strays_of_a_killed_worker_are_found_by_their_marker_and_killed(
    tmp_path: Path, instance: str
) -> None:
    pids = tmp_path / "pids"
    # The second forgets the marker but is below a process that has it.
    script = (
        f"setsid sh -c 'trap \"\" TERM; echo $$ >> {pids}; sleep 300; sleep 300' &\n"
        f"sh -c 'env -i sh -c \"echo \\$\\$ >> {pids}; exec sleep 300\"; true' &\nwait"
    )
    context = make_context(tmp_path, instance, execution_id=41)
    worker, pipe = start_worker(lambda: run(context, "script", {"script": script}))
    wait_for(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    os.close(pipe)
    strays = [int(pid) for pid in pids.read_text().split()]
    assert all(is_alive(pid) for pid in strays)

    others = kill_marked({INSTANCE_VARIABLE: instance, "EXECUTION_ID": "42"})
    assert others == []
    killed = kill_marked({INSTANCE_VARIABLE: instance, "EXECUTION_ID": "41"})

    assert set(strays) <= set(killed)
    assert not any(is_alive(pid) for pid in strays)
    assert find_marked({INSTANCE_VARIABLE: instance}) == []


def test_a_process_never_finds_itself_or_those_above_it() -> None:
    # A server that was started from a job bears the marks of that job.
    environment = {**os.environ, "MARK": "above"}
    code = (
        "import os; from jobs.executors.proctree import find_marked, kill_marked;"
        "print(find_marked({'MARK': 'above'}), kill_marked({'MARK': 'above'}))"
    )
    line = f'python3 -c "{code}"; echo survived'

    result = subprocess.run(
        ["sh", "-c", line.replace("python3", sys.executable)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout == "[] []\nsurvived\n"
