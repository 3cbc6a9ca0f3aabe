"""Live pages: cheap while idle, never in the way of a person, honest when the server is silent."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Response, Route, expect

from jobs.domain.states import JobState
from tests.browser.conftest import Open, Watch
from tests.e2e.harness import Product, wait_until

POLLED = 60_000  # polls are five seconds apart; a busy machine answers late


@pytest.fixture(scope="module")
def jobs(product: Product) -> dict[str, int]:
    """Make three jobs that nothing starts."""
    return {name: product.job(name, "true") for name in ("live-a", "live-b", "live-c")}


def pause(product: Product, job_id: int, *, active: bool = False) -> None:
    """Change a job behind the page's back, as another person would."""
    state = JobState.ACTIVE if active else JobState.PAUSED
    product.sql("UPDATE jobs_job SET state = %s WHERE id = %s", state.value, job_id)
    product.sql(
        "INSERT INTO jobs_revision (topic, shard, value) VALUES ('jobs', 0, 1) "
        "ON CONFLICT (topic, shard) DO UPDATE SET value = jobs_revision.value + 1"
    )


@pytest.fixture(autouse=True)
def _as_before(product: Product, jobs: dict[str, int]) -> None:
    for job_id in jobs.values():
        pause(product, job_id, active=True)


def row(page: Page, jobs: dict[str, int], name: str) -> str:
    return f"#job-{jobs[name]}"


def test_an_idle_page_is_answered_with_304(
    jobs: dict[str, int], open_page: Open, watch: Watch
) -> None:
    page = open_page("/")

    def tagged() -> list[int]:
        page.wait_for_timeout(500)
        apart = ("/p/heartbeat/", "/p/timeline/")
        return [status for path, status in watch.polls if path not in apart]

    # Another test's run may still end, and is news; then the page is idle.
    wait_until(
        lambda: tagged()[-6:] == [304] * 6,
        what="regions of the page ask twice and hear nothing new",
        patience=POLLED / 1000,
    )


def test_a_heartbeat_that_is_not_drawn_again_ticks_on(open_page: Open) -> None:
    page = open_page("/queues/")
    ticks: list[str] = []

    def note(response: Response) -> None:
        if "/p/heartbeat/" in response.url and response.status == 304:
            ticks.append(response.headers["x-tick"])

    page.on("response", note)

    def shown() -> str | None:
        page.wait_for_timeout(200)
        return page.locator("#heartbeat time").get_attribute("datetime")

    wait_until(lambda: shown() in ticks, what="the tick of an answer is shown")


@pytest.mark.short
def test_a_change_keeps_what_a_person_is_doing(
    product: Product, jobs: dict[str, int], open_page: Open
) -> None:
    """S0-162."""
    page = open_page("/jobs/?q=live-&sort=name")
    page.locator(row(page, jobs, "live-b")).get_by_role("checkbox").check()
    page.locator(row(page, jobs, "live-c")).locator("summary").click()
    search = page.get_by_placeholder("Name, tag, owner or description")
    search.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")

    pause(product, jobs["live-a"])

    expect(page.locator(row(page, jobs, "live-a"))).to_contain_text("Paused", timeout=POLLED)
    expect(page.locator(row(page, jobs, "live-b")).get_by_role("checkbox")).to_be_checked()
    expect(page.locator(".bulk")).to_contain_text("1 selected")
    expect(page.locator(row(page, jobs, "live-c")).locator(".menu-list")).to_be_visible()
    expect(search).to_be_focused()
    assert search.evaluate("input => input.selectionStart") == 1


def test_rows_stay_while_somebody_selects(
    product: Product, jobs: dict[str, int], open_page: Open
) -> None:
    page = open_page("/jobs/?q=live-")
    names = page.locator("td .name")
    expect(names).to_have_text(["live-a", "live-b", "live-c"])
    page.locator(row(page, jobs, "live-b")).get_by_role("checkbox").check()

    pause(product, jobs["live-a"])

    offer = page.locator("#job-table [data-changes]")
    expect(offer).to_have_text("3 changed, show", timeout=POLLED)
    expect(names).to_have_text(["live-a", "live-b", "live-c"])
    expect(page.locator(row(page, jobs, "live-a"))).to_contain_text("Paused")
    offer.click()
    expect(names).to_have_text(["live-b", "live-c", "live-a"])
    expect(offer).to_be_hidden()


def test_rows_stay_under_the_pointer_and_move_when_it_leaves(
    product: Product, jobs: dict[str, int], open_page: Open
) -> None:
    page = open_page("/jobs/?q=live-")
    names = page.locator("td .name")
    page.locator(row(page, jobs, "live-b")).hover()

    pause(product, jobs["live-a"])

    offer = page.locator("#job-table [data-changes]")
    expect(offer).to_have_text("3 changed, show", timeout=POLLED)
    expect(names).to_have_text(["live-a", "live-b", "live-c"])
    expect(page.locator(row(page, jobs, "live-a"))).to_contain_text("Paused")
    page.mouse.move(1, 1)
    expect(names).to_have_text(["live-b", "live-c", "live-a"], timeout=POLLED)
    expect(offer).to_be_hidden()


def test_no_list_of_the_overview_moves_under_the_pointer(product: Product, open_page: Open) -> None:
    seen = product.job("seen", "true")
    first = product.trigger(seen)
    product.end_of(first)
    page = open_page("/")
    rows = page.locator("#recent [data-row]")
    expect(page.locator(f"#recent #run-{first}")).to_be_visible()
    shown = [row.get_attribute("id") for row in rows.all()]
    page.locator(f"#recent #run-{first}").hover()

    later = product.trigger(seen)
    product.end_of(later)

    expect(page.locator("#recent [data-changes]")).to_be_visible(timeout=POLLED)
    assert [row.get_attribute("id") for row in rows.all()] == shown
    page.mouse.move(1, 1)
    expect(rows.first).to_have_id(f"run-{later}", timeout=POLLED)
    # What has buttons is kept in the same way.
    for region in ("#attention", "#running", "#recent"):
        expect(page.locator(f"{region}[data-rows] [data-changes]")).to_have_count(1)


def test_live_updates_can_be_paused(
    product: Product, jobs: dict[str, int], open_page: Open, watch: Watch
) -> None:
    page = open_page("/jobs/?q=live-")
    page.get_by_role("button", name="Pause live updates").click()
    watch.polls.clear()
    pause(product, jobs["live-a"])
    page.wait_for_timeout(6_000)

    assert watch.polls == []
    page.reload()
    expect(page.get_by_text("Live updates paused")).to_be_visible()
    page.keyboard.press(".")
    expect(page.get_by_text("Live, every 5 s")).to_be_visible()
    with page.expect_response("**/p/jobs/**"):
        pass


def test_no_list_is_asked_for_behind_a_dialog_or_in_a_hidden_tab(
    jobs: dict[str, int], open_page: Open
) -> None:
    page = open_page("/jobs/?q=live-")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    asked.clear()
    page.wait_for_timeout(6_000)
    assert asked == []

    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.keyboard.press("Escape")
    page.wait_for_timeout(6_000)
    # The heartbeat goes on, once a minute: it tells what is critical in title and icon.
    assert [url for url in asked if "/p/" in url and "/p/heartbeat/" not in url] == []

    with page.expect_response("**/p/jobs/**"):
        page.evaluate("delete document.hidden")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_silent_server_is_told_and_its_return_too(
    jobs: dict[str, int], open_page: Open, watch: Watch
) -> None:
    watch.expected = ("ERR_FAILED", "Failed to fetch")
    page = open_page("/jobs/?q=live-")

    def refuse(route: Route) -> None:
        route.abort()

    page.route("**/p/**", refuse)
    notice = page.locator("#offline")
    expect(notice).to_be_visible(timeout=20_000)
    expect(notice).to_contain_text("No answer from the server for")
    page.unroute("**/p/**", refuse)
    expect(notice).to_be_hidden(timeout=40_000)


def test_a_lost_session_leads_to_the_login(jobs: dict[str, int], open_page: Open) -> None:
    page = open_page("/jobs/?q=live-")
    page.context.clear_cookies()

    page.wait_for_url("**/login/?next=%2Fjobs%2F%3Fq%3Dlive-", timeout=POLLED)


def test_a_double_click_starts_one_run(
    product: Product, jobs: dict[str, int], open_page: Open
) -> None:
    page = open_page("/jobs/?q=live-a")

    page.get_by_role("button", name="Run live-a now").dblclick()

    expect(page.locator(".toast").first).to_contain_text("Started live-a")
    count = product.sql("SELECT count(*) FROM jobs_execution WHERE job_id = %s", jobs["live-a"])
    assert count == [[1]]


def test_a_slow_double_click_or_a_key_held_down_starts_one_run_too(
    product: Product, open_page: Open
) -> None:
    """The answer to the first press is there before the second."""
    job = product.job("twice", "true", overlap="allow", max_parallel=9)
    page = open_page("/jobs/?q=twice")
    button = page.get_by_role("button", name="Run twice now")
    toasts = page.locator(".toast").filter(has_text="Started twice")

    def runs() -> int:
        return int(product.sql("SELECT count(*) FROM jobs_execution WHERE job_id = %s", job)[0][0])

    button.click()
    expect(toasts).to_have_count(1)
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    button.focus()
    for _ in range(3):  # the first goes down, the others repeat it
        page.keyboard.down("Enter")
        page.wait_for_timeout(200)
    page.keyboard.up("Enter")
    expect(toasts).to_have_count(2)
    page.locator("[data-row] a").first.focus()
    for _ in range(3):
        page.keyboard.down("r")
        page.wait_for_timeout(200)
    page.keyboard.up("r")
    expect(toasts).to_have_count(3)

    assert runs() == 3


def test_pause_can_be_undone(product: Product, jobs: dict[str, int], open_page: Open) -> None:
    """S0-159."""
    page = open_page("/jobs/?q=live-b")

    page.get_by_role("button", name="Pause live-b").click()
    expect(page.locator(row(page, jobs, "live-b"))).to_contain_text("Paused")
    page.get_by_role("button", name="Undo").click()

    expect(page.locator(row(page, jobs, "live-b"))).not_to_contain_text("Paused")
    expect(page.get_by_text("Resumed live-b.")).to_be_visible()


def test_the_filter_follows_the_typing(jobs: dict[str, int], open_page: Open) -> None:
    page = open_page("/jobs/")

    page.keyboard.press("/")
    page.keyboard.type("live-c")

    expect(page.locator("td .name")).to_have_text(["live-c"])
    page.wait_for_url("**/jobs/?q=live-c")
    page.reload()
    expect(page.locator("td .name")).to_have_text(["live-c"])


def test_deleting_needs_the_name(product: Product, jobs: dict[str, int], open_page: Open) -> None:
    doomed = product.job("doomed", "true")
    page = open_page(f"/jobs/{doomed}/")
    page.get_by_label("More actions").click()
    page.get_by_role("link", name="Delete…").click()
    dialog = page.get_by_role("dialog")

    dialog.get_by_label(re.compile("Type the job.s name")).fill("domed")
    dialog.get_by_role("button", name="Delete job").click()
    expect(dialog).to_contain_text("“domed” is not the name of the job.")
    dialog.get_by_label(re.compile("Type the job.s name")).fill("doomed")
    dialog.get_by_role("button", name="Delete job").click()

    page.wait_for_url("**/jobs/")
    expect(page.get_by_text("Deleted doomed.")).to_be_visible()
