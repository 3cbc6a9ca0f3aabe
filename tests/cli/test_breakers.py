"""`jobctl breaker`."""

from __future__ import annotations

import pytest

from jobs.models import Breaker
from tests.cli.conftest import Jobctl
from tests.factories import make_breaker, make_job

pytestmark = pytest.mark.django_db


def test_list_trip_and_close(jobctl: Jobctl) -> None:
    make_breaker("paris")
    job = make_job(breaker={"threshold": 3})

    tripped = jobctl("breaker", "trip", "Paris", "--reason", "moved")
    listed = jobctl("breaker", "list")
    opened = jobctl("breaker", "list", "--state", "open")
    closed = jobctl("breaker", "close", "paris")

    assert tripped.out.startswith("Circuit breaker paris is open until ")
    assert [line.split()[1:3] for line in listed.lines[1:]] == [
        ["open", "paris"],
        ["closed", job.name],
    ]
    assert listed.lines[1].endswith("moved")
    assert len(opened.lines) == 2
    assert closed.out == "Circuit breaker paris is closed\n"


def test_a_jobs_own_goes_by_the_jobs_name_or_by_number(jobctl: Jobctl) -> None:
    job = make_job(breaker={})
    number = Breaker.objects.get().pk

    assert jobctl("breaker", "trip", job.name).code == 0
    assert jobctl("breaker", "close", str(number)).code == 0
    assert "'moon' not found" in jobctl("breaker", "trip", "moon").err


def test_run_past_an_open_breaker_has_to_be_forced(jobctl: Jobctl) -> None:
    job = make_job(breaker={})
    jobctl("breaker", "trip", job.name)

    refused = jobctl("run", job.name, "--no-wait")
    forced = jobctl("run", job.name, "--no-wait", "--force")

    assert "Circuit breaker is OPEN until" in refused.err
    assert (refused.code, forced.code) == (1, 0)


def test_nothing_to_list(jobctl: Jobctl) -> None:
    assert jobctl("breaker", "list").out == "No circuit breaker\n"
