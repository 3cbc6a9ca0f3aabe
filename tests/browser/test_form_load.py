"""The form's load and the field for runs side by side, in a browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.e2e.harness import Product

NIGHTLY = {"kind": "cron", "expression": "17 3 * * *", "timezone": "Europe/Paris"}


def test_who_is_due_in_the_same_minute_is_told_while_typing(
    product: Product, open_page: Open
) -> None:
    product.job("crowd", "true", schedules=[NIGHTLY])
    page = open_page("/jobs/new/", width=390)

    page.get_by_label("Cron expression").fill("17 3 * * *")
    page.get_by_label("Time zone").fill("Europe/Paris")

    expect(page.locator("#preview-load")).to_contain_text("due in the same minute")
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_number_side_by_side_shows_where_it_counts(open_page: Open) -> None:
    page = open_page("/jobs/new/")
    field = page.get_by_label("At most at once")

    expect(field).to_be_hidden()
    page.get_by_label("If still running").select_option("allow")
    expect(field).to_be_visible()
