"""Every page: accessible, readable at 320 px, in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ARGUMENTS, CHROMIUM, Open, address
from tests.browser.every_page import fill
from tests.e2e.harness import Product

Theme = Literal["light", "dark"]
# At the second the sidebar appears.
WIDTHS = (320, 961, 1280)
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    },
    # To describe what is right took two thirds of the time.
    "resultTypes": ["violations"],
}
AXE = Axe().axe_script
LOOKS: tuple[tuple[Theme, int], ...] = (
    ("light", 1280),
    ("dark", 390),
    ("dark", 1280),
    ("light", 390),
)


@pytest.fixture(scope="module")
def pages(product: Product) -> Iterator[dict[str, str]]:
    """Make something to show on each page; return the addresses."""
    found = fill(product)
    yield found
    running = found["running"].strip("/").split("/")[1]
    product.sql("UPDATE jobs_execution SET cancel_requested_at = queued_at WHERE id = %s", running)


def violations(page: Page) -> list[str]:
    """Return what axe finds, with the elements."""
    page.evaluate(AXE)
    found = page.evaluate("rules => axe.run(rules).then(done => done.violations)", RULES)
    return [
        f"{one['id']}: {node['html'][:160]} {node['any'][:1] or node['all'][:1]}"
        for one in found
        for node in one["nodes"]
    ]


def violations_of_all(page: Page, width: int) -> list[str]:
    """Return what axe finds on a page as tall as its content.

    What a bar at the foot hides is a matter of how far one scrolled.
    """
    page.set_viewport_size({"width": width, "height": 800})
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": height})
    found = violations(page)
    page.set_viewport_size({"width": width, "height": 800})
    return found


# Pages share their parts, so one look at each, the looks in turn, sees every part in each look; the
# shortest run has each eleventh page, the soak every page in all looks. The words of one language are
# longer, those of the other stand in the long run.
@pytest.mark.parametrize(
    ("each", "all_looks"),
    [
        pytest.param(11, False, marks=pytest.mark.short),
        (1, False),
        pytest.param(1, True, marks=pytest.mark.soak),
    ],
)
def test_every_page_is_accessible_and_never_scrolls_sideways(
    each: int, all_looks: bool, pages: dict[str, str], open_page: Open
) -> None:
    found: dict[tuple[str, str, int], list[str]] = {}
    size: dict[tuple[str, int], int] = {}
    page = open_page("/", locale="en-GB" if all_looks else "id-ID")
    assert page.locator("html").get_attribute("lang") == ("en" if all_looks else "id")
    # Loaded once: only styles, no script, know the theme and the width.
    for number, (name, path) in enumerate(list(pages.items())[::each]):
        page.goto(path)
        for theme, width in LOOKS if all_looks else [LOOKS[number % len(LOOKS)]]:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found[name, theme, width] = violations_of_all(page, width)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            size[name, width] = page.evaluate("document.documentElement.scrollWidth")

    assert {look: faults for look, faults in found.items() if faults} == {}
    assert {look: wide for look, wide in size.items() if wide > look[1]} == {}


OUTSIDE = """height => document.documentElement.scrollHeight > height
    || [...document.querySelectorAll(".side > *")].some(
        one => one.getBoundingClientRect().bottom > height)"""
OVERLAPS = """() => [...document.querySelectorAll(".runs li")].filter(row => {
    const boxes = [...row.children].map(one => {
        const range = document.createRange();
        range.selectNodeContents(one);
        return range.getBoundingClientRect();
    });
    return boxes.some((a, i) => boxes.slice(i + 1).some(b => a.width && b.width
        && a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom));
}).map(row => row.innerText)"""


def test_the_frame_fits_any_height_and_the_next_runs_keep_apart(
    pages: dict[str, str], open_page: Open
) -> None:
    page = open_page(pages["breakers"])
    outside = []
    for height in (900, 961, 1079, 1081):
        page.set_viewport_size({"width": 1280, "height": height})
        if page.evaluate(OUTSIDE, height):
            outside.append(height)
    page.goto(pages["good-job"])
    page.set_viewport_size({"width": 1280, "height": 900})

    # The account's row is the last of the sidebar; in another zone each run has two dates.
    assert outside == []
    assert page.locator(".runs li").count() == 5
    assert page.evaluate(OVERLAPS) == []


# Text as tall as two lines, and what stands after a button that destroys.
BROKEN = """() => [...document.querySelectorAll(".head .acts .btn")].filter(button => {
    const range = document.createRange();
    range.selectNodeContents(button);
    return range.getBoundingClientRect().height > 30;
}).map(button => button.innerText)"""
AFTER_DANGER = """() => [...document.querySelectorAll(".head .acts .danger ~ .btn,"
    + " .head .acts .danger ~ form .btn")].map(button => button.innerText)"""


@pytest.mark.parametrize("each", [pytest.param(11, marks=pytest.mark.short), 1])
def test_buttons_of_a_head_keep_one_line_and_what_destroys_is_the_last(
    each: int, pages: dict[str, str], open_page: Open
) -> None:
    page = open_page("/", locale="en-GB", width=390)
    broken, after = {}, {}
    for name, path in list(pages.items())[::each]:
        page.goto(path)
        broken[name], after[name] = page.evaluate(BROKEN), page.evaluate(AFTER_DANGER)

    assert {name: words for name, words in broken.items() if words} == {}
    assert {name: words for name, words in after.items() if words} == {}


def test_text_of_twice_the_size_turns_rows_into_cards(
    pages: dict[str, str], open_page: Open, chromium: Browser, cookies: list[Any], product: Product
) -> None:
    large = chromium.browser_type.launch(
        executable_path=CHROMIUM, args=[*ARGUMENTS, "--blink-settings=defaultFontSize=32"]
    )
    context = large.new_context(base_url=address(product), viewport={"width": 1280, "height": 900})
    context.add_cookies(cookies)
    page = context.new_page()
    wide = []
    for name in ("overview", "jobs", "alert", "reported", "executions"):
        page.goto(pages[name])
        if page.evaluate("document.documentElement.scrollWidth") > 1280:
            wide.append(name)
    size = page.evaluate("getComputedStyle(document.documentElement).fontSize")
    on_cards = page.locator(".tabs-m").is_visible()
    large.close()

    assert size == "32px"
    assert on_cards
    assert wide == []


def test_a_page_of_the_dark_theme_is_printed_dark_on_white(
    pages: dict[str, str], open_page: Open
) -> None:
    page = open_page(pages["good-job"])
    page.locator("html").evaluate("root => root.dataset.theme = 'dark'")
    colour = "getComputedStyle(document.body).backgroundColor"
    on_screen = page.evaluate(colour)
    page.emulate_media(media="print")

    assert page.evaluate(colour) != on_screen
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_at_the_door(theme: str, open_page: Open) -> None:
    page = open_page("/login/", signed_in=False, color_scheme=theme)

    assert violations(page) == []


def test_axe_finds_nothing_in_dialogs_and_menus(pages: dict[str, str], open_page: Open) -> None:
    page = open_page(pages["good-job"])
    page.get_by_label("More actions").click()
    in_menu = violations(page)
    page.get_by_role("link", name="Delete…").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    in_dialog = violations(page)

    assert (in_menu, in_dialog) == ([], [])


def test_times_are_in_the_browser_s_zone_after_the_first_page(
    pages: dict[str, str], open_page: Open
) -> None:
    page = open_page("/")
    page.reload()

    expect(page.get_by_text("Times are in your zone, Asia/Jakarta.")).to_be_visible()


def test_times_go_on_by_themselves(pages: dict[str, str], open_page: Open) -> None:
    page = open_page(pages["running"])
    page.get_by_role("button", name="Pause live updates").click()
    running = page.locator("#execution-facts time[data-since]").first
    before = running.inner_text()

    expect(running).not_to_have_text(before, timeout=30_000)
