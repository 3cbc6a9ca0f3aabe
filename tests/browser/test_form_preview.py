"""The form's preview in a browser: clock changes, both zones, fifty runs, what an edit changes."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.e2e.harness import Product

# Between 02:30 and 02:45 the first of the moved runs would be today's, and the last one more.
_PARIS = datetime.now(ZoneInfo("Europe/Paris"))
HOUR = 14 if _PARIS.hour < 5 else 2
NIGHTLY = {"kind": "cron", "expression": f"30 {HOUR} * * *", "timezone": "Europe/Paris"}


@pytest.fixture(scope="module")
def job_id(product: Product) -> int:
    """Make a nightly job in Paris."""
    return product.job("nightly", "true", schedules=[NIGHTLY])


def write(page: Page, expression: str, zone: str = "Europe/Paris") -> None:
    page.get_by_label("Cron expression").fill(expression)
    page.get_by_label("Time zone").fill(zone)


@pytest.mark.short
def test_a_clock_change_is_told_while_typing(open_page: Open) -> None:
    page = open_page("/jobs/new/")
    preview = page.locator("#preview")

    write(page, "30 2 * * *")

    expect(preview).to_contain_text("Asia/Jakarta / Europe/Paris")
    expect(preview).to_contain_text("A time that does not exist")
    expect(preview).to_contain_text("02:30 does not exist: it runs once, at 03:00.")
    expect(preview).to_contain_text("02:30 comes twice: it runs once, the first time")
    page.get_by_text("Clock changes, limits, jitter").click()
    page.get_by_label("A time that is skipped").select_option("skip")
    expect(preview).to_contain_text("02:30 does not exist: it does not run.")
    expect(page.get_by_label("A time that is skipped")).to_be_visible()
    write(page, "0 * * * *")
    expect(preview).to_contain_text("23 runs that day instead of 24")
    write(page, "30 2 * * *", "Asia/Jakarta")
    expect(preview).to_contain_text("The clocks of Asia/Jakarta do not change")
    expect(preview).not_to_contain_text("A time that does not exist")


def test_fifty_runs_stay_while_typing_goes_on(open_page: Open) -> None:
    page = open_page("/jobs/new/")
    runs = page.locator("#preview .runs li")

    write(page, "*/5 * * * *")
    expect(runs).to_have_count(5)
    page.get_by_role("button", name="Show 50").click()
    expect(runs).to_have_count(50)
    write(page, "*/7 * * * *")
    expect(page.locator("#words-0")).to_contain_text("7")
    expect(runs).to_have_count(50)
    page.get_by_role("button", name="Show 5", exact=True).click()
    expect(runs).to_have_count(5)


def test_an_edit_shows_what_moves_comes_and_goes(job_id: int, open_page: Open) -> None:
    page = open_page(f"/jobs/{job_id}/edit/")
    difference = page.locator("#preview-diff")

    expect(difference).to_contain_text("Nothing changes in the next 30 days.")
    write(page, f"45 {HOUR} * * *")
    expect(difference).to_contain_text("30 runs move within their day")
    difference.locator("summary").click()
    expect(difference.locator("li").first).to_have_text(re.compile(rf"{HOUR:02}:30.*{HOUR:02}:45"))
    write(page, f"30 {HOUR},20 * * *")
    expect(difference).to_contain_text("30 runs are added")
    expect(difference).to_contain_text("30 runs stay as they are.")
    write(page, f"30 {HOUR} 1 1 *")
    expect(difference).to_contain_text("runs are removed")


def test_all_of_it_without_script(job_id: int, open_page: Open) -> None:
    page = open_page(f"/jobs/{job_id}/edit/", java_script_enabled=False)

    write(page, f"45 {HOUR} * * *")
    page.get_by_role("button", name="Preview").click()

    expect(page.locator("#preview-diff")).to_contain_text("30 runs move within their day")
    write(page, "15 2 * * *")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("A time that does not exist")
    page.get_by_role("button", name="Show 50").click()
    expect(page.locator("#preview .runs li")).to_have_count(50)
    expect(page.get_by_label("Cron expression")).to_have_value("15 2 * * *")


def test_nothing_reaches_over_the_edge(job_id: int, open_page: Open) -> None:
    page = open_page(f"/jobs/{job_id}/edit/?runs=50", width=1440)

    page.get_by_text("Clock changes, limits, jitter").click()
    write(page, "45 2,3,4 * * *")
    expect(page.locator("#preview-diff")).to_contain_text("runs are added")
    for summary in page.locator("#preview-diff summary").all():
        summary.click()

    # Only styles know the width: the page need not be opened anew.
    for width in (1440, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
