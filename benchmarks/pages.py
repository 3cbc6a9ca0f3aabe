"""What each page, live region and answer costs among a long history.

Run with ``python -m benchmarks.pages [--data DIR] [--requests 20] [--only TEXT] [--as WHO]``: in one
process, through Django's request handler; everything it makes to look at is taken back. CPU is that
of this process and, on PostgreSQL, of the server's process for this connection.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.history import arguments, history

SLOW_MS = 200
READERS = ("administrator", "tag", "few", "workspace")
_TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure every address and print those over the limit again."""
    parser = arguments()
    parser.add_argument("--requests", type=int, default=20, help="of each address, after one more")
    parser.add_argument("--only", default="", help="addresses that hold this text")
    parser.add_argument("--as", dest="reader", choices=READERS, default=READERS[0])
    parser.add_argument("--sql", action="store_true", help="print what each statement took")
    chosen = parser.parse_args()
    os.environ["LOG_LEVEL"] = "CRITICAL"  # each answer's status is printed
    os.environ["API_RATE"] = "0"  # what is measured is the answer, not its limit
    with history(chosen):
        _measure_all(chosen)


def _measure_all(chosen: argparse.Namespace) -> None:
    from tests.addresses import addresses
    from tests.doors import undone

    with undone():
        things = _things()
        caller = Caller(chosen.reader, things)
        asked = addresses(things)
        # As the supervisor does before it forks the web server: a full collection would go through
        # all that is loaded, here with the tests, and take as long as a page.
        gc.collect()
        gc.freeze()
        print("| statements | CPU ms p50 | p95 | wall ms p95 | status | address |")
        print("|---|---|---|---|---|---|")
        found = [
            _print(caller.measured(address, chosen.requests), sql=chosen.sql)
            for address in asked
            if chosen.only in address
        ]
    slow = [one for one in found if one.p95 > SLOW_MS]
    print(f"\n{len(found)} addresses, {len(slow)} over {SLOW_MS} ms: ")
    for one in sorted(slow, key=lambda one: -one.p95):
        print(f"{one.p95:7.0f} ms {one.statements:3d} statements {one.address}")


@dataclass(slots=True)
class Measured:
    """What one address costs."""

    address: str
    status: int
    statements: int
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    server: float = 0.0  # ms of CPU of the database server's process, each
    sql: list[tuple[float, str]] = field(default_factory=list)

    @property
    def p95(self) -> float:
        """Return the CPU that 19 of 20 requests stay below."""
        return _p95(self.cpu) + self.server


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[18] if len(values) > 1 else values[0]


def _print(one: Measured, *, sql: bool) -> Measured:
    mark = " **slow**" if one.p95 > SLOW_MS else ""
    middle = statistics.median(one.cpu) + one.server
    print(
        f"| {one.statements} | {middle:.0f} | {one.p95:.0f}{mark} | {_p95(one.wall):.0f} "
        f"| {one.status} | {one.address} |",
        flush=True,
    )
    for milliseconds, text in sorted(one.sql, reverse=True) if sql else ():
        print(f"    {milliseconds:8.1f} ms {text[:1500]}")
    return one


class Caller:
    """Somebody signed in, with a token for what programs ask."""

    def __init__(self, reader: str, things: dict[str, Any]) -> None:
        """Make the person."""
        from django.core.signals import request_finished, request_started
        from django.db import close_old_connections
        from django.test import RequestFactory

        from jobs.domain.permissions import SYSTEM, Role
        from jobs.services import access, tokens
        from scheduler_site.wsgi import application
        from tests.conftest import signed_in
        from tests.factories import make_user

        person = make_user("bench-reader", Role.ADMINISTRATOR if reader == READERS[0] else None)
        limits: dict[str, dict[str, Any]] = {
            "tag": {"tag": "demo"},
            "few": {"tag": "few"},
            "workspace": {"workspace": things["workspace"]},
        }
        if reader in limits:
            access.grant(person, Role.VIEWER, actor=SYSTEM, **limits[reader])
        # Django's test client would keep each response in a circle, with all that it refers to, and
        # the garbage collector's work would be measured with the pages.
        self.application: Any = application
        for signal in (request_started, request_finished):
            signal.disconnect(close_old_connections)  # all is done in one transaction
        self.requests = RequestFactory(HTTP_HOST="localhost")
        self.requests.cookies = signed_in(person).cookies
        self.token = tokens.create(person, "bench")[1]

    def measured(self, address: str, requests: int) -> Measured:
        """Ask once to warm up and count, then ``requests`` times."""
        from tests.doors import is_program

        headers = {}
        if is_program(address.lstrip("/")):
            headers["Authorization"] = f"Bearer {self.token}"
        elif address.startswith("/p/"):
            headers["HX-Request"] = "true"
        asked: list[tuple[float, str]] = []
        with noted(asked):
            status = self._ask(address, headers)
        one = Measured(address=address, status=status, statements=len(asked), sql=asked)
        before = _server_cpu()
        for _ in range(requests):
            began, cpu = time.perf_counter(), time.process_time()
            self._ask(address, headers)
            one.cpu.append((time.process_time() - cpu) * 1000)
            one.wall.append((time.perf_counter() - began) * 1000)
        one.server = (_server_cpu() - before) / requests * 1000
        return one

    def _ask(self, address: str, headers: dict[str, str]) -> int:
        environ = self.requests.get(address, headers=headers).environ
        response = self.application(environ, lambda *_: None)
        # What a stream costs before its first lines go out; the rest follows the reader's pace.
        next(iter(response), None)
        # Closed as a server does: left to the garbage collector, a cursor of PostgreSQL would be
        # closed within another statement of the same connection, and wait for it for ever.
        response.close()
        status: int = response.status_code
        return status


@contextmanager
def noted(asked: list[tuple[float, str]]) -> Iterator[None]:
    """Note every statement of the block and how many milliseconds it took."""
    from django.db import connection

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            asked.append(((time.perf_counter() - began) * 1000, f"{sql} {params}"))

    with connection.execute_wrapper(note):
        yield


def _server_cpu() -> float:
    """Return the seconds of CPU of the server's process; 0 where there is none on this host."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    parts = stat.read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / _TICK


def _things() -> dict[str, Any]:
    """Make one of everything beside the history, and choose a job and a run of the history."""
    from jobs.models import Execution, Job, JobTag, LogChunk, Workspace
    from tests.doors import _things as one_of_each

    things = one_of_each("bench")
    logged = LogChunk.objects.order_by("-execution_id").values_list("execution_id", flat=True)[0]
    execution = Execution.objects.get(pk=logged)
    past = Job.objects.filter(name__startswith="demo-", pk__endswith="00")
    room = Workspace.objects.get(name=things["name"])
    JobTag.objects.bulk_create(JobTag(job=job, tag="few") for job in past)
    past.update(workspace=room)
    return {
        **things,
        "workspace": room,
        "job_id": execution.job_id,
        "execution_id": execution.pk,
        "middle_id": execution.pk // 2,
        "due_at": f"{execution.due_at:%FT%TZ}",
    }


if __name__ == "__main__":
    main()
