"""The live log in a real browser: what is printed arrives at once, any line has a link, text is found."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.e2e.harness import Product

# What a screen reader would say of the page's own status.
HEAR = """() => {
  const region = document.getElementById("status");
  window.heard = [];
  new MutationObserver(() => heard.push(region.textContent)).observe(
    region, {childList: true, characterData: true, subtree: true});
}"""


@pytest.fixture
def go(tmp_path: Path) -> Iterator[Path]:
    """Return a file that the job waits for; it ends as well, for others need its worker."""
    file = tmp_path / "go"
    yield file
    file.touch()  # where the test failed before it did
    (tmp_path / "end").touch()


def test_what_a_job_prints_arrives_and_can_be_linked_and_found(
    product: Product, open_page: Open, go: Path
) -> None:
    command = (
        f"echo ready; while [ ! -e {go} ]; do sleep 0.05; done; date +%s.%N > {go}; "
        f"echo here it is; seq -f 'row %g' 3000; echo end; "
        f"while [ ! -e {go.with_name('end')} ]; do sleep 0.1; done"
    )
    execution = product.trigger(product.job("log-live", command, timeout_seconds=900))
    page = open_page(f"/executions/{execution}/")
    log = page.locator("#log")
    expect(log).to_contain_text("ready")

    go.touch()
    expect(log.get_by_text("end", exact=True)).to_be_visible()
    arrived = time.time()
    # Half a second until it is stored, a second until the page asks: and what a busy machine adds.
    assert arrived - float(go.read_text()) < 15

    page.goto(f"/executions/{execution}/#L1500")
    line = page.locator("#L1500")
    expect(line).to_contain_text("row 1498")
    expect(line).to_be_in_viewport()
    page.locator("#L1510 > .no").click()
    expect(page).to_have_url(re.compile(r"\?line=1510#L1510$"))

    page.get_by_label("Text to find in the log").fill("ROW 2222")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("#log .at mark")).to_have_text("row 2222")
    expect(page.get_by_text("1 line matches")).to_be_visible()

    page.evaluate(HEAR)
    go.with_name("end").touch()
    expect(page.locator("#execution-facts")).not_to_have_attribute("hx-trigger", re.compile("."))
    expect(page.get_by_role("status").filter(has_text="has ended")).to_have_count(1)
    heard = [" ".join(said.split()) for said in page.evaluate("heard")]
    assert heard == [f"Run #{execution} has ended: Succeeded"], "read aloud once"
