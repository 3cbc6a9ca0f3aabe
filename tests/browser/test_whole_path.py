"""From the login to a killed run, with script and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, log_in
from tests.e2e.harness import Product

SCRIPT = """#!/bin/bash
for number in $(seq 1 600); do
  printf '\\033[32mstep %s\\033[0m <b>\\n' "$number"
  sleep 0.2
done
"""


def fill(page: Page, name: str) -> None:
    """Describe a job that prints and does not end by itself."""
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Script", exact=True).fill(SCRIPT)
    page.get_by_label("Cron expression").fill("30 2 * * 1-5")
    page.get_by_label("Time zone").fill("Europe/Paris")


@pytest.mark.short
def test_with_script(product: Product, open_page: Open) -> None:
    """S4-104."""
    page = open_page("/login/", signed_in=False)
    log_in(page)

    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New job")).to_be_visible()
    fill(page, "with-script")
    expect(page.locator("#words-0")).to_have_text("Weekdays at 02:30")
    expect(page.locator("#preview li")).to_have_count(5)
    expect(page.locator("#preview")).to_contain_text("02:30")
    page.get_by_role("button", name="Create job").click()
    expect(page.get_by_role("status").filter(has_text="Created with-script.")).to_be_visible()

    page.get_by_role("button", name="Run now").click()
    page.locator(".toast a").click()
    expect(page.get_by_text("Running")).to_be_visible()
    expect(page.locator("#log")).to_contain_text("step 3 <b>")
    seen = page.locator("#log .l").count()
    expect(page.locator("#log .l").nth(seen + 3)).to_be_attached()
    expect(page.locator("#log .a-32").first).to_be_attached()

    page.get_by_role("link", name="Kill…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("SIGTERM now, SIGKILL after 10 s")
    expect(dialog.get_by_role("link", name="Keep running")).to_be_focused()
    dialog.get_by_role("button", name="Kill run").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#execution-facts")).to_contain_text("Killed")
    expect(page.locator("#log-tail")).not_to_have_attribute("hx-trigger", re.compile("."))
    number = page.url.rstrip("/").rpartition("/")[2]
    assert product.job_processes(execution=number) == []


def test_without_script(product: Product, open_page: Open) -> None:
    page = open_page("/login/", signed_in=False, java_script_enabled=False)
    log_in(page)

    page.get_by_role("link", name="New job").first.click()
    fill(page, "without-script")
    page.get_by_role("button", name="Add schedule").click()
    page.locator("#schedule-1").get_by_label("Type").select_option("interval")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#words-0")).to_have_text("Weekdays at 02:30")
    page.locator("#schedule-1").get_by_label("Every").fill("1h")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#words-1")).to_have_text("1 h after each finish")
    page.get_by_role("button", name="Create job").click()
    expect(page.get_by_text("Created without-script.")).to_be_visible()

    page.get_by_role("button", name="Run now").click()
    page.locator(".toast a").click()
    for _reload in range(100):
        if "step 3 <b>" in page.locator("#log").inner_text():
            break
        page.wait_for_timeout(100)
        page.reload()
    expect(page.locator("#log")).to_contain_text("step 3 <b>")

    page.get_by_role("link", name="Kill…").click()
    page.get_by_role("button", name="Kill run").click()
    expect(page.get_by_text("is being killed.")).to_be_visible()
    execution_id = int(page.url.rstrip("/").rpartition("/")[2])
    assert product.end_of(execution_id) == "cancelled"
    page.reload()
    expect(page.locator("#execution-facts")).to_contain_text("Killed")
    expect(page.locator("#log")).to_contain_text("step 3 <b>")
