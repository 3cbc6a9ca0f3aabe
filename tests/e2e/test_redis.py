"""With Redis as transport the ledger stays the truth: emptying it loses nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

import pytest

from tests.e2e.harness import Product, wait_until


def has_evidence(product: Product, count: int) -> bool:
    """Say whether the jobs have left so many lines."""
    return len(product.evidence()) >= count


@pytest.mark.redis
def test_emptying_redis_under_load_loses_nothing(make_product: Callable[..., Product]) -> None:
    """S3-73: with Redis; all other tests run without."""
    url = os.environ.get("TEST_REDIS_URL")
    if not url:
        needed = os.environ.get("JOBDECK_TESTS_REQUIRE_ALL")
        (pytest.fail if needed else pytest.skip)("TEST_REDIS_URL names no Redis server.")
    from redis import Redis

    product = make_product(BROKER_URL=str(url), WORKERS="2")
    product.start("--dispatcher", "--cluster", "main")
    jobs = [product.job(f"by-redis-{n}", product.evidence_command(), seconds=1) for n in range(5)]
    instance = (product.data / "instance_id").read_text()

    with Redis.from_url(str(url)) as redis:
        for _ in range(4):
            goal = len(product.evidence()) + 5
            redis.delete(f"jobdeck:{instance}:queue:default")
            wait_until(partial(has_evidence, product, goal), what="it goes on")
    for job in jobs:
        product.ask("pause", job_id=job)
    wait_until(
        lambda: (
            not product.sql(
                "SELECT id FROM jobs_execution WHERE state IN ('queued', 'claimed', 'running')"
            )
        ),
        what="everything waiting has run",
    )

    starts = [line[1] for line in product.evidence()]
    assert len(starts) == len(set(starts))
    states = product.sql("SELECT DISTINCT state FROM jobs_execution")
    assert {state for (state,) in states} <= {"succeeded", "skipped"}
