"""Dispatchers feed five backfills at once, one dispatcher killed over and over."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.e2e.databases import WHERE_IT_IS_HARDER, Database, start, stop

ROOT = Path(__file__).resolve().parents[2]
JOBS, DUE = 5, 30
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


@pytest.mark.parametrize("database", WHERE_IT_IS_HARDER, indirect=True)
@pytest.mark.parametrize(
    ("dispatchers", "kills"), [(2, 2), pytest.param(3, 8, marks=pytest.mark.soak)]
)
def test_no_due_time_of_a_backfill_is_lost_or_doubled(
    database: Database, dispatchers: int, kills: int
) -> None:
    database.manage("shell", "-c", MAKE)
    processes = [start(database, "dispatcher") for _ in range(dispatchers)]
    try:
        chance = random.Random(20261122)
        for _ in range(kills):
            time.sleep(chance.uniform(0.3, 1.0))
            victim = chance.randrange(len(processes))
            processes[victim].kill()
            processes[victim].wait()
            processes[victim] = start(database, "dispatcher")
        database.wait_for(LEFT, [], JOBS * DUE, seconds=60)
    finally:
        stop(processes)

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
