"""`jobctl queues`, `queue`, `workers`, `drain`, `undrain`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Jobctl
from tests.factories import make_execution, make_worker

pytestmark = pytest.mark.django_db


def test_queues_are_listed_limited_paused_and_resumed(jobctl: Jobctl) -> None:
    make_execution(queue="gpu", requires="cuda")

    assert jobctl("queue", "limit", "gpu", "2").out == "Queue gpu runs at most 2 at a time\n"
    assert jobctl("queue", "starts", "gpu", "100").out == "Queue gpu starts at most 100 a minute\n"
    assert jobctl("queue", "pause", "gpu", "--reason", "moved").out == (
        "Queue gpu is paused; 0 still running\n"
    )
    listed = jobctl("queues")
    assert jobctl("queue", "resume", "gpu").out == "Queue gpu goes on; 1 waiting\n"
    assert jobctl("queue", "limit", "gpu", "none").out == "Queue gpu has no limit\n"

    assert jobctl("queue", "starts", "gpu", "none").out == (
        "Queue gpu may start any number a minute\n"
    )
    assert listed.lines[1].split()[:6] == ["gpu", "paused", "1", "0", "2", "100"]
    assert listed.lines[1].endswith("no worker serves it with cuda")
    assert "no limit. Use a number" in jobctl("queue", "limit", "gpu", "many").err


def test_a_worker_is_drained_by_name_or_number(jobctl: Jobctl) -> None:
    worker = make_worker(name="alpha", queues=["default"], labels=["gpu"], busy=2)
    make_worker(name="beta", state="gone")

    drained = jobctl("drain", "alpha")
    listed = jobctl("workers")
    undrained = jobctl("undrain", str(worker.pk))

    assert drained.out == "alpha takes nothing new; 2 still running\n"
    assert [line.split()[1:3] for line in listed.lines[1:]] == [["draining", "alpha"]]
    assert listed.lines[1].endswith("gpu")
    assert undrained.out == "alpha takes work again\n"
    assert "'gamma' not found" in jobctl("drain", "gamma").err
    assert len(jobctl("workers", "--all").lines) == 3
