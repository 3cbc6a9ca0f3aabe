"""`jobctl ledger` and `jobctl explain`: the proof and the chain of decisions in a terminal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from jobs.domain.permissions import SYSTEM
from jobs.models import Execution
from jobs.services import jobs as job_services
from jobs.services.dispatch import dispatch_due
from tests.cli.conftest import Jobctl
from tests.factories import cron, make_job

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 10, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def lived() -> None:
    """Make a job that ran once and is paused since."""
    with time_machine.travel(START, tick=False) as clock:
        job = make_job(name="report", schedules=[cron("* * * * *")])
        clock.shift(timedelta(minutes=1))
        dispatch_due(datetime.now(UTC))
        Execution.objects.update(state="succeeded", started_at=START, finished_at=START)
        job_services.pause(job.pk, actor=SYSTEM, reason="lunch")


@time_machine.travel(START + timedelta(minutes=5), tick=False)
def test_the_proof_is_one_line_and_ends_well(jobctl: Jobctl) -> None:
    ended = jobctl("ledger", "report")

    assert ended.code == 0
    assert ended.lines == [
        "2026-03-01T10:00:30Z to 2026-03-01T10:05:30Z",
        "5 due, 1 dispatched, 4 skipped: paused, 0 unexplained",
        "balanced",
    ]


@time_machine.travel(START + timedelta(minutes=5), tick=False)
def test_a_ledger_that_does_not_balance_ends_with_1(jobctl: Jobctl) -> None:
    Execution.objects.all().delete()

    ended = jobctl("ledger", "report", "--from", "2026-03-01T10:00:00+00:00")

    assert ended.code == 1
    assert ended.lines[-2:] == ["NOT balanced", "  unexplained: 2026-03-01T10:01:00Z"]
    assert jobctl("ledger", "report", "--json").json["unexplained"] == 1


@time_machine.travel(START + timedelta(minutes=5), tick=False)
def test_a_minute_is_explained_step_by_step(jobctl: Jobctl) -> None:
    ended = jobctl("explain", "report", "2026-03-01T10:03:00+00:00")

    assert ended.lines[0].startswith("It did not run. The job was paused by system since")
    assert [line.split(":")[0].split() for line in ended.lines[1:]] == [
        ["ok", "Job"],
        ["--", "Definition"],
        ["ok", "Schedules"],
        ["no", "State"],
    ]


def test_what_is_no_moment_is_refused_in_words(jobctl: Jobctl) -> None:
    ended = jobctl("explain", "report", "soon")

    assert ended.code == 1
    assert "at:" in ended.err
