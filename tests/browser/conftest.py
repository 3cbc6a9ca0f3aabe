"""A running product and a real Chromium that watches over every page it opens."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.harness import ROOT, Product

HERE = "tests/browser/"
CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAME, PASSWORD = "ada", "correct horse battery"

# Beside three other workers on two processors a page may stand still for seconds; what passes never
# waits for it.
expect.set_options(timeout=20_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests. A page in Chromium takes seconds: few are short enough for `make test`."""
    for item in items:
        if item.nodeid.startswith(HERE):
            item.add_marker(pytest.mark.browser)
            if item.get_closest_marker("short") is None:
                item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Return a product with an administrator, its processes running."""
    made = Product(
        tmp_path_factory.mktemp("product"),
        WORKERS="4",  # one is held for minutes by what `every_page` shows as running
        JOBDECK_ADMIN_USER=NAME,
        JOBDECK_ADMIN_PASSWORD=PASSWORD,
    )
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "setup"],
        env=made.environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return the system's browser."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        loop = asyncio.get_running_loop()
        yield browser
        asyncio._set_running_loop(loop)
        browser.close()


@pytest.fixture(scope="session")
def loop(chromium: Browser) -> asyncio.AbstractEventLoop:
    """Return the loop that Playwright leaves running between its calls."""
    return asyncio.get_running_loop()


@pytest.fixture(autouse=True)
def loop_of_the_test(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Show the loop to these tests alone: beside one, Django refuses its database to all others."""
    asyncio._set_running_loop(loop)
    yield
    asyncio._set_running_loop(None)


@pytest.fixture(scope="session")
def cookies(product: Product, chromium: Browser) -> list[Any]:
    """Return the cookies of one login, so that not every test has to do it."""
    context = chromium.new_context(base_url=address(product))
    page = context.new_page()
    log_in(page)
    found = [cookie for cookie in context.cookies() if cookie["name"] in ("sessionid", "csrftoken")]
    context.close()
    return found


def address(product: Product) -> str:
    """Return where the product listens."""
    return f"http://127.0.0.1:{product.port}"


def log_in(page: Page) -> None:
    """Fill the login form."""
    page.goto("/login/")
    page.get_by_label("User name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")


class Watch:
    """What a page must never do."""

    def __init__(self, product: Product) -> None:
        """Start with a clean record."""
        self.home = address(product)
        self.faults: list[str] = []
        self.polls: list[tuple[str, int]] = []
        # Parts of console messages that the test itself provokes.
        self.expected: tuple[str, ...] = ()

    def over(self, page: Page) -> None:
        """Watch one page."""
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("request", lambda request: self._request(request.url))
        page.on("response", lambda response: self._response(response.url, response.status))
        page.on("console", lambda message: self._console(message.type, message.text))

    def _request(self, url: str) -> None:
        if not url.startswith((self.home, "data:", "blob:")):
            self.faults.append(f"another host: {url}")

    def _response(self, url: str, status: int) -> None:
        path = url.removeprefix(self.home)
        if path.startswith("/p/"):
            self.polls.append((path.split("?")[0], status))
        if status >= 500:
            self.faults.append(f"{status}: {path}")

    def _console(self, kind: str, text: str) -> None:
        # The browser reports every refusal; that they are right is for other tests to say.
        known = ("responded with a status of 4", *self.expected)
        if kind in ("error", "warning") and not any(part in text for part in known):
            self.faults.append(f"console: {text}")


@pytest.fixture
def watch(product: Product) -> Iterator[Watch]:
    """Return the record of this test's pages; the test fails when there is a fault in it."""
    record = Watch(product)
    yield record
    assert record.faults == []


Open = Callable[..., Page]


def begun(page: Page) -> None:
    """Wait for htmx, which begins in a task of its own after the page is there."""
    page.evaluate("() => new Promise((done) => setTimeout(done, 20))")


@pytest.fixture
def open_page(
    product: Product, chromium: Browser, cookies: list[Any], watch: Watch
) -> Iterator[Open]:
    """Return a function that opens a page for the administrator."""
    contexts: list[BrowserContext] = []

    def open_it(path: str, *, signed_in: bool = True, width: int = 1280, **options: Any) -> Page:
        context = chromium.new_context(
            base_url=address(product),
            viewport={"width": width, "height": 900},
            timezone_id="Asia/Jakarta",
            **options,
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        if signed_in:
            context.add_cookies(cookies)
        page = context.new_page()
        watch.over(page)
        page.goto(path)
        if options.get("java_script_enabled", True):
            begun(page)
        return page

    yield open_it
    for context in contexts:
        context.close()
