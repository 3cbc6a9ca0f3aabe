"""What is shown once can be read whole and copied whole, on a phone and without HTTPS too."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open

# What a browser has no more where a page came by plain HTTP from another host.
NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', {value: undefined})"


def copied(page: Page) -> str:
    """Return what a field gets by Ctrl+V."""
    page.goto("/jobs/")
    field = page.get_by_placeholder("Name, tag, owner or description")
    field.fill("")
    page.keyboard.press("Control+v")
    return field.input_value()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_new_token_is_read_and_copied_whole(open_page: Open, width: int) -> None:
    page = open_page("/", width=width)
    page.add_init_script(NO_CLIPBOARD)
    page.goto("/tokens/new/")
    page.get_by_label("Name").fill(f"phone-{width}")
    page.get_by_role("button", name="Make token").click()

    shown = page.get_by_role("textbox", name="Token")
    token = shown.inner_text()
    assert len(token) > 40
    assert shown.evaluate("one => one.scrollWidth <= one.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.get_by_role("button", name="Copy").click()

    expect(page.locator("#status")).to_have_text("Copied")
    assert copied(page) == token


def test_a_result_under_a_fold_is_opened_and_copied(open_page: Open) -> None:
    page = open_page("/")
    page.add_init_script(NO_CLIPBOARD)
    page.goto("/keyboard/")
    page.evaluate(
        """() => document.querySelector("main").innerHTML = `<button data-copy="far">Copy</button>
        <details><summary>As JSON</summary><pre id="far">{"rows": 7}</pre></details>`"""
    )

    page.get_by_role("button", name="Copy").click()

    assert copied(page) == '{"rows": 7}'
