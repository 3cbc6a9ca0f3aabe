"""What is pressed or typed is never lost without a word, whatever became of server and session."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Open, Watch, log_in
from tests.e2e.harness import Product

POLLED = 60_000


def anew(page: Page) -> None:
    """Log in once more, as somebody does in another tab; the token of forms changes with it."""
    page.context.clear_cookies(name="sessionid")
    other = page.context.new_page()
    log_in(other)
    other.close()


def own_page(open_page: Open, path: str) -> Page:
    """Return a page with a session of its own, which may end."""
    page = open_page("/login/", signed_in=False)
    log_in(page)
    page.goto(path)
    return page


def test_a_press_without_an_answer_says_so_and_keeps_its_undo(
    product: Product, open_page: Open, watch: Watch
) -> None:
    watch.expected = ("ERR_FAILED", "Failed to fetch")
    product.job("pressed", "true")
    page = open_page("/jobs/?q=pressed")
    told = page.get_by_role("alert").filter(has_text="The server could not answer.")

    def silent(route: Route) -> None:
        route.abort()

    page.get_by_role("button", name="Pause pressed").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    page.route("**/resume/", silent)
    undo.click()

    expect(told).to_be_visible()
    expect(undo).to_be_visible()
    page.unroute("**/resume/", silent)
    undo.click()
    expect(page.get_by_text("Resumed pressed.")).to_be_visible()
    expect(undo).to_be_hidden()


def test_a_press_on_a_page_from_before_another_login_counts(
    product: Product, open_page: Open
) -> None:
    product.job("older-page", "true")
    page = own_page(open_page, "/jobs/?q=older-page")
    anew(page)

    page.get_by_role("button", name="Run older-page now").click()

    expect(page.locator(".toast")).to_contain_text("Started older-page")


def test_a_press_takes_no_token_of_another_program_on_the_host(
    product: Product, open_page: Open
) -> None:
    """The defect: cookies are for all ports of a host, and the first that ended alike was taken."""
    product.job("beside", "true")
    page = open_page("/login/", signed_in=False)
    page.evaluate("document.cookie = 'other_csrftoken=' + 'x'.repeat(32) + '; path=/'")
    page.context.clear_cookies(name="csrftoken")
    page.goto("/login/")
    log_in(page)
    page.goto("/jobs/?q=beside")

    page.get_by_role("button", name="Run beside now").click()

    expect(page.locator(".toast")).to_contain_text("Started beside")


def test_a_session_that_ends_costs_nothing_that_was_typed(open_page: Open) -> None:
    page = own_page(open_page, "/variables/new/")
    page.get_by_label("Name", exact=True).fill("typed_long_ago")
    page.get_by_label("Value", exact=True).fill("kept")
    notice = page.locator("#logged-out")

    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Create variable").click()
    expect(notice).to_contain_text("What you have typed stays")
    expect(page.get_by_label("Value", exact=True)).to_have_value("kept")
    page.wait_for_timeout(6_000)  # the poll finds the same, and does not lead away
    expect(notice).to_be_visible()
    anew(page)

    expect(notice).to_be_hidden(timeout=POLLED)
    page.get_by_role("button", name="Create variable").click()
    expect(page.get_by_role("link", name="typed_long_ago").first).to_be_visible()


def test_a_double_click_creates_once_and_says_that_it_did(open_page: Open) -> None:
    page = open_page("/variables/new/")
    page.get_by_label("Name", exact=True).fill("clicked_twice")
    page.get_by_label("Value", exact=True).fill("once")

    page.get_by_role("button", name="Create variable").dblclick()

    expect(page.locator(".toast")).to_contain_text("clicked_twice")
    expect(page).to_have_url(re.compile(r"/variables/(\?.*)?$"))
