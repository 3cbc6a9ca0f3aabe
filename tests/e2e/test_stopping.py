"""Stopping is orderly, whoever is asked and however (ENGINE.md 6.6, test 5; I-19)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.e2e.harness import Product, wait_until


@pytest.mark.short
def test_sigterm_to_every_process_lets_running_work_end_and_waiting_work_wait(
    make_product: Callable[..., Product],
) -> None:
    """S2-07, S2-08, S3-81: a stop waits for what runs."""
    product = make_product(WORKERS="2", DRAIN="20s")
    part = product.start("--dispatcher", "--cluster", "main")
    job = product.job("slow", product.evidence_command(seconds=4), overlap="allow", max_parallel=9)
    running = [product.trigger(job), product.trigger(job)]
    wait_until(lambda: len(product.evidence()) == 2, what="two runs have begun")
    waiting = product.trigger(job)

    for pid in product.processes():
        with suppress(ProcessLookupError):  # it was told by its parent already
            os.kill(pid, signal.SIGTERM)
    code = part.wait(20)

    assert code == 0, product.log.read_text()
    assert [product.state(pk) for pk in running] == ["succeeded", "succeeded"]
    assert product.state(waiting) == "queued"
    assert product.processes_left() == []


def test_work_that_outlasts_the_drain_time_is_cancelled(
    make_product: Callable[..., Product],
) -> None:
    """S2-09: it is recorded as cancelled by the stop."""
    product = make_product(WORKERS="2", DRAIN="1s")
    product.start("--dispatcher", "--cluster", "main")
    gentle = product.trigger(product.job("gentle", "sleep 300"))
    deaf = product.trigger(product.job("deaf", "trap '' TERM; sleep 299; sleep 298"))
    wait_until(lambda: len(product.job_processes()) >= 3, what="both run")
    asked_at = time.monotonic()

    codes = product.stop()

    assert codes == [0]
    assert time.monotonic() - asked_at < 10
    assert product.state(gentle) == "cancelled"
    assert product.state(deaf) in {"cancelled", "lost"}
    [(why,)] = product.sql("SELECT error FROM jobs_execution WHERE id = %s", deaf)
    assert "without a word" not in why, "the stop is not named"
    assert product.processes_left() == []


def test_asking_twice_does_not_wait_for_the_drain_time(
    make_product: Callable[..., Product],
) -> None:
    product = make_product(WORKERS="2", DRAIN="60s")
    part = product.start("--dispatcher", "--cluster", "main")
    execution = product.trigger(product.job("long", "sleep 300"))
    wait_until(product.job_processes, what="it runs")

    part.send_signal(signal.SIGINT)
    time.sleep(0.3)  # two requests, not one signal merged with the other
    part.send_signal(signal.SIGINT)

    assert part.wait(15) == 0
    assert product.state(execution) == "cancelled"
    assert product.processes_left() == []


def test_restart_runs_what_waited_and_names_what_was_lost(
    make_product: Callable[..., Product],
) -> None:
    """S1-105, S2-56, S3-82: the state survives; what ran is not run again."""
    product = make_product(WORKERS="1")
    product.start("--dispatcher", "--cluster", "main")
    job = product.job("work", product.evidence_command(seconds=8), overlap="allow", max_parallel=9)
    running = product.trigger(job)
    wait_until(product.evidence, what="it has begun")
    waiting = product.trigger(job)

    product.kill_everything()
    product.start("--dispatcher", "--cluster", "main")

    assert product.end_of(running, patience=25) == "lost"
    assert product.end_of(waiting) == "succeeded"
    starts = [line[1] for line in product.evidence() if line[0] == "start"]
    ends = [line[1] for line in product.evidence() if line[0] == "end"]
    assert starts == [str(running), str(waiting)]
    assert ends == [str(waiting)], "the lost run went on after its end was recorded"
