"""What open browsers cost an idle product: 20 of them poll as their pages tell them to.

Run with ``python -m benchmarks.polling [--data DIR] [--jobs 10000] [--browsers 20] [--seconds 60]``; a
data directory that is named must have nothing due meanwhile. Each browser loads one page over its own kept connection, reads from it which regions ask again, how often and with
which tag, and goes on so. What the product costs without them is measured before, and taken off.
"""

from __future__ import annotations

import argparse
import heapq
import html
import http.client
import itertools
import os
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import product
from benchmarks.history import use

# What people leave open, again and again in this order.
PAGES = (
    "/", "/jobs/", "/executions/", "/", "/jobs/{job}/", "/timeline/", "/", "/health/", "/queues/",
    "/alerts/", "/tv/",
)  # fmt: skip
SETTLE_SECONDS = 20
ALLOWED = 0.10  # of one core
_TAG = re.compile(r"<\w+ [^>]*hx-trigger=\"[^\"]*\bevery [^>]*>")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--data", type=Path, help="of an idle product; else one is made and removed"
    )
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--browsers", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    chosen = parser.parse_args()
    data = chosen.data or product.prepare()
    try:
        if chosen.data:
            os.environ["PORT"] = str(product.free_port())
            use(data)
        else:
            _make(chosen.jobs)
        cookie, job = _watcher()
        with product.running() as process:
            product.wait_until(_answers, product.START_SECONDS, "the web server")
            time.sleep(SETTLE_SECONDS)
            alone = _cost(process.pid, chosen.seconds)
            stop = threading.Event()
            pages = itertools.islice(itertools.cycle(PAGES), chosen.browsers)
            browsers = [Browser(page.format(job=job), cookie) for page in pages]
            threads = [threading.Thread(target=one.watch, args=(stop,)) for one in browsers]
            for thread in threads:
                thread.start()
            time.sleep(SETTLE_SECONDS)  # the first page is no poll
            before = sum((one.answers for one in browsers), Counter())
            watched = _cost(process.pid, chosen.seconds)
            after = sum((one.answers for one in browsers), Counter())
            stop.set()
            for thread in threads:
                thread.join()
        _print(chosen, alone, watched, after - before)
    finally:
        if not chosen.data:
            product.discard(data)


def _make(jobs: int) -> None:
    """Make jobs that are due tomorrow."""
    from datetime import UTC, datetime, timedelta

    from django.core.management import call_command

    first = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    call_command("make_jobs", count=jobs, every="1d", first=first, shell="true")


def _watcher() -> tuple[str, int]:
    """Make somebody who is signed in; return the cookie and a job to look at."""
    from jobs.domain.permissions import Role
    from jobs.models import Job
    from tests.conftest import signed_in
    from tests.factories import make_user

    client = signed_in(make_user(f"watcher-{os.getpid()}", Role.OPERATOR))
    return f"sessionid={client.cookies['sessionid'].value}; tz=UTC", Job.objects.earliest("pk").pk


def _print(chosen: argparse.Namespace, alone: float, watched: float, answers: Counter[int]) -> None:
    share = (watched - alone) / chosen.seconds
    asked = answers.total() / chosen.seconds
    unchanged = answers[304] / max(answers.total(), 1)
    print(
        f"{chosen.browsers} browsers, {chosen.jobs} jobs: {asked:.1f} polls a second, "
        f"{unchanged:.0%} answered 304, others {dict(answers)}\n"
        f"CPU of all processes in {chosen.seconds} s: {alone:.2f} s without them, {watched:.2f} s "
        f"with them: {share:.1%} of a core more (allowed: {ALLOWED:.0%}), "
        f"{(watched - alone) / max(answers.total(), 1) * 1000:.1f} ms each"
    )


def _cost(pid: int, seconds: float) -> float:
    before = product.cpu_seconds([pid, *product.tree(pid)[1:]])
    time.sleep(seconds)
    return product.cpu_seconds([pid, *product.tree(pid)[1:]]) - before


def _answers() -> bool:
    try:
        connection = _connection()
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except OSError:
        return False


def _connection() -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=60)


@dataclass(order=True, slots=True)
class Region:
    """A part of a page that asks for itself."""

    due: float
    address: str = field(compare=False)
    every: float = field(compare=False)
    tag: str = field(compare=False, default="")


class Browser:
    """One page that somebody has left open."""

    def __init__(self, page: str, cookie: str) -> None:
        """Take what is shown, and who looks."""
        self.page = page
        self.cookie = cookie
        self.answers: Counter[int] = Counter()
        self._connection = _connection()

    def watch(self, stop: threading.Event) -> None:
        """Load the page, then ask for each region when it is due, until told to stop."""
        text = self._get(self.page, {}).decode()
        regions = [_region(tag) for tag in _TAG.findall(text)]
        if not regions:
            raise RuntimeError(f"{self.page} has no region that asks again.")
        heapq.heapify(regions)
        while not stop.wait(max(regions[0].due - time.monotonic(), 0)):
            heapq.heapreplace(regions, self._polled(regions[0]))

    def _polled(self, one: Region) -> Region:
        headers = {"HX-Request": "true", **({"HX-PTag": one.tag} if one.tag else {})}
        text = self._get(one.address, headers).decode()
        found = _TAG.search(text)
        later = _region(found[0]) if found else one  # a 304: as before
        return Region(one.due + one.every, later.address, later.every, later.tag)

    def _get(self, path: str, headers: dict[str, str]) -> bytes:
        self._connection.request("GET", path, headers={"Cookie": self.cookie, **headers})
        response = self._connection.getresponse()
        if response.status not in {200, 304}:
            raise RuntimeError(f"{path} was answered {response.status}.")
        self.answers[response.status] += 1
        return response.read()


def _region(tag: str) -> Region:
    """Read when and how a region asks, as htmx does."""
    named = {
        name: html.unescape(value) for name, value in re.findall(r'(hx-[a-z]+)="([^"]*)"', tag)
    }
    interval = re.search(r"every (\d+)(ms|s)", named["hx-trigger"])
    if interval is None:
        raise ValueError(f"A region that polls names no interval: {named['hx-trigger']}")
    every = int(interval[1]) / (1000 if interval[2] == "ms" else 1)
    return Region(time.monotonic() + every, named["hx-get"], every, named.get("hx-ptag", ""))


if __name__ == "__main__":
    main()
