"""A timeout, a cancel or the end of the main process leaves no process behind."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from jobs.domain.states import ExecutionState
from jobs.executors import BeatAnswer, ExecutionContext, process
from jobs.executors.proctree import children
from tests.executors.conftest import RunJob, is_alive
from tests.executors.worker import Recorder, in_worker, run

ONE_SECOND = timedelta(seconds=1)
SHORT = timedelta(seconds=0.4)

# A process that leaves the session, forgets its environment, and says which one it is.
DAEMON = (
    "env -i setsid nohup /bin/sh -c 'echo $$ > \"$0\"; exec sleep 300' {pids}"
    " > /dev/null 2>&1 & while [ ! -s {pids} ]; do sleep 0.01; done; "
)
# The same, deaf to SIGTERM and holding the pipes.
DEAF_GRANDCHILD = (
    "( ( setsid /bin/sh -c 'trap \"\" TERM; echo $$ > {pids}; while :; do sleep 0.05; done' & ) );"
    " while [ ! -s {pids} ]; do sleep 0.01; done; "
)


def pids_in(path: Path) -> list[int]:
    return [int(pid) for pid in path.read_text().split()]


def test_a_sleeping_command_ends_at_its_timeout(run_job: RunJob) -> None:
    outcome = run_job(command="sleep 300", timeout=ONE_SECOND)

    assert outcome.outcome == (ExecutionState.TIMED_OUT, "Timed out after 1 s")
    assert outcome.result.signal == 15
    assert 1.0 <= outcome.result.seconds < 10


def test_a_command_deaf_to_sigterm_is_killed_after_the_grace(run_job: RunJob) -> None:
    script = "trap '' TERM\nwhile :; do sleep 0.1; done"

    outcome = run_job(script=script, timeout=SHORT, grace=timedelta(seconds=0.5))

    assert outcome.outcome == (ExecutionState.TIMED_OUT, "Timed out after 0.4 s")
    assert outcome.result.signal == 9
    assert 0.9 <= outcome.result.seconds < 10


def test_a_command_may_end_in_its_own_way_within_the_grace(run_job: RunJob) -> None:
    script = "trap 'echo tidied up; exit 4' TERM\nsleep 300 & wait"

    outcome = run_job(script=script, timeout=SHORT, grace=timedelta(seconds=60))

    assert outcome.outcome == (ExecutionState.TIMED_OUT, "Timed out after 0.4 s")
    assert outcome.result.exit_code == 4
    assert outcome.text() == "tidied up\n"
    assert outcome.result.seconds < 10


def test_without_grace_the_kill_comes_at_once(run_job: RunJob) -> None:
    outcome = run_job(script="trap '' TERM\nsleep 300", timeout=SHORT, grace=timedelta())

    assert outcome.result.signal == 9
    assert outcome.result.seconds < 10


def test_a_timeout_wakes_a_stopped_process_so_that_it_can_end(run_job: RunJob) -> None:
    outcome = run_job(script="kill -STOP $$", timeout=SHORT, grace=timedelta(seconds=60))

    assert outcome.result.signal == 15
    assert outcome.result.seconds < 10


@pytest.mark.parametrize(
    "escape", [DAEMON, DEAF_GRANDCHILD], ids=["daemon without environment", "deaf grandchild"]
)
def test_a_timeout_ends_what_left_the_session(run_job: RunJob, tmp_path: Path, escape: str) -> None:
    pids = tmp_path / "pids"

    outcome = run_job(
        script=escape.format(pids=pids) + "sleep 300", timeout=ONE_SECOND, grace=SHORT
    )

    assert outcome.result.state is ExecutionState.TIMED_OUT
    assert outcome.result.seconds < 10
    assert not any(is_alive(pid) for pid in pids_in(pids))


def test_a_background_child_ends_with_the_timeout(run_job: RunJob, tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    run_job(script=f"sleep 100 & echo $! > {pids}\nsleep 100", timeout=SHORT)

    assert not any(is_alive(pid) for pid in pids_in(pids))


@pytest.mark.parametrize("escape", [DAEMON, DEAF_GRANDCHILD], ids=["daemon", "pipe holder"])
def test_a_run_ends_with_its_main_process_and_takes_strays_along(
    run_job: RunJob, tmp_path: Path, escape: str
) -> None:
    pids = tmp_path / "pids"

    outcome = run_job(script=escape.format(pids=pids) + "echo done")

    assert outcome.outcome == (ExecutionState.SUCCEEDED, "")
    assert outcome.text() == "done\n"
    assert 1.0 <= outcome.result.seconds < 10
    assert not any(is_alive(pid) for pid in pids_in(pids))


def test_a_stray_that_ends_by_itself_is_waited_for_and_heard(
    run_job: RunJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STRAY_SECONDS", 60.0)

    outcome = run_job(script="(sleep 0.3; echo late) & echo early")

    assert outcome.outcome == (ExecutionState.SUCCEEDED, "")
    assert outcome.text() == "early\nlate\n"
    assert outcome.result.seconds < 10


@pytest.mark.usefixtures("quick_beats")
def test_a_cancel_ends_the_tree_and_names_the_person(run_job: RunJob, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = DEAF_GRANDCHILD.format(pids=pids) + "echo ready; sleep 300"

    def cancel_when_ready(monitor: Recorder) -> BeatAnswer:
        return BeatAnswer(cancelled_by="olga" if b"ready" in monitor.seen else None)

    outcome = run_job(script=script, answer=cancel_when_ready, grace=SHORT)

    assert outcome.outcome == (ExecutionState.CANCELLED, "Cancelled by olga")
    assert outcome.result.seconds < 10
    assert not any(is_alive(pid) for pid in pids_in(pids))


@pytest.mark.usefixtures("quick_beats")
def test_a_lost_lease_kills_at_once_whatever_the_grace(run_job: RunJob) -> None:
    script = "trap '' TERM\nwhile :; do sleep 0.1; done"

    outcome = run_job(
        script=script, answer=lambda _: BeatAnswer(fenced=True), grace=timedelta(seconds=60)
    )

    assert outcome.result.state is ExecutionState.LOST
    assert outcome.result.seconds < 10


@pytest.mark.usefixtures("quick_beats")
def test_an_error_of_the_monitor_ends_the_tree(run_job: RunJob, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = DEAF_GRANDCHILD.format(pids=pids) + "sleep 300"

    def fail_when_started(_monitor: Recorder) -> BeatAnswer:
        if pids.exists() and pids.read_text():
            raise ConnectionError("database gone")
        return BeatAnswer()

    with pytest.raises(AssertionError, match="database gone"):
        run_job(script=script, answer=fail_when_started)

    assert not any(is_alive(pid) for pid in pids_in(pids))


def test_a_growing_fork_bomb_is_ended(run_job: RunJob, tmp_path: Path) -> None:
    # Each generation leaves the session; limited to a few hundred processes by its depth.
    bomb = tmp_path / "bomb.sh"
    bomb.write_text(
        'if [ "$1" -gt 0 ]; then for i in 1 2; do setsid /bin/sh "$0" $(($1 - 1)) & done; fi\n'
        "trap '' TERM; sleep 300; sleep 300\n"
    )

    outcome = run_job(command=f"/bin/sh {bomb} 6", timeout=ONE_SECOND, grace=SHORT)

    assert outcome.result.state is ExecutionState.TIMED_OUT
    assert outcome.result.seconds < 10


def test_children_that_the_worker_had_before_are_spared(context: ExecutionContext) -> None:
    def work() -> tuple[bool, ExecutionState]:
        before = subprocess.Popen(["sleep", "300"])
        outcome = run(replace(context, timeout=SHORT), "command", {"command": "sleep 300"})
        survived = before.poll() is None
        before.kill()
        before.wait()
        return survived, outcome.result.state

    assert in_worker(work) == (True, ExecutionState.TIMED_OUT)


def test_short_commands_with_strays_leave_no_zombie(context: ExecutionContext) -> None:
    def work() -> list[int]:
        for _ in range(30):
            run(context, "command", {"command": "sleep 0 & true"})
        return children(os.getpid())

    assert in_worker(work) == []


@pytest.mark.usefixtures("quick_beats")
def test_a_long_run_collects_no_zombies(run_job: RunJob, tmp_path: Path) -> None:
    # Each of these is orphaned at once and becomes a child of the worker.
    script = "for i in 1 2 3 4 5 6 7 8; do ( ( sleep 0.01 & ) ); done; sleep 0.6"

    def count(_monitor: Recorder) -> BeatAnswer:
        statuses = [psutil.Process(pid).status() for pid in children(os.getpid())]
        (tmp_path / "zombies").write_text(str(statuses.count(psutil.STATUS_ZOMBIE)))
        return BeatAnswer()

    outcome = run_job(script=script, answer=count)

    assert outcome.beats > 3
    # The job itself may have ended in the moment of the last look; of its eight orphans none is left.
    assert int((tmp_path / "zombies").read_text()) <= 1
