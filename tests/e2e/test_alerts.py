"""Five failures in a row reach a receiver once, and so does the recovery."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.e2e.harness import Product, wait_until
from tests.receiver import receiver


def test_five_failures_in_a_row_are_told_once_and_so_is_the_recovery(
    make_product: Callable[..., Product],
) -> None:
    """S0-119, S0-131, S0-132, S0-137, S0-138: with a real dispatcher, cluster and receiver."""
    product = make_product(ALERT_INTERVAL="1s", JOBS_HTTP_ALLOW="127.0.0.1")
    product.start("--dispatcher", "--cluster", "main")
    flag = product.folder / "mended"
    job = product.job(
        "fragile",
        f"test -e {flag} || {{ echo connection refused db1 >&2; exit 1; }}",
        auto_disable_after=5,
    )
    with receiver() as kept:
        settings = {"url": kept.url, "secret": "s"}
        product.ask(
            "create_channel", name="ops", kind="webhook", settings=settings, severity="critical"
        )
        runs = [product.run(job) for _ in range(5)]
        wait_until(lambda: kept.came, what="the alert is told")
        state = product.sql("SELECT state FROM jobs_job WHERE id = %s", job)
        open_ones = product.sql(
            "SELECT severity, job_count, execution_count FROM jobs_alert WHERE resolved_at IS NULL"
        )
        flag.touch()
        product.ask("resume", job_id=job)
        mended = product.run(job)
        wait_until(lambda: len(kept.came) > 1, what="the recovery is told")
        wait_until(
            lambda: not product.sql("SELECT 1 FROM jobs_delivery WHERE next_try_at IS NOT NULL"),
            what="the outbox is empty",
        )

    told = [json.loads(one.body) for one in kept.came]
    assert (runs, mended, state) == (["failed"] * 5, "succeeded", [["auto_disabled"]])
    assert [row[:2] for row in open_ones] == [["critical", 1]]
    assert open_ones[0][2] >= 5
    assert [one["event"] for one in told] in (["opened", "resolved"], ["escalated", "resolved"])
    assert told[0]["alert"]["title"].startswith("fragile: disabled after 5 failures in a row")
    assert len({one["id"] for one in told}) == 2
