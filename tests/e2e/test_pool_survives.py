"""Every process of the cluster may be killed; the work goes on (ENGINE.md 6.6, tests 2, 3 and 6)."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.harness import Product, is_alive, signal_to, wait_until


@pytest.mark.short
def test_killed_idle_workers_do_not_stop_the_pool(shared: Product) -> None:
    job = shared.job("after-idle-kill", "true")

    for worker in shared.cluster_tree().workers:
        signal_to(worker, signal.SIGKILL)
        assert shared.run(job, patience=25) == "succeeded"

    # All at once: one of them was the one that waits inside the queue. With locks in the queue
    # nobody would get anything any more.
    for worker in shared.cluster_tree().workers:
        signal_to(worker, signal.SIGKILL)
    assert shared.run(job, patience=25) == "succeeded"
    assert "not started" not in shared.log.read_text(), "the pool hung for a while"


def test_killed_monitor_and_pusher_do_not_stop_the_pool(shared: Product) -> None:
    job = shared.job("after-monitor-kill", "true")
    tree = shared.cluster_tree()

    for pid in (tree.monitor, tree.pusher):
        signal_to(pid, signal.SIGKILL)

        assert shared.run(job, patience=25) == "succeeded"


@pytest.mark.short
def test_killed_busy_worker_loses_its_run_and_leaves_no_process(shared: Product) -> None:
    """S0-186."""
    script = (
        "trap '' TERM; setsid -f sleep 300; (setsid sh -c 'sleep 300 & sleep 300' &); sleep 300"
    )
    execution = shared.trigger(shared.job("with-grandchildren", script))
    tree = shared.cluster_tree()
    wait_until(lambda: len(shared.job_processes()) >= 4, what="the grandchildren run")

    signal_to(tree.worker_of(shared, execution), signal.SIGKILL)

    assert shared.end_of(execution, patience=25) == "lost"
    assert shared.job_processes() == []
    assert shared.run(shared.job("next", "true")) == "succeeded"


def test_killed_sentinel_ends_its_jobs_and_is_replaced(shared: Product) -> None:
    job = shared.job("ticking", "while true; do date >> ticks; sleep 0.1; done")
    execution = shared.trigger(job)
    wait_until(shared.job_processes, what="the job runs")

    signal_to(shared.cluster_tree().sentinel, signal.SIGKILL)

    assert shared.end_of(execution, patience=25) == "lost"
    wait_until(lambda: not shared.job_processes(), what="no orphan is left", patience=25)
    assert shared.run(shared.job("after-sentinel", "true")) == "succeeded"


@pytest.mark.short
def test_killed_cluster_ends_its_jobs_and_is_replaced(shared: Product) -> None:
    job = shared.job("daemonized", "setsid -f sleep 300; env -i setsid -f sleep 299; sleep 300")
    execution = shared.trigger(job)
    wait_until(lambda: len(shared.job_processes()) >= 2, what="the job runs")
    tree = shared.cluster_tree()

    signal_to(tree.cluster, signal.SIGKILL)

    wait_until(lambda: not shared.job_processes(), what="no orphan is left", patience=25)
    assert shared.end_of(execution, patience=25) == "lost"
    assert not any(map(is_alive, [tree.sentinel, *tree.workers, tree.monitor, tree.pusher]))
    assert shared.run(shared.job("after-cluster", "true")) == "succeeded"


def test_killed_supervisor_takes_everything_with_it(
    make_product: Callable[..., Product],
) -> None:
    product = make_product(WORKERS="2")
    part = product.start("--dispatcher", "--cluster", "main")
    product.trigger(product.job("left-alone", "setsid -f sleep 300; sleep 300"))
    wait_until(lambda: len(product.job_processes()) >= 2, what="the job runs")

    part.kill()
    part.wait()

    wait_until(lambda: not product.processes_left(), what="everything ends", patience=25)


def test_work_that_hangs_in_the_pool_is_given_to_a_new_one(
    make_product: Callable[..., Product],
) -> None:
    product = make_product(WORKERS="2")
    product.start("--dispatcher", "--cluster", "main")
    job = product.job("waits-for-a-worker", "true")
    for worker in product.cluster_tree().workers:
        signal_to(worker, signal.SIGSTOP)
    started = time.monotonic()

    assert product.run(job, patience=25) == "succeeded"
    assert time.monotonic() - started > 5, "the workers were not stopped"


@pytest.mark.parametrize("room", ["", "my-app"])
def test_jobctl_runs_and_kills_real_processes(shared: Product, room: str) -> None:
    """S1-62, S1-63, S1-65: what it says has happened; defect 9 (kill only wrote a file)."""
    where = ["--workspace", room] if room else []
    inside: dict[str, Any] = {"workspace": room} if room else {}
    if room:
        shared.ask("create_workspace", name=room, operations={})
    shared.job("quick-task", "test -n $JOB_NAME", **inside)
    job = shared.job("long-running-task", "sleep 300 & wait", **inside)

    ran = shared.ask("run_command", tool="main", words=[*where, "run", "quick-task"])
    running = shared.trigger(job)
    mark = str(running)
    wait_until(lambda: shared.job_processes(execution=mark), what="the command is running")
    killed = shared.ask("run_command", tool="main", words=[*where, "kill", "long-running-task"])
    wait_until(lambda: not shared.job_processes(execution=mark), what="its processes are gone")
    told = shared.ask("run_command", tool="main", words=[*where, "status", "long-running-task"])

    assert ran.endswith("ob 'quick-task' completed successfully\n")
    assert killed.endswith("ob 'long-running-task' killed successfully\n")
    assert shared.state(running) == "cancelled"
    assert "Status: running" not in told
