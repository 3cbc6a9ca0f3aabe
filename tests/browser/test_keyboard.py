"""Keys act where no field has the focus, and can be switched off."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.e2e.harness import Product


def test_keys_lead_from_page_to_page(open_page: Open) -> None:
    page = open_page("/")
    for keys, heading in (
        ("gj", "Jobs"),
        ("ge", "Executions"),
        ("gl", "Alerts"),
        ("go", "Overview"),
        ("n", "New job"),
    ):
        for key in keys:
            page.keyboard.press(key)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        page.wait_for_load_state()  # keys need the page's script


def test_keys_move_through_rows_and_act_there(product: Product, open_page: Open) -> None:
    first, second = product.job("key-a", "true"), product.job("key-b", "true")
    page = open_page("/jobs/?q=key-")
    expect(page.locator(f"#job-{second}")).to_be_visible()

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(f"#job-{second}").get_by_role("checkbox")).to_be_checked()
    page.keyboard.press("k")
    page.keyboard.press("p")

    expect(page.locator(f"#job-{first}")).to_contain_text("Paused")
    expect(page.locator(f"#job-{second}")).not_to_contain_text("Paused")


def test_keys_pass_over_rows_that_lead_nowhere(open_page: Open) -> None:
    """The defect: the first row without a link was the last that `j` came to, with an error."""
    page = open_page("/settings/retention/")
    expect(page.locator("[data-row]").first).to_be_visible()
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<p data-row><a href=\"/\">last</a></p>')"
    )

    page.keyboard.press("j")

    expect(page.get_by_role("link", name="last", exact=True)).to_be_focused()


def test_selected_jobs_are_changed_by_keys_alone(product: Product, open_page: Open) -> None:
    jobs = [product.job(f"many-{number}", "true") for number in range(2)]
    page = open_page("/jobs/?q=many-")
    expect(page.locator(f"#job-{jobs[1]}")).to_be_visible()

    for key in "jxjxc":
        page.keyboard.press(key)
    page.wait_for_url("**/jobs/change/**")
    page.get_by_label("Add tags").focus()
    page.keyboard.type("weekly")
    page.keyboard.press("Enter")
    page.wait_for_url("**weekly**")

    expect(page.get_by_role("heading", name="What changes")).to_be_focused()
    for _row in jobs:
        page.keyboard.press("Tab")  # the name of each leads to its page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Changed 2 jobs.")).to_be_visible()


def test_typing_in_a_field_presses_nothing(open_page: Open) -> None:
    page = open_page("/jobs/")

    page.get_by_placeholder("Name, tag, owner or description").press_sequentially("gonn?.t")

    assert page.url.rstrip("/").endswith("/jobs") or "?q=" in page.url
    expect(page.get_by_role("heading", level=1)).to_have_text("Jobs")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_help_lists_the_keys_and_can_switch_them_off(open_page: Open) -> None:
    page = open_page("/")

    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Single keys act").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("n")

    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_the_theme_is_remembered(open_page: Open) -> None:
    page = open_page("/")
    root = page.locator("html")

    page.keyboard.press("t")
    page.keyboard.press("t")
    expect(root).to_have_attribute("data-theme", "dark")
    page.reload()

    expect(root).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    page.keyboard.press("t")
    expect(root).not_to_have_attribute("data-theme", "dark")


def test_one_key_leads_from_a_job_to_its_schedule(product: Product, open_page: Open) -> None:
    daily = {"kind": "cron", "expression": "30 7 * * *", "timezone": "UTC"}
    job = product.job("to-its-schedule", "true", schedules=[daily])
    page = open_page(f"/jobs/{job}/")
    page.wait_for_load_state()

    page.keyboard.press("s")
    expect(page.get_by_role("heading", level=1)).to_have_text("Edit to-its-schedule")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("weekdays at 9 in Paris")
    page.keyboard.press("Enter")

    expect(page.locator("#next-runs")).to_contain_text("Weekdays at 09:00")
    expect(page.locator("#next-runs")).to_contain_text("0 9 * * 1-5 · Europe/Paris")
