"""An upgrade writes no large table anew, whatever the database is."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

LARGE = ("jobs_execution", "jobs_logchunk", "jobs_omission")


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_no_migration_writes_a_large_table_anew() -> None:
    loader = MigrationLoader(None)
    names = sorted(name for app, name in loader.disk_migrations if app == "jobs")
    written = StringIO()

    for name in names[1:]:
        call_command("sqlmigrate", "jobs", name, stdout=written, skip_checks=True)

    text = written.getvalue()
    assert "ADD COLUMN" in text
    assert [table for table in LARGE if f'"new__{table}"' in text] == []
