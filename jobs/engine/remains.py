"""End the processes that dead parts of the product have left, and say what became of their work."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Collection

from jobs import conf
from jobs.domain.states import ExecutionState
from jobs.engine.heartbeat import is_dead
from jobs.executors.environment import EXECUTION_VARIABLE, INSTANCE_VARIABLE
from jobs.executors.proctree import ProcessId, descendants, kill_marked, send_signal
from jobs.models import Execution, Worker, WorkerKind, WorkerState
from jobs.services import artifacts, rescue, workers

log = logging.getLogger("scheduler.remains")

# A killed process may sit in an uninterruptible call; waiting longer would help nobody.
KILL_PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.002


def end_adopted(*, spare: Collection[int]) -> int:
    """End everything below this process but ``spare`` and what is below those; return how many.

    For a subreaper: what it did not start itself is the remains of a worker that was killed.
    Stopped first, so that nothing forks away while the others are killed.
    """
    ended: set[ProcessId] = set()
    give_up = time.monotonic() + KILL_PATIENCE_SECONDS
    while found := descendants(os.getpid(), spare=spare):
        for number in (signal.SIGSTOP, signal.SIGKILL):
            ended.update(process for process in found if send_signal(process, number))
        reap(spare=spare)
        if time.monotonic() > give_up:
            break
        time.sleep(PAUSE_SECONDS)
    reap(spare=spare)
    return len(ended)


def reap(*, spare: Collection[int]) -> None:
    """Take the exit status of adopted processes that have ended; ``spare`` have their own reader."""
    with contextlib.suppress(ChildProcessError):
        while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            if ended.si_pid in spare:
                return  # whoever started it asks for it; the others wait for the next round
            os.waitpid(ended.si_pid, 0)


def rescue_dead_neighbours() -> int:
    """Deal with what processes of this place that died left behind; return how many executions.

    First their jobs' processes are ended, found by the mark in their environment, then the
    executions are requeued (not started) or lost (started), then the process is signed off.
    """
    count = 0
    for worker in Worker.objects.exclude(state=WorkerState.GONE.value):
        if is_dead(worker):
            log.warning("%s (pid %d) ended without a word.", worker.name, worker.pid)
            count += bury(worker)
    return count


def bury(worker: Worker) -> int:
    """End the jobs of a process known to be dead, settle its executions and sign it off."""
    count = 0
    if worker.kind == WorkerKind.CLUSTER:
        in_hand = Execution.objects.filter(worker=worker, state=ExecutionState.RUNNING.value)
        for execution_id in in_hand.values_list("pk", flat=True):
            end_processes_of(execution_id)
        count = rescue.rescue_worker(worker.pk)
    workers.sign_off(worker.pk)
    return count


def end_processes_of(execution_id: int) -> None:
    """End every process that carries the mark of an execution, and remove the files they left."""
    ended = kill_marked(
        {INSTANCE_VARIABLE: conf.instance_id(), EXECUTION_VARIABLE: str(execution_id)}
    )
    if ended:
        log.warning("Ended %d leftover processes of execution %d.", len(ended), execution_id)
    artifacts.discard_remains(execution_id)
