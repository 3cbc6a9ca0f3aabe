"""Freezing and lifting in a browser, and a calendar with its preview."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.e2e.harness import Product


def test_a_tag_is_frozen_and_lifted_again(product: Product, open_page: Open) -> None:
    job = product.job("chilly", "true", seconds=600, tags=["cold"])
    page = open_page("/freezes/")
    page.get_by_role("link", name="Freeze…").click()
    page.get_by_label("What", exact=True).select_option("tag")
    page.get_by_label("Tag or workspace").fill("cold")
    page.get_by_label("Reason").fill("The disk is full")
    page.get_by_label("For", exact=True).fill("2h")
    page.get_by_role("button", name="Freeze", exact=True).click()

    banner = page.locator("#freeze-banner")
    expect(banner).to_contain_text("Frozen: tag cold (1 job) until")
    page.goto(f"/jobs/{job}/")
    expect(page.get_by_text("Its next run is left out: The disk is full")).to_be_visible()
    banner.get_by_role("link", name="Lift…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 job fires again at its next due time.")
    dialog.get_by_role("button", name="Lift freeze").click()

    expect(page.get_by_text("Lifted the freeze of tag cold.")).to_be_visible()
    expect(banner).to_be_empty()


def test_another_page_learns_of_a_freeze_by_itself(product: Product, open_page: Open) -> None:
    looking, acting = open_page("/jobs/"), open_page("/freezes/new/")
    acting.get_by_label("Reason").fill("Moving house")
    acting.get_by_role("button", name="Freeze", exact=True).click()
    try:
        expect(looking.locator("#freeze-banner")).to_contain_text("Moving house")
    finally:
        acting.locator("#freeze-table").get_by_role("link", name="Lift…").click()
        acting.get_by_role("dialog").get_by_role("button", name="Lift freeze").click()
        expect(acting.get_by_text("Lifted the freeze of everything.")).to_be_visible()
    expect(looking.locator("#freeze-banner")).to_be_empty()


def test_a_calendar_is_previewed_while_somebody_types(open_page: Open) -> None:
    page = open_page("/calendars/new/")
    page.get_by_label("Name").fill("Quiet days")
    windows, preview = page.get_by_label("Windows"), page.locator("#calendar-preview")
    windows.press_sequentially("12-2")
    expect(preview).to_contain_text("Holds back 2 December")
    windows.press_sequentially("5 Christmas\nsome day")
    expect(preview).to_contain_text("Line 2: some day is no window")
    windows.fill("12-25 Christmas")
    expect(preview.locator("li")).to_have_count(10)
    page.get_by_role("button", name="Create calendar").click()

    page.wait_for_url(re.compile(r"/calendars/\d+/$"))
    expect(page.get_by_role("heading", name="Quiet days")).to_be_visible()


def test_without_script_a_freeze_is_made_and_lifted(open_page: Open) -> None:
    page = open_page("/freezes/new/", java_script_enabled=False)
    page.get_by_label("Reason").fill("No script")
    page.get_by_role("button", name="Freeze", exact=True).click()
    expect(page.locator("#freeze-banner")).to_contain_text("No script")
    page.locator("#freeze-table").get_by_role("link", name="Lift…").click()
    page.get_by_role("button", name="Lift freeze").click()

    expect(page.locator("#freeze-banner")).to_be_empty()
