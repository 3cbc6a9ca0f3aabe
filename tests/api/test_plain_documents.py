"""Lists and details are written straight from the rows: as the models would write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic_core import to_json

from jobs.api.documents import execution_document, job_document
from jobs.domain.permissions import SYSTEM, Role
from jobs.models import Attempt, Execution, Job
from jobs.queries.executions import get_execution
from jobs.queries.listing import present_job
from jobs.services import jobs
from jobs.services.definitions import parse_definition
from tests.api.callers import caller
from tests.factories import make_artifact, make_calendar, make_execution, make_worker

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_what_is_stored_is_written_as_its_model_would_be(
    django_assert_num_queries: Any,
) -> None:
    load, report, plain = _jobs()
    ran = [_ran(report), _tried_twice(plain), make_execution(load)]
    reader = caller(Role.ADMINISTRATOR)
    reader.get("/jobs?limit=1")  # notes that the token was used

    with django_assert_num_queries(7):  # token and roles; jobs and four kinds of their parts
        listed = reader.get("/jobs")
    with django_assert_num_queries(3):
        executions = reader.get("/executions")
    detail = reader.get(f"/jobs/{report.pk}")
    attempts = reader.get(f"/executions/{ran[1].pk}").json

    documents = [job_document(present_job(one.pk), actor=SYSTEM) for one in (load, report, plain)]
    assert listed.content == _page(documents)
    assert detail.content == to_json(documents[1])
    assert detail.headers["ETag"] == f'"{report.version}"'
    newest_first = [get_execution(one.pk) for one in reversed(ran)]
    assert executions.content == _page(
        [execution_document(one, actor=SYSTEM) for one in newest_first]
    )
    assert [one["worker"] for one in attempts["attempts"]] == ["w-1"]
    assert [one["name"] for one in attempts["artifacts"]] == ["a.csv", "b.csv"]
    assert attempts == {**attempts, **executions.json["items"][1]}


def _page(items: list[Any]) -> bytes:
    return to_json({"items": items, "next_cursor": None})


def _jobs() -> tuple[Job, Job, Job]:
    """Return one job with every kind of schedule, one with everything else, and one with nothing."""
    load = _job(
        name="load",
        schedules=[
            {
                "kind": "cron",
                "expression": "0 5 * * *",
                "timezone": "Asia/Jakarta",
                "starts_at": "2026-01-01T00:00:00+07:00",
                "ends_at": "2030-01-01T00:00:00.120Z",
            },
            {"kind": "interval", "seconds": 90, "anchor": "start", "jitter_seconds": 3},
            {"kind": "once", "at": "2030-05-05T05:05:05Z"},
        ],
        breaker={"threshold": 3, "window_seconds": 10},
    )
    report = _job(
        name="report",
        spec={"command": "echo é"},
        environment={"B": "2", "A": "é"},
        tags=["zeta", "alpha"],
        retry={"max_attempts": 2, "on_exit_codes": [3, 1]},
        breaker={"name": "shared", "threshold": 4},
        calendars=[make_calendar(name="two").name, make_calendar(name="one").name],
        depends_on=["load"],
        parameters=[
            {"name": "day", "type": "string", "default": "mon"},
            {"name": "password", "type": "string", "secret": True},
        ],
        requires=["gpu"],
        soft_timeout_seconds=5,
    )
    return load, report, _job(name="plain")


def _job(**fields: Any) -> Job:
    definition = {"type": "command", "spec": {"command": "date"}, **fields}
    return jobs.create(parse_definition(definition), actor=SYSTEM)


def _ran(job: Job) -> Execution:
    return make_execution(
        job,
        state="succeeded",
        worker=make_worker(),
        started_at=_NOON,
        finished_at=_NOON + timedelta(seconds=9, microseconds=5000),
        parameters={"day": "mon", "password": {"sealed": "x"}},
        upstream=[1],
        result={"ü": 1.0, "a": None},
        metrics={"rows": 2, "rate": 0.5},
        warnings={"lines": ["a"], "count": 1},
        log_truncated=True,
    )


def _tried_twice(job: Job) -> Execution:
    execution = make_execution(job, state="failed", attempt=2, finished_at=_NOON, exit_code=3)
    Attempt.objects.create(
        execution=execution, number=1, state="failed", finished_at=_NOON, worker_name="w-1"
    )
    make_artifact(execution, name="b.csv")
    make_artifact(execution, name="a.csv")
    return execution
