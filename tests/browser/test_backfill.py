"""A backfill in the browser: form, list, start, progress to the end; pause and cancel; no script."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.test_every_page import violations
from tests.e2e.harness import Product

DAILY = [{"kind": "cron", "expression": "0 6 * * *", "timezone": "UTC"}]


def make(product: Product, name: str, command: str) -> int:
    """Register a job that is due once a day."""
    return product.job(name, command, schedules=DAILY)


def ask(page: Page, **choices: str) -> None:
    """Fill in the form and ask for the list."""
    page.get_by_label("From").fill("2026-01-01T00:00")
    page.get_by_label("To", exact=True).fill("2026-01-05T00:00")
    for label, value in choices.items():
        page.get_by_label(label.replace("_", " ")).select_option(value)
    page.get_by_role("button", name="Show the list").click()


def test_from_the_job_to_the_last_due_time(product: Product, open_page: Open) -> None:
    job = make(product, "past", 'echo "for $SCHEDULED_FOR of $BACKFILL_ID"')
    page = open_page(f"/jobs/{job}/")
    page.get_by_label("More actions").click()
    page.get_by_role("link", name="Backfill…").click()
    ask(page, Order="newest_first")

    expect(page.get_by_role("heading", name="4 due times would run")).to_be_visible()
    expect(page.locator("#backfill-preview tbody tr")).to_have_count(4)
    assert violations(page) == []
    page.get_by_role("button", name="Start 4 runs").click()

    expect(page.get_by_role("heading", name=re.compile("Backfill #"))).to_be_visible()
    expect(page.locator("#backfill-facts")).to_contain_text("4 of 4 done", timeout=20_000)
    expect(page.locator("#backfill-facts")).to_contain_text("Finished")
    expect(page.locator("#backfill-facts")).not_to_have_attribute("hx-get", re.compile("."))
    expect(page.locator("#backfill-items tbody .st.ok")).to_have_count(4, timeout=10_000)
    assert violations(page) == []
    page.locator("#backfill-items tbody a").first.click()
    expect(page.locator("#log")).to_contain_text("for 2026-01-04T06:00:00Z of ")


def test_pause_and_cancel_ask_for_what_is_true(product: Product, open_page: Open) -> None:
    job = make(product, "past-long", "sleep 600")
    page = open_page(f"/jobs/{job}/backfill/", width=390)
    ask(page)
    page.get_by_role("button", name="Start 4 runs").click()
    facts = page.locator("#backfill-facts")
    expect(page.locator("#backfill-items")).to_contain_text("Running", timeout=20_000)

    page.get_by_role("button", name="Pause", exact=True).click()
    expect(facts).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(facts.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    page.get_by_role("link", name="Cancel…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("3 due times that have not started are given up.")
    expect(dialog).to_contain_text("1 run is in progress")
    assert violations(page) == []
    dialog.get_by_role("button", name="Cancel and kill").click()

    expect(dialog).to_be_hidden()
    expect(facts).to_contain_text("Cancelled")
    expect(facts).to_contain_text("4 of 4 done", timeout=20_000)
    rows = product.sql("SELECT state FROM jobs_execution WHERE job_id = %s", job)
    assert rows == [["cancelled"]]


def test_all_of_it_works_without_script(product: Product, open_page: Open) -> None:
    job = make(product, "past-plain", "sleep 600")
    page = open_page(f"/jobs/{job}/backfill/", java_script_enabled=False)
    ask(page)
    page.get_by_role("button", name="Start 4 runs").click()
    expect(page.get_by_role("heading", name=re.compile("Backfill #"))).to_be_visible()

    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#backfill-facts")).to_contain_text("Paused")
    page.get_by_role("link", name="Cancel…").click()
    expect(page.get_by_role("heading", name=re.compile("Cancel backfill"))).to_be_visible()
    page.get_by_role("button", name=re.compile("Cancel (and kill|backfill)")).first.click()

    expect(page.locator("#backfill-facts")).to_contain_text("Cancelled")
    page.get_by_role("link", name="Backfills").click()
    expect(page.locator("#backfill-table tbody tr")).to_have_count(1)
    product.sql(
        "UPDATE jobs_execution SET cancel_requested_at = queued_at WHERE job_id = %s "
        "AND state = 'running'",
        job,
    )


def test_no_page_scrolls_sideways_at_320(product: Product, open_page: Open) -> None:
    job = make(product, "past-narrow", "true")
    page = open_page(f"/jobs/{job}/backfill/", width=320)
    wide = {"form": page.evaluate("document.documentElement.scrollWidth")}
    ask(page)
    wide["list"] = page.evaluate("document.documentElement.scrollWidth")
    page.get_by_role("button", name="Start 4 runs").click()
    expect(page.locator("#backfill-facts")).to_be_visible()
    wide["page"] = page.evaluate("document.documentElement.scrollWidth")
    page.goto(f"/jobs/{job}/backfills/")
    wide["all"] = page.evaluate("document.documentElement.scrollWidth")

    assert {name: size for name, size in wide.items() if size > 320} == {}
