"""What an action has done is seen where it was pressed."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.e2e.harness import Product


@pytest.mark.parametrize("width", [390, 1280])
def test_without_script_the_message_stands_in_sight_at_the_top(
    product: Product, open_page: Open, width: int
) -> None:
    for number in range(12):  # more than a window holds
        product.job(f"told-{width}-{number}", "true")
    page = open_page(f"/jobs/?q=told-{width}-", width=width, java_script_enabled=False)
    assert page.locator("#toasts").evaluate("one => one.offsetHeight") == 0

    page.get_by_role("button", name=f"Pause told-{width}-3").click()

    expect(page.get_by_text(f"Paused told-{width}-3.")).to_be_in_viewport()
