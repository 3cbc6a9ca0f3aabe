"""The ledger and its proof, and why a job did or did not run, as a person uses them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.test_every_page import violations
from tests.e2e.harness import Product, wait_until

WIDTHS = [1440, 390]


@pytest.fixture(scope="module")
def job(product: Product) -> int:
    """Return a job that is due each second, ran a few times, and left more out beside a long run."""
    made = product.job("each-second", "sleep 3", seconds=1)
    wait_until(
        lambda: product.sql("SELECT count(*) FROM jobs_omission WHERE job_id = %s", made)[0][0] > 1,
        what="due times left out beside a run",
    )
    product.ask("pause", job_id=made)
    return made


def sideways(page: Page, width: int) -> bool:
    page.set_viewport_size({"width": width, "height": 900})
    size: int = page.evaluate("document.documentElement.scrollWidth")
    return size > width


def test_the_ledger_is_balanced_and_spells_a_stretch_out(job: int, open_page: Open) -> None:
    page = open_page(f"/jobs/{job}/ledger/", width=WIDTHS[0])

    expect(page.get_by_text("Balanced")).to_be_visible()
    expect(page.locator(".led-sum")).to_contain_text("0 unexplained")
    first = page.get_by_role("link", name="Show each").first
    row = page.locator("tr", has=first).first
    row.get_by_role("link", name="Show each").click()
    expect(page.locator(".led-each li").nth(1)).to_be_visible()
    assert violations(page) == []
    assert not any(sideways(page, width) for width in WIDTHS)


def test_a_row_leads_to_the_chain_of_decisions(job: int, open_page: Open) -> None:
    page = open_page(f"/jobs/{job}/ledger/?verdict=overlap", width=390, color_scheme="dark")

    page.get_by_role("link", name=re.compile("^Why")).last.click()

    expect(page.get_by_text("It did not run", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Overlap")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Execution #\d+, due .* was in the way"))).to_have_count(2)
    assert violations(page) == []
    assert not any(sideways(page, width) for width in WIDTHS)


def test_a_question_is_asked_by_the_form(job: int, open_page: Open) -> None:
    page = open_page(f"/jobs/{job}/", width=1440)

    page.get_by_role("navigation", name="About this job").get_by_role("link", name="Why?").click()
    page.get_by_label("Minute or second").fill("2030-01-01T10:00:00")
    page.get_by_role("button", name="Explain").click()

    expect(page.get_by_text("It will not run", exact=True)).to_be_visible()
    expect(page.get_by_text("unless it is resumed before").first).to_be_visible()
    assert violations(page) == []


def test_filters_stand_in_the_address(job: int, open_page: Open) -> None:
    page = open_page(f"/jobs/{job}/ledger/", width=1440)

    page.get_by_label("Verdict").select_option("overlap")

    page.wait_for_url("**verdict=overlap**")
    expect(page.locator("tbody tr").first).to_contain_text("Previous run still executing")


def test_the_ledger_works_without_script(job: int, open_page: Open) -> None:
    page = open_page(f"/jobs/{job}/ledger/?verdict=omitted", width=390, java_script_enabled=False)

    expect(page.get_by_text("Balanced")).to_be_visible()
    page.get_by_role("link", name="Show each").first.click()

    expect(page.locator(".led-each li").nth(1)).to_be_visible()
