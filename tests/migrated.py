"""One SQLite file with empty tables for the whole run, made by whoever needs it first.

Migrating takes longer than a hundred tests. Each worker, and each product that a test starts, gets
a copy.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db.backends.signals import connection_created
from django.db.backends.sqlite3.base import DatabaseWrapper

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

ROOT = Path(__file__).resolve().parents[1]
# Names the run's directory to its workers.
VARIABLE = "JOBDECK_TESTS_SHARED"
# The tests' own database and transport are not the product's.
NOT_INHERITED = ("JOBDECK_", "PYTEST_", "DATABASE_URL", "BROKER_URL")


def inherited() -> dict[str, str]:
    """Return what the product may know of the tests' environment."""
    return {k: v for k, v in os.environ.items() if not k.startswith(NOT_INHERITED)}


def share(config: pytest.Config) -> None:
    """Make the run's directory, unless this is a worker and the run has one."""
    if hasattr(config, "workerinput"):
        return
    folder = tempfile.mkdtemp(prefix="jobdeck-shared-")
    os.environ[VARIABLE] = folder
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def template() -> Path:
    """Return the file; make it when nobody has."""
    folder = Path(os.environ[VARIABLE])
    made = folder / "template.sqlite3"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            _migrate(folder / "data")
            (folder / "data" / "jobdeck.sqlite3").rename(made)
    return made


def _migrate(data: Path) -> None:
    # A process of its own: it reads the product's settings, as an installation does.
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "migrate", "--skip-checks", "--verbosity=0"],
        env={
            **inherited(),
            "JOBDECK_DATA": str(data),
            "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
        },
        check=True,
    )
    with closing(sqlite3.connect(data / "jobdeck.sqlite3")) as database:
        # All of it in one file; the product turns its own journal on.
        database.execute("PRAGMA journal_mode=DELETE")


def fill(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Copy the tables into the tests' database when it is opened first: in memory, and empty."""
    if isinstance(connection, DatabaseWrapper) and connection.is_in_memory_db():
        connection_created.disconnect(fill)
        with closing(sqlite3.connect(template())) as source:
            source.backup(connection.connection)
