"""The view `job_executions`: the guide's SQL runs as it stands, over everything that has begun."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, models

from jobs.models import Execution, Job
from tests.factories import make_execution, make_job

LINES = Path(__file__).parents[1] / "compat/seed3"
NOW = datetime.now(UTC)
COLUMNS = {
    "id", "job_id", "started_at", "finished_at", "duration_seconds", "success", "message",
    "error_trace", "result_data", "created_at", "updated_at",
}  # fmt: skip


def statements() -> list[str]:
    """Return the statements of the guide; SQLite has no NOW() and no INTERVAL."""
    text = (LINES / "queries.sql").read_text()
    if connection.vendor == "sqlite":
        text = text.replace("NOW() - INTERVAL '24 hours'", "datetime('now', '-24 hours')")
        text = text.replace("NOW() - INTERVAL '7 days'", "datetime('now', '-7 days')")
    return [part.strip() for part in text.split(";") if part.strip()]


def asked(statement: str) -> list[dict[str, Any]]:
    """Return the rows of a statement by column."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def ended(job: Job, state: str, *, hours_ago: float, seconds: float = 15.234, **fields: Any) -> int:
    """Return an execution that ran and ended."""
    began = NOW - timedelta(hours=hours_ago)
    over = began + timedelta(seconds=seconds)
    row = make_execution(
        job, state=state, queued_at=began, started_at=began, finished_at=over, **fields
    )
    return row.pk


@pytest.fixture
def job(db: None) -> Job:
    """Return a job with one execution of each kind."""
    job = make_job(name="nightly")
    ended(job, "succeeded", hours_ago=1, result={"created": 150})
    ended(job, "failed", hours_ago=2, seconds=5, message="ValueError: boom", error="Traceback …")
    ended(job, "timed_out", hours_ago=30, seconds=60, message="Timed out after 60 s")
    ended(job, "cancelled", hours_ago=200, seconds=1)
    make_execution(job, state="running", started_at=NOW)
    make_execution(job, state="retrying", started_at=NOW, finished_at=NOW, message="first try")
    make_execution(job, state="skipped", finished_at=NOW, message="di-skip")
    make_execution(job, state="queued")
    return job


def test_s3_59_63_64_every_execution_that_began_or_ended_is_a_row(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(external_id="auto_create_daily_attendance")

    rows = {row["id"]: row for row in asked("SELECT * FROM job_executions ORDER BY id")}

    assert set(rows[min(rows)]) == COLUMNS
    assert len(rows) == Execution.objects.exclude(state="queued").count()
    assert {row["job_id"] for row in rows.values()} == {"auto_create_daily_attendance"}
    found = list(rows.values())
    assert [row["success"] for row in found] == [True, False, False, False, None, None, None]
    assert float(found[0]["duration_seconds"]) == pytest.approx(15.234, abs=0.0011)
    assert found[0]["message"] == "Job berhasil dijalankan"
    assert json.loads(found[0]["result_data"]) == {"created": 150}
    assert found[1]["error_trace"].startswith("Traceback")
    assert found[4]["finished_at"] is found[4]["duration_seconds"] is None
    assert found[5]["finished_at"] is None, "an execution that is tried again has not ended"
    assert found[0]["updated_at"] == found[0]["finished_at"]
    assert str(found[0]["updated_at"]) > str(found[0]["created_at"])


def test_s3_60_61_62_the_three_queries_of_the_guide_run(job: Job) -> None:
    recent, failed, figures = map(asked, statements())

    moments = [str(row["started_at"]) for row in recent]
    assert len(recent) == 7
    assert moments == sorted(moments, reverse=True)
    assert [row["message"] for row in failed] == ["ValueError: boom"]
    assert [(row["job_id"], row["total_runs"], row["successful_runs"]) for row in figures] == [
        ("nightly", 6, 1)
    ]
    assert float(figures[0]["avg_duration"]) == pytest.approx((15.234 + 5 + 60) / 3, abs=0.01)


@pytest.mark.django_db(transaction=True)
def test_a_table_that_the_view_shows_can_still_be_migrated() -> None:
    call_command("migrate", "jobs", "0007", verbosity=0)
    missing = "job_executions" not in _views()
    call_command("migrate", "jobs", verbosity=0)
    assert missing
    assert "job_executions" in _views()

    from jobs.models import views

    views._drop(app_config=Job._meta.app_config, using="default", plan=[object()])
    wider = models.CharField(max_length=600, blank=True)
    wider.set_attributes_from_name("message")
    wider.model = Execution
    before = Execution._meta.get_field("message")
    with connection.schema_editor() as editor:
        editor.alter_field(Execution, before, wider)
        editor.alter_field(Execution, wider, before)
    views._make(app_config=Job._meta.app_config, using="default", plan=[object()])

    assert asked("SELECT COUNT(*) AS number FROM job_executions") == [{"number": 0}]


def _views() -> list[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_list(cursor)
    return [table.name for table in found if table.type == "v"]
