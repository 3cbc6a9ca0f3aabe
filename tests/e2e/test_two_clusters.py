"""Two clusters share the work: what one is busy with never keeps the other idle (6.6, test 9)."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.e2e.harness import Product, wait_until


def test_a_long_job_on_one_cluster_never_delays_what_the_other_could_run(
    make_product: Callable[..., Product],
) -> None:
    """S4-109."""
    product = make_product(WORKERS="1", DRAIN="0s")
    product.start("--dispatcher", "--cluster", "one")
    product.start("--cluster", "two")
    product.trigger(product.job("long", "sleep 300"))
    wait_until(product.job_processes, what="one cluster is busy")
    short = product.job("short", "true", overlap="allow", max_parallel=20)
    started = time.monotonic()

    waiting = [product.trigger(short) for _ in range(10)]

    assert [product.end_of(execution) for execution in waiting] == ["succeeded"] * 10
    assert time.monotonic() - started < 10, "they waited for the busy cluster"
    clusters = product.sql(
        "SELECT worker_id, count(*) FROM jobs_execution WHERE state = 'succeeded' GROUP BY worker_id"
    )
    assert len(clusters) == 1, "the busy cluster took what it could not start"
