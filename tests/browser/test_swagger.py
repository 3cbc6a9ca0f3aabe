"""The interactive page of CB-Tumblebug's interface, with a real browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open


def test_an_operation_is_tried_on_the_page_of_the_interface(open_page: Open) -> None:
    """S0-11: the operations of schedules are listed, and one of them is carried out from there."""
    page = open_page("/tumblebug/api")

    paths = page.locator(".opblock-summary-path")
    expect(paths.filter(has_text="/registerCspResources/schedule")).to_have_count(8)
    listing = page.locator(".opblock-get").first
    listing.locator(".opblock-summary").click()
    listing.get_by_role("button", name="Try it out").click()
    listing.get_by_role("button", name="Execute").click()
    answer = listing.locator(".live-responses-table")
    expect(answer.locator(".response .response-col_status").first).to_contain_text("200")
    expect(answer).to_contain_text('"jobs"')
