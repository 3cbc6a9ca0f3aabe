"""Every page: accessible, readable at 320 px, in both themes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.e2e.harness import Product, wait_until

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


@pytest.fixture(scope="module")
def pages(product: Product) -> Iterator[dict[str, str]]:
    """Make something to show on each page; return the addresses."""
    good = product.job("page-good", "echo fine; echo oops >&2", seconds=3600, tags=["data"])
    bad = product.job(
        "page-bad", "echo broken; exit 3", retry={"max_attempts": 2, "base_seconds": 0}
    )
    long = product.job("page-long", "echo on and on; sleep 600", timeout_seconds=900)
    for _run in range(3):
        product.run(good)
        product.run(bad)
    running = product.trigger(long)
    failed = product.sql("SELECT max(id) FROM jobs_execution WHERE job_id = %s", bad)[0][0]
    product.job(
        "page-broken", "echo {{db_host}} {{page_pass}}", breaker={"name": "page-db", "threshold": 3}
    )
    breaker = product.sql("SELECT max(id) FROM jobs_breaker WHERE name = %s", "page-db")[0][0]
    given = product.job(
        "page-given",
        "echo $PARAM_DAY; echo '::warning Nearly full'; echo '::metric rows=5'; "
        """echo '::result {"rows": {"paris": 5}}'; echo a > $ARTIFACTS_DIR/a.csv""",
        parameters=[
            {"name": "day", "type": "date", "default": "2030-01-31"},
            {"name": "place", "type": "choice", "choices": ["paris", "london"]},
            {"name": "key", "secret": True},
        ],
    )
    after = product.job("page-after", "echo then", depends_on=["page-good", "page-given"])
    product.run(given)
    reported = product.sql("SELECT max(id) FROM jobs_execution WHERE job_id = %s", given)[0][0]
    needy = product.job("page-needs", "echo no", requires=["gpu"])
    waiting = product.trigger(needy)
    cloud = product.job(
        "page-cloud",
        "",
        type="registerCspResources",
        spec={"ns_id": "production", "connection_name": "aws", "mci_name_prefix": "page"},
    )
    room = product.ask(
        "create_workspace",
        name="page-room",
        operations={"template": "shop", "mode_schedules": {"busy": "0 9 * * *"}},
    )
    secret = product.ask("create_variable", name="page_pass", value="hidden", secret=True)
    product.ask("create_channel", name="page-ops", kind="command", settings={"command": "true"})
    found = wait_until(
        lambda: product.sql("SELECT alert_id FROM jobs_alertjob WHERE job_id = %s", bad),
        what="the failures are an alert",
    )
    alert = found[0][0]
    yield {
        "alerts": "/alerts/",
        "no-alerts": "/alerts/?q=nothing-is-called-so",
        "alert": f"/alerts/{alert}/",
        "alert-rules": "/alerts/rules/",
        "alert-rule-new": "/alerts/rules/new/",
        "channels": "/channels/",
        "channel-new": "/channels/new/",
        "job-alerts": f"/jobs/{bad}/alerts/",
        "job-statistics": f"/jobs/{bad}/statistics/?window=30d",
        "no-statistics": f"/jobs/{needy}/statistics/",
        "alert-link-of-nobody": "/alerts/link/forged/",
        "overview": "/",
        "jobs": "/jobs/",
        "no-jobs": "/jobs/?q=nothing-is-called-so",
        "job": f"/jobs/{good}/",
        "failing-job": f"/jobs/{bad}/",
        "job-with-dependencies": f"/jobs/{after}/",
        "edit-job-with-dependencies": f"/jobs/{after}/edit/",
        "run-with": f"/jobs/{given}/run/with/",
        "edit-job-with-parameters": f"/jobs/{given}/edit/",
        "cloud-job": f"/jobs/{cloud}/",
        "reported": f"/executions/{reported}/?q=2030",
        "waiting": f"/executions/{waiting}/",
        "no-logs": f"/jobs/{needy}/logs/",
        "new-job": "/jobs/new/",
        "edit-job": f"/jobs/{good}/edit/",
        "delete-job": f"/jobs/{good}/delete/",
        "ledger": f"/jobs/{good}/ledger/",
        "job-logs": f"/jobs/{good}/logs/?q=fine",
        "log-line": f"/executions/{failed}/?line=1&q=broken",
        "explain": f"/jobs/{good}/explain/?at=2030-01-01T10:00",
        "explain-nothing": f"/jobs/{good}/explain/",
        "executions": "/executions/",
        "running": f"/executions/{running}/",
        "failed": f"/executions/{failed}/",
        "kill": f"/executions/{running}/kill/",
        "freezes": "/freezes/",
        "past-freezes": "/freezes/?show=past",
        "new-freeze": "/freezes/new/",
        "calendars": "/calendars/",
        "new-calendar": "/calendars/new/",
        "variables": "/variables/",
        "no-variables": "/variables/?q=nothing-is-called-so",
        "new-variable": "/variables/new/",
        "edit-secret": f"/variables/{secret}/edit/",
        "breakers": "/breakers/",
        "queues": "/queues/",
        "health": "/health/",
        "edit-queue": "/queues/default/edit/",
        "breaker": f"/breakers/{breaker}/",
        "edit-breaker": f"/breakers/{breaker}/edit/",
        "preferences": "/preferences/",
        "keyboard": "/keyboard/",
        "search": "/search/?q=page-good",
        "found-nothing": "/search/?q=nothing-is-called-so",
        "change-many": f"/jobs/change/?id={good}&id={given}&do=edit&minutes=20&add_tags=new",
        "delete-many": f"/jobs/change/?id={good}&id={bad}&do=delete",
        "settings": "/settings/",
        "about": "/about/",
        "wallboard": "/tv/",
        "people": "/people/",
        "tokens": "/tokens/",
        "audit": "/audit/",
        "workspaces": "/workspaces/",
        "password": "/password/",
        "timeline": "/timeline/",
        "workspace": f"/workspaces/{room}/",
        "edit-workspace": f"/workspaces/{room}/edit/",
        "deploy-workspace": f"/workspaces/{room}/deploy/?mode=busy",
        "files": "/files/",
        "missing": "/jobs/999999/",
    }
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


# Contrast differs by theme and layout by width, not by their combination; the other two are for
# the long run.
@pytest.mark.parametrize(
    "looks",
    [
        [("light", 1280), ("dark", 390)],
        pytest.param([("dark", 1280), ("light", 390)], marks=pytest.mark.soak),
    ],
)
def test_every_page_is_accessible_and_never_scrolls_sideways(
    looks: list[tuple[Theme, int]], pages: dict[str, str], open_page: Open
) -> None:
    found: dict[tuple[str, str], list[str]] = {}
    size: dict[tuple[str, int], int] = {}
    page = open_page("/")
    # Loaded once: only styles, no script, know the theme and the width.
    for name, path in pages.items():
        page.goto(path)
        for theme, width in looks:
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            found[name, theme] = violations_of_all(page, width)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            size[name, width] = page.evaluate("document.documentElement.scrollWidth")

    assert {look: faults for look, faults in found.items() if faults} == {}
    assert {look: wide for look, wide in size.items() if wide > look[1]} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_at_the_door(theme: str, open_page: Open) -> None:
    page = open_page("/login/", signed_in=False, color_scheme=theme)

    assert violations(page) == []


def test_axe_finds_nothing_in_dialogs_and_menus(pages: dict[str, str], open_page: Open) -> None:
    page = open_page(pages["job"])
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
