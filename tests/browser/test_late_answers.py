"""Answers that come late, not at all, or as a refusal: a page shows what it says it shows."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Open, Watch
from tests.e2e.harness import Product

POLLED = 60_000
HIDDEN = "Object.defineProperty(document, 'hidden', { get: () => true });"


@pytest.fixture(scope="module", autouse=True)
def jobs(product: Product) -> None:
    """Make some jobs that nothing starts."""
    for name in ("late-a", "late-b", "late-ab"):
        product.job(name, "true")


def names(page: Page) -> list[str]:
    return page.locator("#job-table td .name").all_inner_texts()


def test_a_poll_that_comes_after_another_filter_is_dropped(open_page: Open) -> None:
    page = open_page("/jobs/?q=late")
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "q=late-a" in route.request.url or held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/p/jobs/**", hold)
    with page.expect_request("**/p/jobs/**", timeout=POLLED):
        pass
    page.get_by_role("searchbox", name="Search jobs").fill("late-ab")
    expect(page.locator("#job-table td .name")).to_have_text(["late-ab"])
    headers = {key: value for key, value in held[0].request.headers.items() if key != "hx-ptag"}
    held[0].fulfill(response=held[0].fetch(headers=headers))
    page.wait_for_timeout(1_000)

    assert names(page) == ["late-ab"]
    with page.expect_response("**/p/jobs/?q=late-ab*", timeout=POLLED):
        pass


def test_the_last_letter_typed_is_the_filter_however_slow_the_server(open_page: Open) -> None:
    page = open_page("/jobs/?q=late")
    session = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 1500, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", slow)

    page.get_by_role("searchbox", name="Search jobs").focus()
    page.keyboard.press("End")
    for letters in ("-", "a", "b"):
        page.keyboard.type(letters)
        page.wait_for_timeout(400)

    expect(page.locator("#job-table td .name")).to_have_text(["late-ab"])


def test_an_answer_that_nobody_waits_for_any_more_is_no_trouble(open_page: Open) -> None:
    """The defect: letters typed after Enter, on a slow line, said that the server had not answered."""
    page = open_page("/jobs/?q=late")
    page.route("**/p/jobs/?q=late-a&**", lambda route: None)

    page.get_by_role("searchbox", name="Search jobs").focus()
    page.keyboard.press("End")
    page.keyboard.type("-a")
    with page.expect_request("**/p/jobs/?q=late-a&**"):
        page.keyboard.press("Enter")
    page.keyboard.type("b")

    expect(page.locator("#job-table td .name")).to_have_text(["late-ab"])
    expect(page.locator(".toast")).to_have_count(0)


def test_a_server_that_hangs_is_told_in_half_a_minute(open_page: Open, watch: Watch) -> None:
    watch.expected = ("htmx:error: timeout",)
    page = open_page("/jobs/?q=late")

    page.route("**/p/**", lambda route: None)

    expect(page.locator("#offline")).to_be_visible(timeout=30_000)


def test_a_region_that_is_refused_says_so_and_comes_back(open_page: Open) -> None:
    page = open_page("/jobs/?q=late")

    def refuse(route: Route) -> None:
        tag = {"HX-PTag": "refused"}
        route.fulfill(status=403, body="Your role may not.", content_type="text/plain", headers=tag)

    page.route("**/p/jobs/**", refuse)
    expect(page.get_by_text("Your role may not.")).to_be_visible(timeout=POLLED)
    page.unroute("**/p/jobs/**", refuse)

    expect(page.locator("#job-table td .name")).to_have_count(3, timeout=POLLED)
    expect(page.get_by_text("Your role may not.")).to_be_hidden()


def test_a_hidden_tab_still_asks_what_is_critical(open_page: Open) -> None:
    page = open_page("/jobs/?q=late")
    page.add_init_script(HIDDEN)
    page.reload()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    with page.expect_request("**/p/heartbeat/**", timeout=60_000):
        pass
    page.wait_for_timeout(2_000)  # the list would be asked for as often

    assert not any("/p/jobs/" in url for url in asked)
