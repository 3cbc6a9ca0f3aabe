"""Freezes race with two dispatchers: what was frozen before it is due makes no execution."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from tests.e2e.databases import ROOT, WHERE_IT_IS_HARDER, Database, moment, running
from tests.e2e.test_pause_races import check_that_each_due_time_has_one_verdict

JOBS = 40


@pytest.mark.parametrize("database", WHERE_IT_IS_HARDER, indirect=True)
@pytest.mark.parametrize("freezes", [24, pytest.param(200, marks=pytest.mark.soak)])
def test_what_is_frozen_before_it_is_due_makes_no_execution(
    database: Database, freezes: int
) -> None:
    with running(database, "dispatcher", "dispatcher"):
        racer = subprocess.run(
            [sys.executable, "-m", "tests.e2e.freezer", "20261122", str(freezes), str(JOBS)],
            cwd=ROOT,
            env=database.environment,
            stdout=subprocess.PIPE,
            check=True,
            timeout=120,
        )
        settled = datetime.now(UTC)
        database.wait_for(
            "SELECT count(*) FROM jobs_job WHERE decided_until >= %s", [settled], JOBS, seconds=90
        )

    raced = json.loads(racer.stdout)
    assert len(raced) == freezes
    assert (
        database.rows("SELECT count(*) FROM jobs_omission WHERE reason = 'frozen'")[0][0]
        > freezes // 2
    )
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
