"""Take a picture of every page, at two sizes and in both themes: `make screenshots`.

A product of its own is started with a made-up past, and ended again. The main pages go into
``docs/screenshots``; all others only into the folder that is given.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests import migrated
from tests.browser.conftest import ARGUMENTS, CHROMIUM, NAME, PASSWORD, address, log_in
from tests.e2e.harness import ROOT, Product

DOCS = ROOT / "docs" / "screenshots"
SIZES = {"1440": (1440, 900), "390": (390, 844)}
THEMES = ("light", "dark")
# What a reader of the documentation wants to see; the rest is for who works on the pages.
MAIN = (
    "overview", "jobs", "job", "execution", "edit", "timeline", "queues", "health", "alerts",
    "ledger", "about", "tv",
)  # fmt: skip
# Answers that are no pages, and the door, which is seen before the login.
NOT_SHOWN = ("login", "logout", "healthz")


def addresses(plain: dict[str, str], job: int, execution: int) -> dict[str, str]:
    """Return the address of every picture by its name; ``plain`` has those without a number."""
    return {
        **plain,
        "job": f"/jobs/{job}/",
        "edit": f"/jobs/{job}/edit/",
        "ledger": f"/jobs/{job}/ledger/",
        "explain": f"/jobs/{job}/explain/",
        "logs": f"/jobs/{job}/logs/",
        "execution": f"/executions/{execution}/",
        "missing": "/jobs/999999/",
    }


def routes() -> dict[str, str]:
    """Return the address of each page that needs no number in it, from the URL configuration."""
    from jobs.web.urls import urlpatterns

    table = (ROOT / "tests" / "doors.txt").read_text().splitlines()
    shown = {line.split(" ")[0].replace("(root)", "") for line in table if " GET " in line}
    return {
        str(one.name): f"/{one.pattern}"
        for one in urlpatterns
        if str(one.pattern) in shown
        and one.name not in NOT_SHOWN
        and "<" not in str(one.pattern)
        and not str(one.pattern).startswith("p/")
    }


def smaller(png: bytes) -> bytes:
    """Return the same picture, its data packed as tightly as zlib can."""
    data, kept = b"", []
    for kind, body in _chunks(png):
        if kind == b"IDAT":
            data += body
        else:
            kept.append((kind, body))
    kept.insert(len(kept) - 1, (b"IDAT", zlib.compress(zlib.decompress(data), 9)))
    packed = png[:8] + b"".join(_chunk(kind, body) for kind, body in kept)
    return min(packed, png, key=len)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(png):
        size = struct.unpack(">I", png[at : at + 4])[0]
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        at += 12 + size


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def main(arguments: list[str]) -> int:
    """Start a product, visit every page, write the pictures."""
    parser = argparse.ArgumentParser(description="Take a picture of every page.")
    parser.add_argument("--all", type=Path, metavar="FOLDER", help="write the other pages here")
    folder: Path | None = parser.parse_args(arguments).all
    with tempfile.TemporaryDirectory(prefix="jobdeck-shots-") as home:
        os.environ.setdefault(migrated.VARIABLE, home)  # where the empty tables are made
        product = _product(Path(home) / "product")
        try:
            _take(product, folder)
        finally:
            product.close()
    return 0


def _product(home: Path) -> Product:
    """Return a running product with a past, and with something of every kind."""
    home.mkdir()
    login = {"JOBDECK_ADMIN_USER": NAME, "JOBDECK_ADMIN_PASSWORD": PASSWORD}
    product = Product(home, WORKERS="4", OPEN_LOOPBACK="0", BUILTIN_JOBS="1", **login)
    past = ("make_history", "--jobs", "40", "--executions", "20000", "--prefix", "demo")
    for command in (("setup",), past):
        subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *command],
            env=product.environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    product.start()
    product.job("import-orders", "echo reading; sleep 600", seconds=3600, tags=["shop"])
    failing = product.job(
        "send-invoices",
        "printf '\\033[32mconnected\\033[0m\\n'; echo 'no route to mail.example.org' >&2; exit 3",
        seconds=86_400,
        tags=["shop", "mail"],
        description="Sends what was billed yesterday",
        breaker={"name": "mail-server", "threshold": 20},
    )
    for _run in range(4):
        product.run(failing)
    product.ask("create_variable", name="mail_host", value="mail.example.org")
    product.ask("create_variable", name="mail_password", value="hidden", secret=True)
    running = product.sql("SELECT id FROM jobs_job WHERE name = %s", "import-orders")[0][0]
    product.trigger(running)
    return product


def _take(product: Product, folder: Path | None) -> None:
    failing = product.sql("SELECT id FROM jobs_job WHERE name = %s", "send-invoices")[0][0]
    run = product.sql("SELECT max(id) FROM jobs_execution WHERE job_id = %s", failing)[0][0]
    pages = addresses(_asked(product), failing, run)
    DOCS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for size in SIZES:
            for theme in THEMES:
                _visit(browser, product, pages, (size, theme), folder)
        browser.close()


def _asked(product: Product) -> dict[str, str]:
    """Return the plain addresses, asked of a process that has the product's settings."""
    code = (
        "import django, json; django.setup(); "
        "from tests.browser.screenshots import routes; print(json.dumps(routes()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=product.environment,
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _visit(
    browser: Browser,
    product: Product,
    pages: dict[str, str],
    look: tuple[str, str],
    folder: Path | None,
) -> None:
    """Take the pictures of one size and theme."""
    size, theme = look
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
        answer = page.goto(f"{path}?theme={theme}" if name == "tv" else path)
        if answer is not None and answer.status >= 400 and name != "missing":
            continue  # asks for a choice that was not made
        (target / f"{name}-{size}-{theme}.png").write_bytes(smaller(page.screenshot()))
    context.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
