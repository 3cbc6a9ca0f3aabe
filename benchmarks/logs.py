"""What reading a long log costs: its page, one more block, a search, in milliseconds of CPU.

Run with ``python -m benchmarks.logs``; ``DATABASE_URL`` chooses the server. It makes a database of its
own beside it and removes it. Each figure is the median of some requests in this process, without the
web server around them, after one that warms up.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable

LINES = 100_000
ROUNDS = 9


def main() -> None:
    """Measure every request and print it."""
    with tempfile.TemporaryDirectory(prefix="jobdeck-bench-") as folder:
        os.environ["JOBDECK_DATA"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
        import django

        django.setup()
        from benchmarks.claims import in_own_database

        in_own_database(_measure)


def _measure() -> None:
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.test.utils import setup_test_environment

    from jobs.domain.permissions import Role
    from tests.factories import make_user

    setup_test_environment()
    client = Client()
    client.force_login(
        make_user("reader", Role.VIEWER), backend=settings.AUTHENTICATION_BACKENDS[-1]
    )
    page, size = _printed()

    def get(address: str) -> Callable[[], None]:
        def request() -> None:
            answer = client.get(address)
            assert answer.status_code == (302 if "go=" in address else 200), (address, answer)
            b"".join(answer) if answer.streaming else answer.content

        return request

    middle = LINES // 2
    requests = {
        "page, the end": page,
        "page, a line in the middle": f"{page}?line={middle}",
        "page with a search of rare words": f"{page}?q=needle",
        "page with a search of what every line holds": f"{page}?q=line",
        "next match, at the far end": f"{page}?q=needle&go=next",
        "previous match, at the far end": f"{page}?q=haystack&go=previous",
        "block, load earlier": f"/p{page}log/earlier/?until={middle}",
        "block, the tail": f"/p{page}log/?from={size - 20_000}",
        "the raw log": f"{page}log.txt",
    }
    print(f"{connection.vendor}, {LINES:,} lines, {size / 1e6:.1f} MB, milliseconds of CPU")
    for name, address in requests.items():
        print(f"{name:45} {_cost(get(address)) * 1000:7.1f}")


def _printed() -> tuple[str, int]:
    """Print a log as runs do; return its page's address and its size in bytes."""
    from django.urls import reverse
    from django.utils import timezone

    from jobs.domain.states import Stream
    from jobs.executors.base import Chunk
    from jobs.services import logs
    from tests.factories import make_execution, make_job

    execution = make_execution(make_job(), state="succeeded", started_at=timezone.now())
    place = None
    for first in range(1, LINES + 1, 500):
        chunks = [
            Chunk(Stream.STDERR if number % 50 == 0 else Stream.STDOUT, _line(number))
            for number in range(first, first + 500)
        ]
        place = logs.write(execution.pk, 1, chunks, at=place)
    return reverse("execution", args=[execution.pk]), place.offset if place else 0


def _line(number: int) -> bytes:
    """Return a line as programs print them, one in ten with colours."""
    words = {2: "haystack ", LINES - 2: "needle "}.get(number, "")
    level = "\x1b[32mINFO\x1b[0m" if number % 10 == 0 else "INFO"
    return (
        f"2026-03-29 01:30:00,123 {level} line {number}: {words}moved 17 rows of orders\n".encode()
    )


def _cost(request: Callable[[], None]) -> float:
    """Return the CPU seconds of one request."""
    request()
    seconds = []
    for _ in range(ROUNDS):
        before = time.process_time()
        request()
        seconds.append(time.process_time() - before)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
