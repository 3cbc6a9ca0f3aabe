"""A chain of three jobs while the product is killed between and in the middle of them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.e2e.harness import Product, wait_until


def settings_for(database: str, postgres_url: str) -> dict[str, str]:
    base = {"WORKERS": "1", "LEASE": "2s"}
    return {**base, "DATABASE_URL": postgres_url} if database == "postgresql" else base


@pytest.mark.parametrize(
    ("database", "early"),
    [
        ("sqlite", False),
        pytest.param("sqlite", True, marks=pytest.mark.soak),
        pytest.param("postgresql", True, marks=[pytest.mark.postgres, pytest.mark.soak]),
    ],
)
def test_each_job_of_a_chain_runs_exactly_once_whatever_is_killed(
    make_product: Callable[..., Product], database: str, early: bool, postgres_url: str
) -> None:
    """``early``: also between an ending and the first look of a dispatcher."""
    product = make_product(**settings_for(database, postgres_url))
    again = {"max_attempts": 3, "base_seconds": 0, "lost": True}
    first = product.job("first", product.evidence_command("first"))
    second = product.job(
        "second",
        product.evidence_command("second", seconds=1),
        depends_on=["first"],
        retry=again,
    )
    third = product.job("third", product.evidence_command("third"), depends_on=["second"])

    begun = product.trigger(first)
    if early:
        product.start("--cluster", "alone")
        assert product.end_of(begun) == "succeeded"
        assert product.sql("SELECT count(*) FROM jobs_execution WHERE job_id = %s", second) == [[0]]
        product.kill_everything()

    # The one in the middle is running when everything dies.
    product.start()
    wait_until(lambda: product.evidence("second"), what="the second one runs")
    product.kill_everything()
    product.start()
    wait_until(lambda: product.evidence("third"), what="the third one runs")

    def of(job: int) -> list[list[object]]:
        rows = product.sql(
            "SELECT id, state, trigger, upstream FROM jobs_execution WHERE job_id = %s", job
        )
        return [[*row[:3], json.loads(str(row[3])) if row[3] else None] for row in rows]

    ((middle, *seconds),) = of(second)
    assert seconds == ["succeeded", "dependency", [begun]]
    wait_until(lambda: of(third)[0][1] == "succeeded", what="the third one is counted")
    ((_, *thirds),) = of(third)
    assert thirds == ["succeeded", "dependency", [middle]]
    assert [line[1] for line in product.evidence("third")].count(str(of(third)[0][0])) == 1
    left = "SELECT count(*) FROM jobs_occurrence WHERE served_until IS NOT NULL"
    assert product.sql(left) == [[0]]
