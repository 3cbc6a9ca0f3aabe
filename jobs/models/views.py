"""Views of the database, which get out of the way of migrations.

SQLite changes a table by making it anew, and refuses that for a table that a view names; PostgreSQL
refuses to change the type of a column that one shows.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.signals import post_migrate, pre_migrate

# The migration that says what the view shows. One that changes it takes its place here.
JOB_EXECUTIONS = "0008_job_executions_view"


def connect() -> None:
    """Drop the views before migrations, and make them after."""
    pre_migrate.connect(_drop, dispatch_uid="jobs.views.drop")
    post_migrate.connect(_make, dispatch_uid="jobs.views.make")


def _drop(*, app_config: Any, using: str, plan: Any = None, **_: Any) -> None:
    """Drop the view where anything is going to be migrated."""
    if app_config.name == "jobs" and plan:
        _run(using, f"DROP VIEW IF EXISTS {_definition().VIEW}")


def _make(*, app_config: Any, using: str, plan: Any = None, **_: Any) -> None:
    """Make the view anew where its migration has been applied, and not been taken back."""
    if app_config.name != "jobs" or not plan:
        return
    applied = MigrationRecorder(connections[using]).applied_migrations()
    if ("jobs", JOB_EXECUTIONS) in applied:
        definition = _definition()
        _run(using, f"DROP VIEW IF EXISTS {definition.VIEW}")
        _run(using, definition.statement(connections[using].vendor))


def _definition() -> Any:
    return import_module(f"jobs.migrations.{JOB_EXECUTIONS}")


def _run(using: str, statement: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute(statement)
