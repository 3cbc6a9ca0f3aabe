"""Add the view `job_executions`: executions in the words of the scheduled-jobs guide's SQL.

A row appears when an execution begins, or when it ends without having begun. `jobs.models.views`
drops the view before other migrations and makes it anew after them.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

VIEW = "job_executions"
_DURATION = {
    "sqlite": "ROUND((julianday(e.finished_at) - julianday(e.started_at)) * 86400.0, 3)",
    "postgresql": "ROUND(EXTRACT(EPOCH FROM (e.finished_at - e.started_at))::numeric, 3)",
}
_ENDED = "('succeeded', 'failed', 'timed_out', 'lost', 'cancelled', 'skipped')"


def statement(vendor: str) -> str:
    """Return the statement that makes the view."""
    return f"""
CREATE VIEW {VIEW} AS
SELECT
  e.id AS id,
  COALESCE(NULLIF(j.external_id, ''), j.name) AS job_id,
  COALESCE(e.started_at, e.finished_at) AS started_at,
  CASE WHEN e.state IN {_ENDED} THEN e.finished_at END AS finished_at,
  CASE WHEN e.state IN {_ENDED} THEN {_DURATION[vendor]} END AS duration_seconds,
  CASE
    WHEN e.state = 'succeeded' THEN TRUE
    WHEN e.state IN ('failed', 'timed_out', 'lost', 'cancelled') THEN FALSE
  END AS success,
  CASE
    WHEN e.message <> '' THEN e.message
    WHEN e.state = 'succeeded' THEN 'Job berhasil dijalankan'
    WHEN e.state = 'skipped' THEN 'Eksekusi job di-skip'
    WHEN e.state IN {_ENDED} THEN 'Job gagal dijalankan'
  END AS message,
  NULLIF(e.error, '') AS error_trace,
  e.result AS result_data,
  e.queued_at AS created_at,
  COALESCE(e.finished_at, e.started_at, e.queued_at) AS updated_at
FROM jobs_execution e
JOIN jobs_job j ON j.id = e.job_id
WHERE e.started_at IS NOT NULL OR e.finished_at IS NOT NULL
"""  # noqa: S608 - constants of this file only


def make(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(statement(schema_editor.connection.vendor))


def drop(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    schema_editor.execute(f"DROP VIEW IF EXISTS {VIEW}")


class Migration(migrations.Migration):
    dependencies = [("jobs", "0007_workspaces_and_access")]

    operations = [migrations.RunPython(make, drop)]
