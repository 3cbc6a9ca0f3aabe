"""The palette with the keyboard alone, and many jobs changed from the list."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open, begun
from tests.browser.test_every_page import violations
from tests.e2e.harness import Product


def test_the_palette_finds_acts_and_opens_with_the_keyboard_alone(
    product: Product, open_page: Open
) -> None:
    job = product.job("palette-backup", "true", seconds=3600)
    page = open_page("/")
    field = page.get_by_role("combobox", name="Job, run number, page or action")
    chosen = page.locator('#palette-list [aria-selected="true"]')

    page.keyboard.press("/")
    expect(field).to_be_focused()
    expect(chosen).to_contain_text("Overview")
    page.keyboard.type("pause palette-b")
    expect(chosen).to_contain_text("Pause palette-backup")
    expect(field).to_have_attribute("aria-activedescendant", "pal-1")
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("Paused palette-backup")
    expect(field).to_be_hidden()

    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    field.fill("palette-backup")  # at once: a list of half the name would come in between
    expect(page.get_by_role("option", name="Resume palette-backup")).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(chosen).to_contain_text("Edit palette-backup")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_contain_text("Job")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/jobs/{job}/")
    begun(page)

    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    expect(chosen).to_contain_text("Overview")
    field.fill("palette-nothing")
    expect(page.locator("#palette-count")).to_contain_text("Nothing matches")
    expect(page.get_by_role("option")).to_have_count(0)
    page.keyboard.press("Enter")  # opens nothing that was offered for other letters
    expect(field).to_be_focused()
    field.fill("")
    expect(chosen).to_contain_text("Overview")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    expect(page.locator("#palette-q")).not_to_be_focused()  # let go when the browser draws next
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page.get_by_role("heading", level=1)).to_have_text("Preferences")


def test_selected_jobs_are_changed_after_a_look_and_undone(
    product: Product, open_page: Open
) -> None:
    """S0-160."""
    for name in ("many-a", "many-b"):
        product.job(name, "true", seconds=3600)
    page = open_page("/jobs/?q=many-")
    page.get_by_label("Select many-a").check()
    page.get_by_label("Select many-b").check()
    page.get_by_role("button", name="Change…").click()
    page.get_by_label("Add tags").fill("moved")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.get_by_text("moved", exact=True)).to_have_count(2)

    page.get_by_role("button", name="Change 2 jobs").click()
    expect(page.get_by_text("Changed 2 jobs.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Took back the change of 2 jobs.")).to_be_visible()

    page.goto("/jobs/?tag=moved")
    expect(page.get_by_text("No job matches")).to_be_visible()
