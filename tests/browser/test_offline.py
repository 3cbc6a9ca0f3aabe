"""The server is killed while somebody fills in a form: told, nothing lost, and it goes on by itself."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open, Watch
from tests.e2e.harness import Product

TOLD, BACK = 60_000, 90_000  # the page asks every 5 s at first, and at last every 30 s


def test_a_killed_server_costs_nothing_that_was_typed(
    product: Product, open_page: Open, watch: Watch
) -> None:
    watch.expected = ("ERR_CONNECTION_REFUSED", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET",
                      "Failed to fetch", "ERR_SOCKET_NOT_CONNECTED")  # fmt: skip
    page = open_page("/variables/new/")
    page.get_by_label("Name", exact=True).fill("typed_offline")
    page.get_by_label("Value", exact=True).fill("kept")
    notice = page.locator("#offline")

    product.kill_everything()
    try:
        expect(notice).to_be_visible(timeout=TOLD)
        expect(notice).to_contain_text("What you have typed stays")
        page.get_by_role("button", name="Create variable").click()
        expect(page.get_by_label("Value", exact=True)).to_have_value("kept")
    finally:
        product.start()

    expect(notice).to_be_hidden(timeout=BACK)
    expect(page.get_by_label("Name", exact=True)).to_have_value("typed_offline")
    page.get_by_role("button", name="Create variable").click()
    expect(page.get_by_role("link", name="typed_offline").first).to_be_visible()
