"""Take a picture of every page, at two sizes and in both themes: `make screenshots`.

A product of its own is started with a made-up past, and ended again. The main pages go into
``docs/screenshots``; all others only into the folder that is given.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests import migrated
from tests.browser.conftest import ARGUMENTS, CHROMIUM, NAME, PASSWORD, address, log_in
from tests.browser.every_page import fill
from tests.e2e.harness import ROOT, Product

DOCS = ROOT / "docs" / "screenshots"
SIZES = {"1440": (1440, 900), "390": (390, 844)}
THEMES = ("light", "dark")
LOOKS = [f"{size}-{theme}" for size in SIZES for theme in THEMES]
# What a reader of the documentation wants to see; the rest is for who works on the pages.
MAIN = (
    "overview", "jobs", "job", "execution", "edit", "timeline", "queues", "health", "alerts",
    "ledger", "statistics", "tv",
)  # fmt: skip
README = "overview-1440-light"
COLOURS = 64  # as many as keep the greys of both themes apart


def smaller(png: bytes) -> bytes:
    """Return the picture with as many colours as a palette holds, packed as tightly as zlib can."""
    # Few colours are in a page: the palette keeps its edges, where a lossy format blurs the text.
    image = Image.open(BytesIO(png)).convert("RGB")
    few = image.quantize(colors=COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    packed = BytesIO()
    few.save(packed, format="PNG", optimize=True)
    return packed.getvalue()


def main(arguments: list[str]) -> int:
    """Start a product, visit every page, write the pictures."""
    parser = argparse.ArgumentParser(description="Take a picture of every page.")
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="write the other pages here")
    parser.add_argument("--look", choices=LOOKS, action="append", help="only this size and theme")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="jobdeck-shots-") as home:
        os.environ.setdefault(migrated.VARIABLE, home)  # where the empty tables are made
        product = _product(Path(home) / "product")
        try:
            _take(product, asked.all, asked.look or LOOKS)
        finally:
            product.close()
    return 0


def _product(home: Path) -> Product:
    """Return a running product with a past, and with something of every kind."""
    home.mkdir()
    login = {"JOBDECK_ADMIN_USER": NAME, "JOBDECK_ADMIN_PASSWORD": PASSWORD}
    product = Product(home, WORKERS="4", OPEN_LOOPBACK="0", BUILTIN_JOBS="1", **login)
    past = ("make_history", "--jobs", "12", "--executions", "9000", "--prefix", "nightly")
    for command in (("setup",), past, ("load_examples", "--force")):
        subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *command],
            env=product.environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    product.start()
    return product


def _take(product: Product, folder: Path | None, looks: Sequence[str]) -> None:
    pages = fill(product)
    missing = set(MAIN) - set(pages)
    assert not missing, f"no such pages: {missing}"
    DOCS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for look in looks:
            _visit(browser, product, pages, look, folder)
        browser.close()


def _visit(
    browser: Browser,
    product: Product,
    pages: dict[str, str],
    look: str,
    folder: Path | None,
) -> None:
    """Take the pictures of one size and theme."""
    size, theme = look.split("-")
    width, height = SIZES[size]
    context = browser.new_context(
        base_url=address(product),
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        timezone_id="Europe/Paris",
        reduced_motion="reduce",
    )
    page = context.new_page()
    log_in(page)
    for name, path in pages.items():
        target = DOCS if name in MAIN else folder
        if target is None:
            continue
        target.mkdir(parents=True, exist_ok=True)
        # The wallboard is dark by itself.
        page.goto(f"{path}?theme={theme}" if name == "tv" else path)
        # The first reader of a timeline is told so; the next look of the page brings the load.
        page.get_by_text("is being worked out").wait_for(state="detached", timeout=60_000)
        if target is not DOCS:
            # As tall as the page is: a bar at the foot stands in the middle of a longer picture.
            whole = page.evaluate("document.documentElement.scrollHeight")
            page.set_viewport_size({"width": width, "height": max(whole, height)})
        picture = smaller(page.screenshot())
        page.set_viewport_size({"width": width, "height": height})
        (target / f"{name}-{look}.png").write_bytes(picture)
        if f"{name}-{look}" == README:
            (DOCS / "overview.png").write_bytes(picture)
    context.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
