"""The timeline in a browser: hour, day, week; lanes and load; small, dark, and without a mouse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_every_page import Theme, violations
from tests.e2e.harness import Product

CROWD = 12
# Every page's contrast differs by theme and its layout by width, not by their combination.
LOOKS: list[tuple[Theme, int]] = [("light", 1280), ("dark", 320)]


@pytest.fixture(scope="module")
def crowd(product: Product) -> Iterator[list[int]]:
    """Make a job that ran twice, one that is paused, and a crowd due in twenty minutes."""
    soon = datetime.now(UTC) + timedelta(minutes=20)
    due = [{"kind": "cron", "expression": f"{soon.minute} {soon.hour} * * *"}]
    ran = product.job("tl-ran", "true", seconds=660)
    product.run(ran)
    product.run(ran)
    paused = product.job("tl-paused", "true", seconds=600)
    product.sql("UPDATE jobs_job SET state = 'paused', next_fire_at = NULL WHERE id = %s", paused)
    ids = [_due(product, number, due) for number in range(CROWD)]
    marks = ",".join(["%s"] * CROWD)
    product.sql(
        f"UPDATE jobs_job SET last_duration_seconds = 60 WHERE id IN ({marks})",
        *ids,
    )
    yield ids
    marks = ",".join(["%s"] * (CROWD + 2))
    product.sql(
        f"UPDATE jobs_job SET state = 'paused', next_fire_at = NULL WHERE id IN ({marks})",
        *ids,
        ran,
        paused,
    )


def _due(product: Product, number: int, due: list[dict[str, Any]]) -> int:
    return product.job(f"tl-crowd-{number:02}", "true", schedules=due)


@pytest.mark.parametrize("asked", ["hour", "day", "week"])
def test_lanes_have_past_and_planned_marks(asked: str, crowd: list[int], open_page: Open) -> None:
    page = open_page(f"/timeline/?range={asked}&q=tl-ran")

    lane = page.get_by_role("img", name="tl-ran:")
    expect(lane).to_be_visible()
    assert "2 succeeded" in (lane.get_attribute("aria-label") or "")
    assert "planned" in (lane.get_attribute("aria-label") or "")
    assert lane.locator(".ok").count() == 2
    assert lane.locator(".plan").count() >= 1


def test_the_load_arrives_and_names_the_hot_spot(crowd: list[int], open_page: Open) -> None:
    page = open_page("/timeline/?range=hour")

    spot = page.locator("#timeline-load li").first
    # Jobs that other tests left may be due in the same minute.
    wanted = re.compile(r"1[2-5] jobs want 1[2-5] slots, 4 are there: .*tl-crowd-00")
    expect(spot).to_have_text(wanted, timeout=10_000)
    expect(spot).to_have_text(re.compile(r"the last waits about [2-4] min"))

    page.locator("#timeline-load summary").first.click()
    spot.get_by_role("link", name="Show these jobs").click()
    expect(page.get_by_role("img", name="tl-crowd-")).to_have_count(CROWD)


def test_a_paused_job_says_so(crowd: list[int], open_page: Open) -> None:
    page = open_page("/timeline/?range=hour&q=tl-paused")

    expect(page.locator("#timeline-lanes .sub")).to_contain_text("Paused")
    assert page.get_by_role("img", name="tl-paused:").locator(".off").count() >= 1


def test_the_window_moves_and_comes_back(crowd: list[int], open_page: Open) -> None:
    page = open_page("/timeline/?range=hour&q=tl-ran")

    page.get_by_role("link", name="Earlier").click()
    page.get_by_role("link", name="Earlier").click()
    expect(page.get_by_text("This window is past")).to_be_visible()
    page.get_by_role("link", name="Now", exact=True).click()
    expect(page.get_by_role("img", name="tl-ran: 2 succeeded")).to_be_visible()


def test_the_lanes_refresh_in_place(crowd: list[int], open_page: Open) -> None:
    page = open_page("/timeline/?range=week")
    page.wait_for_load_state("networkidle")  # what still loads moves what stands below
    page.evaluate("window.scrollTo(0, 200)")
    before = page.evaluate("window.scrollY")
    with page.expect_response(lambda answer: "/p/timeline/lanes/" in answer.url) as answered:
        page.evaluate("document.dispatchEvent(new CustomEvent('changed'))")

    assert answered.value.status == 200
    page.wait_for_timeout(300)
    assert page.evaluate("window.scrollY") == before


@pytest.mark.parametrize("shown", ["", "&as=table"])
def test_it_is_accessible_and_never_scrolls_sideways(
    shown: str, crowd: list[int], open_page: Open
) -> None:
    page = open_page(f"/timeline/?range=hour&load=1{shown}", color_scheme="light")

    for theme, width in LOOKS:
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
