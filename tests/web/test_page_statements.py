"""Every page and live region asks the database as often for thirty jobs as for three."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from jobs.domain.states import OmissionReason
from jobs.management.history import History
from jobs.models import Execution, Job, JobTag, Omission
from tests.addresses import plain
from tests.doors import _things, is_program, read

FEW = 3  # of the history's jobs; later ten times as many
RUNS = 5  # of each
MOST = 60  # statements that any page may cost


@pytest.mark.parametrize("each", [6, pytest.param(1, marks=pytest.mark.long)])
def test_statements_do_not_grow_with_what_there_is(each: int, admin_client: Client) -> None:
    """In the shortest run of each sixth page."""
    things = {**_things("first"), **_history("demo", FEW)}
    asked = [one for one in plain(things) if not is_program(one.lstrip("/"))][::each]
    _statements(admin_client, asked[0])  # what a process asks once
    before = {address: _statements(admin_client, address) for address in asked}
    for number in range(9):
        _things(f"more_{number}")
    _history("many", 9 * FEW)

    after = {address: _statements(admin_client, address) for address in asked}

    assert len(asked) > 120 / each
    assert max(before.values()) < MOST, before
    # Nine times as many things more: one question for each would be nine more, not one or two
    # about what only now is there.
    more = {one: (before[one], after[one]) for one in asked if after[one] > before[one] + 2}
    assert more == {}


def _history(prefix: str, jobs: int) -> dict[str, Any]:
    """Make jobs with a past; return what addresses name of it."""
    past = History(jobs=jobs, executions=jobs * RUNS, every=timedelta(minutes=5), prefix=prefix)
    for _ in past.run():
        pass
    execution = Execution.objects.select_related("job").order_by("-pk")[0]
    JobTag.objects.create(job=execution.job, tag="few")
    missed = execution.due_at - timedelta(seconds=1)
    window = {"first_due_at": missed, "last_due_at": missed, "decided_at": execution.due_at}
    Omission.objects.bulk_create(
        Omission(job=job, reason=OmissionReason.MISFIRE.value, count=1, **window)
        for job in Job.objects.filter(name__startswith=f"{prefix}-")
    )
    return {
        "job_id": execution.job_id,
        "execution_id": execution.pk,
        "middle_id": execution.pk,
        "due_at": f"{execution.due_at:%FT%TZ}",
    }


def _statements(client: Client, address: str) -> int:
    headers = {"HX-Request": "true"} if address.startswith("/p/") else {}
    with CaptureQueriesContext(connection) as asked:
        response = client.get(address, headers=headers)
        read(response)  # type: ignore[arg-type]  # the test client adds attributes
    assert response.status_code in {200, 303, 404}, (address, response.status_code)
    return len(asked)
