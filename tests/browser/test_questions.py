"""A question over the page: each of its buttons does what it says."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.e2e.harness import Product

DAILY = [{"kind": "cron", "expression": "0 6 * * *", "timezone": "UTC"}]


def test_who_wants_to_delete_may_pause_instead(product: Product, open_page: Open) -> None:
    job = product.job("not-for-good", "true", schedules=DAILY)
    page = open_page(f"/jobs/{job}/")
    page.get_by_label("More actions").click()
    page.get_by_role("link", name="Delete…").click()

    page.get_by_role("dialog").get_by_role("button", name="Pause instead").click()

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("status").filter(has_text="Paused not-for-good.")).to_be_visible()
    expect(page.locator("#job-header")).to_contain_text("Paused")


def test_who_wants_to_delete_may_pause_instead_without_script(
    product: Product, open_page: Open
) -> None:
    job = product.job("not-for-good-either", "true", schedules=DAILY)
    page = open_page(f"/jobs/{job}/delete/", java_script_enabled=False)

    page.get_by_role("button", name="Pause instead").click()

    expect(page.get_by_text("Paused not-for-good-either.")).to_be_visible()
    expect(page.locator("#job-header")).to_contain_text("Paused")


def test_enter_behind_the_typed_name_deletes_and_does_not_pause(
    product: Product, open_page: Open
) -> None:
    job = product.job("for-good", "true", schedules=DAILY)
    page = open_page(f"/jobs/{job}/")
    page.get_by_label("More actions").click()
    page.get_by_role("link", name="Delete…").click()

    page.get_by_label(re.compile("Type the job.s name")).fill("for-good")
    page.keyboard.press("Enter")

    page.wait_for_url("**/jobs/")
    expect(page.get_by_role("status").filter(has_text="Deleted for-good.")).to_be_visible()
