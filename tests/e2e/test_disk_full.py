"""A full disk stops nothing for good and spoils nothing (I-30, F-10): SQLite on a small tmpfs."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.account import check_account, create_load, settle
from tests.e2e.harness import Product, wait_until

SIZE = "16m"
TOKEN = "t" * 32

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small disk")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of some megabytes."""
    directory = tmp_path / "small"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "jobdeck-test", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr}")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


@pytest.fixture
def product(small_disk: Path, tmp_path: Path) -> Iterator[Product]:
    """Return a product whose data lie on the small disk; its log and the evidence do not."""
    made = Product(small_disk, WORKERS="2", LEASE="5s", DRAIN="5s")
    made.folder = tmp_path
    made.log = tmp_path / "log.txt"
    yield made
    made.close()


def test_a_full_disk_is_told_and_when_there_is_room_everything_goes_on(
    product: Product, small_disk: Path
) -> None:
    session = product.ask("sign_in")
    product.start()
    wait_until(lambda: "Jobdeck is ready" in product.log.read_text(), what="the pages answer")
    jobs = create_load(product, "disk", jobs=3)
    wait_until(lambda: len(product.evidence("disk")) > 3, what="the jobs run")

    ballast = small_disk / "ballast"
    fill(ballast)
    wait_until(lambda: "disk is full" in product.log.read_text(), what="the log tells")
    page = answer(product, "/jobs/", session)
    refused = answer(product, f"/jobs/{jobs[0]}/pause/", session, post=True)
    alive = answer(product, "/healthz", session)
    fill(ballast)
    wait_until(
        lambda: product.log.read_text().count("disk is full") > 8, what="a verdict waits for room"
    )
    before = len(product.evidence("disk"))
    ballast.unlink()
    wait_until(lambda: len(product.evidence("disk")) > before + 3, what="it goes on")
    settle(product, jobs)

    assert page[0] == 200
    assert "The disk of the data directory is full" in page[1]
    assert refused[0] == 503
    assert "The disk is full" in refused[1]
    assert alive[0] == 200
    assert product.stop() == [0]
    assert product.sql("PRAGMA integrity_check") == [["ok"]]
    states = check_account(product, "disk", jobs)
    assert set(states) <= {"succeeded", "skipped"}, states


def fill(ballast: Path) -> None:
    """Write until nothing fits any more."""
    for size in (65536, 512):
        with suppress(OSError), ballast.open("ab", buffering=0) as file:
            while True:
                file.write(b"x" * size)


def answer(product: Product, path: str, session: str, *, post: bool = False) -> tuple[int, str]:
    """Return status and text of an answer to somebody who is signed in."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{product.port}{path}",
        data=b"" if post else None,
        headers={"Cookie": f"sessionid={session}; csrftoken={TOKEN}", "X-CSRFToken": TOKEN},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as found:
            return found.status, found.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
