"""Several dispatchers, hundreds of jobs due in the same second, one dispatcher killed over and over."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.databases import Database, moment, start, stop

ROOT = Path(__file__).resolve().parents[2]
EVERY = timedelta(seconds=2)


@pytest.mark.parametrize(
    ("jobs", "dispatchers", "kills"),
    [(300, 2, 2), pytest.param(1000, 3, 10, marks=pytest.mark.soak)],
)
def test_no_due_time_is_lost_or_doubled(
    database: Database, jobs: int, dispatchers: int, kills: int
) -> None:
    """S0-90, S4-111, S2-55, S3-66, S3-67: however many there are."""
    first = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    database.manage(
        "make_jobs", f"--count={jobs}", f"--every={EVERY.seconds}", "--command=true",
        f"--first={first.isoformat()}",
    )  # fmt: skip
    # Registering takes a while: what was due meanwhile was before the jobs existed.
    first = min(moment(row[0]) for row in database.rows("SELECT next_fire_at FROM jobs_job"))
    processes = [start(database, "dispatcher") for _ in range(dispatchers)]
    try:
        chance = random.Random(20261122)
        time.sleep(max(0.0, first.timestamp() - time.time() - 0.3))
        for _ in range(kills):
            time.sleep(chance.uniform(0.3, 1.2))
            victim = chance.randrange(len(processes))
            processes[victim].kill()
            processes[victim].wait()
            processes[victim] = start(database, "dispatcher")
        settled = datetime.now(UTC)
        database.wait_for(
            "SELECT count(*) FROM jobs_job WHERE decided_until >= %s", [settled], jobs, seconds=90
        )
    finally:
        stop(processes)

    verdicts = database.verdicts()
    assert len(verdicts) == jobs
    for decided_until, covered in verdicts.values():
        expected = (decided_until - first) // EVERY + 1
        assert len(covered) == len(set(covered))
        assert sorted(covered) == [first + n * EVERY for n in range(expected)]
