"""Freezes race with two dispatchers: what was frozen before it is due makes no execution."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.e2e.databases import ROOT, Database, each_database, moment
from tests.e2e.test_pause_races import check_that_each_due_time_has_one_verdict

JOBS = 40


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Return an empty database of the product, on each engine."""
    with each_database(request.param, tmp_path) as made:
        made.manage("migrate", "-v0")
        yield made


@contextlib.contextmanager
def dispatchers(database: Database) -> Iterator[None]:
    """Run two dispatchers."""
    arguments = [sys.executable, str(ROOT / "manage.py"), "dispatcher", "--skip-checks"]
    with (database.directory / "product.log").open("ab") as log:
        processes = [
            subprocess.Popen(arguments, env=database.environment, stdout=log, stderr=log)
            for _ in range(2)
        ]
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
        for process in processes:
            process.wait(30)


@pytest.mark.xdist_group("engine")
def test_what_is_frozen_before_it_is_due_makes_no_execution(database: Database) -> None:
    with dispatchers(database):
        racer = subprocess.run(
            [sys.executable, "-m", "tests.e2e.freezer", "20261122", "200", str(JOBS)],
            cwd=ROOT,
            env=database.environment,
            stdout=subprocess.PIPE,
            check=True,
            timeout=120,
        )
        settled = datetime.now(UTC)
        database.wait_for(
            "SELECT count(*) FROM jobs_job WHERE decided_until >= %s", [settled], JOBS, seconds=30
        )

    raced = json.loads(racer.stdout)
    assert len(raced) == 200
    assert database.rows("SELECT count(*) FROM jobs_omission WHERE reason = 'frozen'")[0][0] > 100
    check_that_nothing_was_queued(database, raced)
    check_that_each_due_time_has_one_verdict(database)


def check_that_nothing_was_queued(
    database: Database, raced: list[tuple[str, float, float, float]]
) -> None:
    """No execution of a frozen job was made after the commit for a due time that the freeze holds."""
    tagged = {row[0] for row in database.rows("SELECT job_id FROM jobs_jobtag WHERE tag = 'cold'")}
    assert len(tagged) == JOBS // 2
    rows = [
        (number, job in tagged, moment(due).timestamp(), moment(queued).timestamp())
        for number, job, due, queued in database.rows(
            "SELECT id, job_id, due_at, queued_at FROM jobs_execution"
        )
    ]
    assert len(rows) > JOBS
    for scope, start, committed, end in raced:
        for number, cold, due, queued in rows:
            if scope == "everything" or cold:
                assert not (start <= due < end and queued > committed), number
                assert not committed < due < end, number
