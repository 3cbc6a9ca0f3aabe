"""A circuit breaker from the first failure to the success that closes it, as a page shows it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.e2e.harness import Product, wait_until


def test_failures_open_it_and_a_test_run_closes_it(product: Product, open_page: Open) -> None:
    mended = product.folder / "mended"
    job = product.job(
        "brittle",
        f"test -e {mended} && sleep 1",  # the test run lasts long enough to be seen
        breaker={"threshold": 2, "window_seconds": 60, "open_seconds": 1},
    )
    page = open_page(f"/jobs/{job}/")
    card = page.locator("#job-breaker")
    expect(card).to_contain_text("0 of 2 within 60 s")

    states = [product.run(job), product.run(job)]
    page.reload()
    assert states == ["failed", "failed"]
    expect(card).to_contain_text("Open until")
    expect(card.locator("header")).to_have_text(re.compile(r"Circuit breaker\s*Open"))

    mended.touch()
    probe = wait_until(lambda: _started(product, job), what="the open time ends")
    wait_until(lambda: product.state(probe) == "running", what="the test run runs")
    page.reload()
    expect(card.locator("header")).to_contain_text("Half-open")
    assert product.end_of(probe) == "succeeded"
    card.get_by_role("link", name="its own").click()

    facts = page.locator("#breaker-facts")
    expect(facts).to_contain_text("Closed")
    expect(facts).to_contain_text("0 of 2")
    expect(facts.get_by_role("link", name="brittle")).to_be_visible()


def _started(product: Product, job: int) -> int:
    """Start a job; 0 while its breaker is open."""
    until = product.sql(
        "SELECT open_until FROM jobs_breaker WHERE id ="
        " (SELECT breaker_id FROM jobs_job WHERE id = %s)",
        job,
    )[0][0]
    opened_until = datetime.fromisoformat(until).replace(tzinfo=UTC)
    return product.trigger(job) if opened_until < datetime.now(UTC) else 0
