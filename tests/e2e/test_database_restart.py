"""PostgreSQL goes and comes back while jobs run (ENGINE.md 6.6, test 7; F-07)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial

import pytest

from tests.e2e.account import check_account, create_load, settle
from tests.e2e.conftest import TEMPLATE
from tests.e2e.harness import Product, wait_until
from tests.e2e.servers import Postgres

LEASE = 3.0
TICKING_AGAIN = 2.0
# The machine that runs the tests may be busy with others.
ALLOWANCE = 3.0


def has_more(product: Product, seen: int) -> bool:
    """Say whether the jobs have left more lines than so many."""
    return len(product.evidence("restart")) > seen


@pytest.fixture
def product(make_product: Callable[..., Product], migrated: Callable[[], Postgres]) -> Product:
    """Return a product on a database server of the tests."""
    url = migrated().create(f"jobdeck_{secrets.token_hex(4)}", template=TEMPLATE)
    return make_product(DATABASE_URL=url, WORKERS="4", LEASE=f"{LEASE:g}s", DRAIN="5s")


def test_a_restart_of_the_database_starts_nothing_twice_and_loses_no_result(
    product: Product, migrated: Callable[[], Postgres]
) -> None:
    product.start("--dispatcher", "--cluster", "main")
    jobs = create_load(product, "restart", jobs=2)
    long = product.job("long", product.evidence_command("long", seconds=7) + "; exit 7")
    execution = product.trigger(long)
    wait_until(lambda: product.evidence("long"), what="the long job runs")

    for mode, away in (("fast", 0.0), ("immediate", LEASE + 1)):
        migrated().stop(mode)
        time.sleep(away)  # the outage itself
        migrated().start()
        product.ask("reconnect")
        back_at = time.monotonic()
        seen = len(product.evidence("restart"))
        wait_until(partial(has_more, product, seen), what="it ticks")
        assert time.monotonic() - back_at < TICKING_AGAIN + ALLOWANCE

    assert product.end_of(execution) == "failed"
    settle(product, jobs)
    assert product.stop() == [0]
    assert [line[0] for line in product.evidence("long")] == ["start", "end"]
    assert product.sql(
        "SELECT exit_code, attempt, state FROM jobs_execution WHERE id = %s", execution
    ) == [[7, 1, "failed"]]
    states = check_account(product, "restart", jobs)
    assert states["lost"] == 0, states
