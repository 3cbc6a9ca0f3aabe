"""Three dispatchers feed ten backfills at once, one dispatcher killed over and over."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.databases import Database, each_database

ROOT = Path(__file__).resolve().parents[2]
JOBS, DUE = 10, 60
KILLS = 5
MAKE = f"""
from jobs.domain.permissions import SYSTEM
from jobs.services import backfills, jobs
from jobs.services.backfill_requests import parse_request
from jobs.services.definitions import parse_definition
for number in range({JOBS}):
    job = jobs.create(parse_definition({{
        "name": f"back-{{number}}", "type": "command", "spec": {{"command": "true"}},
        "overlap": "allow", "max_parallel": {DUE},
        "schedules": [{{"kind": "cron", "expression": "* * * * *", "timezone": "UTC"}}],
    }}), actor=SYSTEM, paused=True)
    backfills.create(job.pk, parse_request({{
        "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:{DUE - 1}:00Z",
        "pace_seconds": 0.02, "max_parallel": {DUE},
    }}), actor=SYSTEM)
"""
LEFT = "SELECT count(*) FROM jobs_backfillitem WHERE execution_id IS NOT NULL"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Return an empty database of the product, on each engine."""
    with each_database(request.param, tmp_path) as made:
        made.manage("migrate", "-v0")
        yield made


def start_dispatcher(database: Database) -> subprocess.Popen[bytes]:
    """Run one dispatcher as its own process."""
    with (database.directory / "dispatcher.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "dispatcher", "--skip-checks"],
            env=database.environment,
            stdout=log,
            stderr=log,
        )


@pytest.mark.xdist_group("engine")
def test_no_due_time_of_a_backfill_is_lost_or_doubled(database: Database) -> None:
    database.manage("shell", "-c", MAKE)
    processes = [start_dispatcher(database) for _ in range(3)]
    try:
        chance = random.Random(20261122)
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.3, 1.0))
            victim = chance.randrange(len(processes))
            processes[victim].kill()
            processes[victim].wait()
            processes[victim] = start_dispatcher(database)
        database.wait_for(LEFT, [], JOBS * DUE, seconds=60)
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            process.wait(20)

    made = database.rows(
        "SELECT job_id, count(*), count(DISTINCT due_at) FROM jobs_execution "
        "WHERE trigger = 'backfill' GROUP BY job_id"
    )
    assert [(total, instants) for _, total, instants in made] == [(DUE, DUE)] * JOBS
    wrong = database.rows(
        "SELECT count(*) FROM jobs_backfillitem i JOIN jobs_execution e ON e.id = i.execution_id "
        "WHERE e.due_at <> i.due_at"
    )
    assert wrong[0][0] == 0
    counted = database.rows("SELECT DISTINCT execution_count FROM jobs_job")
    assert [row[0] for row in counted] == [DUE]
