"""Two real clusters with different labels, one slot for a queue, and load."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.e2e.harness import Product, wait_until

RUNS = 8
SHARED = ("--queues", "default,narrow", "--workers", "3")


def narrow_lines(product: Product) -> list[str]:
    return [line[0] for line in product.evidence("narrow")]


def check_gates(product: Product) -> None:
    """Load two clusters; see the limit hold, labels pick the cluster, and a drain."""
    product.start("--dispatcher", "--cluster", "alpha", "--labels", "gpu,region=eu", *SHARED)
    product.start("--cluster", "beta", *SHARED)
    product.ask("limit_queue", name="narrow", limit=1)
    free: dict[str, Any] = {"overlap": "allow", "max_parallel": 100}
    narrow = product.job(
        "narrow", product.evidence_command("narrow", seconds=0.05), queue="narrow", **free
    )
    locked = product.job(
        "locked", product.evidence_command("locked", seconds=0.05), mutex="m", **free
    )
    labelled = product.job("labelled", "true", requires=["gpu"], **free)

    runs = [product.trigger(narrow) for _ in range(RUNS)]
    runs += [product.trigger(locked) for _ in range(RUNS)]
    gpu = [product.trigger(labelled) for _ in range(3)]

    assert {product.end_of(run) for run in (*runs, *gpu)} == {"succeeded"}
    assert narrow_lines(product) == ["start", "end"] * RUNS
    assert [line[0] for line in product.evidence("locked")] == ["start", "end"] * RUNS
    names = "SELECT DISTINCT w.name FROM jobs_execution e JOIN jobs_worker w ON w.id = e.worker_id "
    assert product.sql(f"{names} WHERE e.job_id = %s", labelled) == [["alpha"]]
    free_at = product.sql(
        "SELECT count(*) FROM jobs_execution WHERE state IN ('queued', 'claimed', 'running')"
    )
    assert free_at == [[0]]

    product.ask("drain", worker="alpha")
    waiting = product.trigger(labelled)
    assert product.run(narrow) == "succeeded"  # beta goes on
    wait_until(
        lambda: product.sql("SELECT state FROM jobs_worker WHERE name = 'alpha'") == [["draining"]],
        what="alpha says that it is drained",
    )
    assert product.state(waiting) == "queued"
    product.ask("drain", worker="alpha", back=True)
    assert product.end_of(waiting) == "succeeded"


def test_limit_mutex_labels_and_drain_with_two_clusters(
    make_product: Callable[..., Product],
) -> None:
    check_gates(make_product())


@pytest.mark.soak
def test_two_clusters_start_two_runs_a_minute_to_the_second(
    make_product: Callable[..., Product],
) -> None:
    """S0-101: each further pair starts when the one before it is a minute old, and soon after."""
    product = make_product()
    product.start("--dispatcher", "--cluster", "alpha", *SHARED)
    product.start("--cluster", "beta", *SHARED)
    product.ask("limit_queue", name="narrow", starts_per_minute=2)
    jobs = [product.job(f"aws-{number}", "true", queue="narrow") for number in range(5)]

    runs = [product.trigger(job) for job in jobs]

    assert [product.end_of(run, patience=180) for run in runs] == ["succeeded"] * 5
    found = product.sql("SELECT started_at FROM jobs_execution ORDER BY started_at")
    moments = [datetime.fromisoformat(str(row[0])) for row in found]
    gaps = [(moments[n + 2] - moments[n]).total_seconds() for n in range(3)]
    assert all(60 <= gap < 90 for gap in gaps), gaps


@pytest.mark.redis
def test_the_same_with_redis_as_transport(make_product: Callable[..., Product]) -> None:
    url = os.environ.get("TEST_REDIS_URL")
    if not url:
        needed = os.environ.get("JOBDECK_TESTS_REQUIRE_ALL")
        (pytest.fail if needed else pytest.skip)("TEST_REDIS_URL names no Redis server.")
    check_gates(make_product(BROKER_URL=str(url)))
