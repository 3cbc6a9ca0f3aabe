"""What a job sees, and what a stalled worker or a busy database cannot spoil."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.e2e.conftest import SECRET
from tests.e2e.harness import Product, signal_to, wait_until


@pytest.mark.short
def test_job_environment_holds_no_secret_of_the_server(shared: Product) -> None:
    path = shared.folder / "environment"

    assert shared.run(shared.job("environment", f"env > {path}")) == "succeeded"

    seen = path.read_text()
    assert "JOB_NAME=environment" in seen
    assert SECRET in shared.environment.values()
    assert SECRET not in seen
    assert not any(line.startswith(("JOBDECK_DATA=", "DATABASE_URL=")) for line in seen.split())


@pytest.mark.short
def test_stalled_worker_is_fenced_off(make_product: Callable[..., Product]) -> None:
    """S3-69, S3-71: a stalled owner writes nothing."""
    product = make_product(WORKERS="1", LEASE="2s")
    product.start("--dispatcher", "--cluster", "main")
    execution = product.trigger(product.job("stalls", product.evidence_command(seconds=60)))
    wait_until(product.evidence, what="it has begun")
    worker = product.cluster_tree().worker_of(product, execution)

    signal_to(worker, signal.SIGSTOP)
    lost = product.end_of(execution)
    signal_to(worker, signal.SIGCONT)

    assert lost == "lost"
    wait_until(lambda: not product.job_processes(), what="its job is ended")
    time.sleep(1.5)  # longer than a beat: time in which a stale worker would write
    assert product.state(execution) == "lost"
    assert len(product.evidence()) == 1
    assert product.run(product.job("next", "true")) == "succeeded"


def test_several_writers_never_find_the_database_locked(
    make_product: Callable[..., Product],
) -> None:
    product = make_product(WORKERS="4")
    product.start("--dispatcher", expect=0)
    product.start("--dispatcher", "--cluster", "main")
    jobs = [product.job(f"busy-{n}", "echo line; echo line >&2", seconds=1) for n in range(30)]

    wait_until(
        lambda: (
            product.sql("SELECT count(*) FROM jobs_execution WHERE state = 'succeeded'")[0][0]
            >= 3 * len(jobs)
        ),
        what="three runs of each job",
        patience=60,
    )
    product.stop()

    log = product.log.read_text()
    assert "locked" not in log
    assert "Traceback" not in log
