"""A child process starts clean: nothing of the server but what it is given."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jobs.executors import ExecutionContext
from tests.executors.conftest import RunJob
from tests.executors.worker import in_worker, run


def test_no_signal_is_ignored_or_blocked(context: ExecutionContext) -> None:
    def work() -> str:
        # What a server started by nohup passes on, and more.
        for signum in (signal.SIGHUP, signal.SIGTERM, signal.SIGUSR1, signal.SIGTSTP):
            signal.signal(signum, signal.SIG_IGN)
        outcome = run(context, "command", {"command": "cat /proc/self/status"})
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        return outcome.text()

    status = dict(line.split(":\t", 1) for line in in_worker(work).splitlines())

    # The C library keeps signals 32 and 33 for itself: no program can set them,
    # so an ignored one that the whole session inherited stays as it is.
    settable = sum(1 << (signum - 1) for signum in signal.valid_signals())
    assert int(status["SigIgn"], 16) & settable == 0
    assert int(status["SigBlk"], 16) & settable == 0


def test_a_thread_starts_a_command_although_a_signal_is_ignored(context: ExecutionContext) -> None:
    def work() -> str:
        # A server started by nohup, and its thread that runs the command of an alert channel.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with ThreadPoolExecutor(1) as threads:
            return threads.submit(run, context, "command", {"command": "echo told"}).result().text()

    assert in_worker(work).strip() == "told"


def test_only_the_three_standard_descriptors_are_open(run_job: RunJob, tmp_path: Path) -> None:
    secret = os.open(tmp_path / "secret", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(secret, True)

    run = run_job(command="ls -l /proc/self/fd")

    os.close(secret)
    entries = [line.split(" ")[-3:] for line in run.text().splitlines()[1:]]
    targets = {int(number): target for number, _, target in entries}
    # The fourth is the directory that ls itself reads.
    assert sorted(targets) == [0, 1, 2, 3]
    assert targets[0] == "/dev/null"
    assert targets[1].startswith("pipe:")
    assert targets[2].startswith("pipe:")
    assert targets[3].endswith("/fd")


def test_the_process_leads_a_session_without_terminal(run_job: RunJob) -> None:
    run = run_job(command="cat /proc/self/stat")

    pid, _, _, _, group, session, terminal = run.text().split()[:7]
    assert pid == group == session == str(run.pid)
    assert terminal == "0"


@pytest.mark.parametrize("way", ["command", "script"])
def test_files_of_a_job_are_private(run_job: RunJob, tmp_path: Path, way: str) -> None:
    text = "umask; touch file; mkdir dir; stat -c %a file dir"

    run = run_job(command=text) if way == "command" else run_job(script=text)

    assert run.text().split()[0].endswith("077")
    assert run.text().split()[1:] == ["600", "700"]
