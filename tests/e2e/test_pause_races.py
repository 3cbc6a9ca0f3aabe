"""Pauses and edits race with two dispatchers and a cluster: the pause wins, always."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.e2e.databases import ROOT, WHERE_IT_IS_HARDER, Database, moment, running

JOBS = 20
PEOPLE = 2


@pytest.mark.parametrize("database", WHERE_IT_IS_HARDER, indirect=True)
@pytest.mark.parametrize("pauses", [20, pytest.param(1000, marks=pytest.mark.soak)])
def test_what_is_paused_before_it_is_due_does_not_start(database: Database, pauses: int) -> None:
    database.manage(
        "make_jobs", f"--count={JOBS}", "--every=1", "--command=true",
        f"--first={(datetime.now(UTC) + timedelta(seconds=1)).isoformat()}",
    )  # fmt: skip
    jobs = [row[0] for row in database.rows("SELECT id FROM jobs_job ORDER BY id")]
    with running(database, "dispatcher", "dispatcher", "cluster"):
        database.wait_for(
            "SELECT count(*) > 0 FROM jobs_execution WHERE state = 'succeeded'",
            [],
            True,
            seconds=30,
        )
        seen = people_race(database, jobs, pauses)

    assert len(seen["pauses"]) == pauses
    assert seen["left"] == []
    check_that_nothing_started(database, seen["pauses"])
    check_that_each_due_time_has_one_verdict(database)
    check_versions(database, edits=pauses // 10)


def people_race(database: Database, jobs: list[int], pauses: int) -> dict[str, list[Any]]:
    """Let some people race, each with jobs of their own; return what they saw."""
    share = len(jobs) // PEOPLE
    racers = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.e2e.racer",
                str(number),
                str(pauses // PEOPLE),
                *map(str, jobs[number * share : (number + 1) * share]),
            ],
            cwd=ROOT,
            env=database.environment,
            stdout=subprocess.PIPE,
        )
        for number in range(PEOPLE)
    ]
    seen: dict[str, list[Any]] = {"pauses": [], "left": []}
    for racer in racers:
        printed, _ = racer.communicate(timeout=240)
        assert racer.returncode == 0
        for name, found in json.loads(printed).items():
            seen[name] += found
    return seen


def check_that_nothing_started(database: Database, pauses: list[list[float]]) -> None:
    """No execution was due, or started, while its job was paused."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    query = "SELECT job_id, id, due_at, started_at FROM jobs_execution"
    for job, *row in database.rows(query):
        found.setdefault(job, []).append(tuple(row))
    for job, paused, resumed in pauses:
        for number, due, started in found[int(job)]:
            assert not paused < moment(due).timestamp() < resumed, number
            assert started is None or not paused < moment(started).timestamp() < resumed, number


def check_that_each_due_time_has_one_verdict(database: Database) -> None:
    """Executions and omissions cover the grid, each due time once."""
    # The grid may begin before the jobs do: making them takes its time on a busy machine.
    query = "SELECT j.id, s.anchor_at, j.created_at FROM jobs_schedule s JOIN jobs_job j ON j.id = s.job_id"
    starts = {job: max(moment(anchor), moment(made)) for job, anchor, made in database.rows(query)}
    for job, (decided_until, covered) in database.verdicts().items():
        first = min(covered)
        assert first <= starts[job] + timedelta(seconds=2)
        expected = (decided_until - first) // timedelta(seconds=1) + 1
        assert sorted(covered) == [first + n * timedelta(seconds=1) for n in range(expected)]


def check_versions(database: Database, *, edits: int) -> None:
    """Each execution has the version that held at its due time."""
    versions: dict[int, list[datetime]] = {}
    query = "SELECT job_id, created_at FROM jobs_jobversion ORDER BY job_id, version"
    for job, saved in database.rows(query):
        versions.setdefault(job, []).append(moment(saved))
    assert sum(map(len, versions.values())) > JOBS + edits
    query = "SELECT job_id, version, due_at FROM jobs_execution"
    for job, version, due in database.rows(query):
        edges = [*versions[job], datetime.max.replace(tzinfo=UTC)]
        begun, ended = list(pairwise(edges))[version - 1]
        assert begun < moment(due) <= ended
