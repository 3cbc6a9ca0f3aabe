"""What a list of 50 jobs costs the API: 8 clients at once, each with one connection, p50 and p95.

Run with ``python -m benchmarks.api [--data DIR] [--jobs 10000] [--executions 1000000]
[--requests 100]``: makes a history of that size in a private data directory, or takes the one that is
named, and starts the web server alone beside it.
"""

from __future__ import annotations

import http.client
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from benchmarks.history import arguments, history
from benchmarks.product import ROOT, START_SECONDS, STOP_SECONDS, wait_until

CLIENTS = 8
PAGE = 50
PATHS = (f"/api/v1/jobs?limit={PAGE}", f"/api/v1/executions?limit={PAGE}")


def main() -> None:
    """Measure each list and print it."""
    parser = arguments()
    parser.add_argument("--requests", type=int, default=100, help="of each client")
    chosen = parser.parse_args()
    os.environ["API_RATE"] = "1000000"  # what is measured is the list, not its limit
    with history(chosen), _reader() as token, _web():
        print(f"load of the machine: {os.getloadavg()[0]:.1f}", flush=True)
        for path in PATHS:
            _print(path, _measured(path, token, chosen.requests))


@contextmanager
def _reader() -> Iterator[str]:
    """Make somebody who may read everything, and yield the token; both are gone after the block."""
    from jobs.domain.permissions import Role
    from jobs.services import tokens
    from tests.factories import make_user

    person = make_user(f"bench-{os.getpid()}", Role.VIEWER)
    try:
        yield tokens.create(person, "bench")[1]
    finally:
        person.delete()


@contextmanager
def _web() -> Iterator[None]:
    """Run the web server alone: no job starts beside the requests."""
    command = [sys.executable, str(ROOT / "manage.py"), "serve", "--web"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_until(_answers, START_SECONDS, "the web server")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)


def _answers() -> bool:
    try:
        return _get(_connection(), "/healthz", "") < 500
    except OSError:
        return False


def _connection() -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=60)


def _get(connection: http.client.HTTPConnection, path: str, token: str) -> int:
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _measured(path: str, token: str, requests: int) -> list[float]:
    """Return the seconds of every request of all clients, after one of each that warms up."""

    def client(_: int) -> list[float]:
        connection = _connection()
        found = []
        for _ in range(requests + 1):
            began = time.perf_counter()
            status = _get(connection, path, token)
            found.append(time.perf_counter() - began)
            if status != 200:
                raise RuntimeError(f"{path} was answered {status}.")
        return found[1:]

    with ThreadPoolExecutor(CLIENTS) as clients:
        return [one for found in clients.map(client, range(CLIENTS)) for one in found]


def _print(path: str, seconds: list[float]) -> None:
    cuts = statistics.quantiles(seconds, n=20)
    print(
        f"{path}: {len(seconds)} requests of {CLIENTS} clients, "
        f"p50 {statistics.median(seconds) * 1000:.0f} ms, p95 {cuts[18] * 1000:.0f} ms",
        flush=True,
    )


if __name__ == "__main__":
    main()
