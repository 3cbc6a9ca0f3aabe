"""Jobs as lists show them read as the ORM's own objects do."""

from __future__ import annotations

import pytest

from jobs.domain.permissions import SYSTEM
from jobs.models import Job
from jobs.queries.in_use import queues_in_use, tags_in_use
from jobs.queries.listed import JOB, listed_jobs
from jobs.services import jobs as job_services
from jobs.services import workspaces
from tests.factories import cron, every, make_job

pytestmark = pytest.mark.django_db


def test_a_listed_job_is_the_stored_one() -> None:
    room = workspaces.create(workspaces.parse_workspace({"name": "room"}), actor=SYSTEM)
    first = make_job(
        name="first",
        workspace=room.name,
        tags=["b", "a"],
        schedules=[every(60), cron("0 3 * * *", "Asia/Jakarta")],
        parameters=[{"name": "day", "type": "string"}],
    )
    last = make_job(name="last", workspace=room.name, depends_on=[{"job": "first", "on": "done"}])
    alone = make_job(name="alone")
    stored = {job.pk: job for job in Job.objects.all()}

    found = listed_jobs([last.pk, alone.pk, first.pk])

    assert [job.pk for job in found] == [last.pk, alone.pk, first.pk]
    for job in found:
        same = stored[job.pk]
        assert {name: getattr(job, name) for name in JOB} == {
            name: getattr(same, name) for name in JOB
        }
        assert job.workspace == same.workspace
        assert job.tags == same.tags
        rows = [(row.kind, row.expression, row.seconds, row.at) for row in job.schedules.all()]
        assert rows == [
            (row.kind, row.expression, row.seconds, row.at) for row in same.schedules.all()
        ]
    waits = found[0].dependencies.all()
    assert [(row.upstream.name, row.outcome, row.job) for row in waits] == [("first", "done", last)]
    assert found[0].workspace is not None
    assert found[0].workspace.name == "room"


def test_tags_are_those_of_present_jobs_each_once() -> None:
    make_job(tags=["b", "a"])
    make_job(tags=["b"])
    gone = make_job(tags=["a", "gone", "z"])
    assert tags_in_use() == ["a", "b", "gone", "z"]

    job_services.delete(gone.pk, actor=SYSTEM)

    assert tags_in_use() == ["a", "b"]


def test_queues_are_those_of_present_jobs_each_once() -> None:
    make_job(queue="reports")
    make_job(queue="default")
    make_job(queue="reports")
    gone = make_job(queue="zeta")
    assert queues_in_use() == ["default", "reports", "zeta"]

    job_services.delete(gone.pk, actor=SYSTEM)

    assert queues_in_use() == ["default", "reports"]
    assert queues_in_use(most=1) == ["default"]
