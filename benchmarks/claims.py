"""What a limit costs a claim: a plain queue against limited ones, in one run.

Run with ``python -m benchmarks.claims``; ``DATABASE_URL`` chooses the server. It makes a database of
its own beside it and removes it. Rounds are interleaved, figures are medians of CPU time, PostgreSQL's
own process included where it is on this host: other load does not move them much.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 3
CLAIMS = 60  # of each round and way
AT_ONCE = 4
QUEUES = ("plain", "limited", "rated")  # no limit, one of runs at a time, one of starts a minute


def main() -> None:
    """Measure the queues and print claims a CPU second, and what a limit makes of a plain one."""
    with tempfile.TemporaryDirectory(prefix="jobdeck-bench-") as folder:
        os.environ["JOBDECK_DATA"] = folder
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
        import django

        django.setup()
        in_own_database(_measure)


def in_own_database(measure: Callable[[], None]) -> None:
    """Measure in an empty database beside the one that is set up, and remove it."""
    from django.db import connection

    if connection.vendor == "postgresql":
        connection.settings_dict["TEST"]["NAME"] = f"jobdeck_bench_{os.getpid()}"
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        measure()
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


def _measure() -> None:
    from django.db import connection

    from jobs.domain.permissions import SYSTEM
    from jobs.queries.supply import supply
    from jobs.services import claims, queues
    from jobs.services.writing import write_transaction
    from tests.factories import make_job, make_worker

    job, worker = make_job(), make_worker()
    queues.update("limited", {"limit": queues.MOST}, actor=SYSTEM)
    queues.update("rated", {"starts_per_minute": queues.MOST_STARTS}, actor=SYSTEM)

    def claim(queue: str) -> None:
        claims.claim(worker_id=worker.pk, queues=[queue], free=AT_ONCE)

    def take_next(queue: str) -> None:
        with write_transaction():
            claims.take_next(worker_id=worker.pk, queues=[queue], pid=1)

    ways: dict[str, Callable[[str], object]] = {
        f"claim of {AT_ONCE}": claim,
        "take the next": take_next,
        "look for supply": lambda queue: supply(worker.pk, [queue]),
    }
    seconds: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            for queue in QUEUES:
                _fill(job.pk, queue)
                seconds.setdefault((name, queue), []).append(_cost(way, queue))
    print(f"{connection.vendor}, calls a CPU second")
    for name in ways:
        medians = {queue: statistics.median(seconds[name, queue]) for queue in QUEUES}
        shown = "   ".join(f"{queue} {1 / cost:7.0f}" for queue, cost in medians.items())
        ratios = " ".join(f"{medians[queue] / medians['plain']:.2f}" for queue in QUEUES[1:])
        print(f"{name:16} {shown}   ratios {ratios}")


def _fill(job_id: int, queue: str) -> None:
    """Let enough wait in one queue, and nothing else."""
    from django.utils import timezone

    from jobs.models import Execution, QueueStart

    Execution.objects.all().delete()
    QueueStart.objects.all().delete()
    now = timezone.now()
    Execution.objects.bulk_create(
        Execution(
            job_id=job_id,
            version=1,
            due_at=now,
            queued_at=now,
            trigger="manual",
            queue=queue,
            priority=number % 3,
        )
        for number in range(CLAIMS * AT_ONCE)
    )


def _cost(way: Callable[[str], object], queue: str) -> float:
    """Return the CPU seconds of one call."""
    before = _cpu_seconds()
    for _ in range(CLAIMS):
        way(queue)
    return (_cpu_seconds() - before) / CLAIMS


def _cpu_seconds() -> float:
    """Return what this process and its PostgreSQL process on the same host have used."""
    from django.db import connection

    seconds = time.process_time()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            path = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")
        if path.exists():
            seconds += int(path.read_text().split()[0]) / 1e9
    return seconds


if __name__ == "__main__":
    main()
