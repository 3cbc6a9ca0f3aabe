"""Words without a space and text of the other direction stay within their place."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.e2e.harness import Product

LONG = "n" * 100
OVERRIDE = "\u202e reversed"


def test_words_without_a_space_widen_no_page(product: Product, open_page: Open) -> None:
    job = product.job(LONG, "exit 3", description="y" * 200, owner="w" * 100)
    product.trigger(job)
    page = open_page("/jobs/")

    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        for path in ("/", "/jobs/", f"/jobs/{job}/", f"/jobs/{job}/edit/", f"/jobs/{job}/ledger/"):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_a_description_turns_no_text_of_the_page_around(product: Product, open_page: Open) -> None:
    job = product.job("turned", "true", description=OVERRIDE)

    page = open_page(f"/jobs/{job}/")

    expect(page.locator("#job-header bdi")).to_have_text(OVERRIDE.strip())
