"""One SQLite file, and one PostgreSQL database, with empty tables for the whole run.

Migrating takes longer than a hundred tests. Who needs them first makes them; each worker, and each
product that a test starts, gets a copy.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

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
    config.add_cleanup(lambda: _remove(Path(folder)))


def _remove(folder: Path) -> None:
    for made in folder.glob("postgres-*"):
        administer(*made.read_text().split("\n"))
    shutil.rmtree(folder, ignore_errors=True)


def template() -> Path:
    """Return the file; make it when nobody has."""
    with _alone() as folder:
        made = folder / "template.sqlite3"
        if not made.exists():
            _migrate(folder / "data")
            with closing(sqlite3.connect(folder / "data" / "jobdeck.sqlite3")) as database:
                # All of it in one file; the product turns its own journal on.
                database.execute("PRAGMA journal_mode=DELETE")
            (folder / "data" / "jobdeck.sqlite3").rename(made)
    return made


def postgres_template(server: str) -> str:
    """Return the name of the database on a server; make it when nobody has."""
    name = f"jobdeck_{hashlib.sha256(server.encode()).hexdigest()[:6]}_{_run()}"
    with _alone() as folder:
        made = folder / f"postgres-{name}"
        if not made.exists():
            administer(server, f"CREATE DATABASE {name}")
            made.write_text(f"{server}\nDROP DATABASE IF EXISTS {name} WITH (FORCE)")
            _migrate(folder / name, DATABASE_URL=on_server(server, name))
    return name


def copy_on_postgres(connection: BaseDatabaseWrapper) -> None:
    """Make the tests' database of the template, and empty it in less time than Django does."""
    name = postgres_template(os.environ["DATABASE_URL"])
    connection.settings_dict["TEST"]["TEMPLATE"] = name
    # TRUNCATE gives 43 tables and 155 indexes new files: ten times what deleting some rows takes.
    connection.ops.sql_flush = _deletes  # type: ignore[method-assign]


def _deletes(
    style: Any,
    tables: Sequence[str],
    *,
    reset_sequences: bool = False,
    allow_cascade: bool = False,
) -> list[str]:
    del style, reset_sequences, allow_cascade  # no test names a number that a row will have
    return [f'DELETE FROM "{table}"' for table in tables]


def _run() -> str:
    """Return what tells this run's databases from those of another."""
    return hashlib.sha256(os.environ[VARIABLE].encode()).hexdigest()[:12]


def on_server(server: str, name: str) -> str:
    """Return the address of a database."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def administer(server: str, statement: str) -> None:
    """Make or drop a database."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


@contextmanager
def _alone() -> Iterator[Path]:
    """Yield the run's directory to one process at a time."""
    folder = Path(os.environ[VARIABLE])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _migrate(data: Path, **environment: str) -> None:
    # A process of its own: it reads the product's settings, as an installation does.
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "migrate", "--skip-checks", "--verbosity=0"],
        env={
            **inherited(),
            "JOBDECK_DATA": str(data),
            "DJANGO_SETTINGS_MODULE": "scheduler_site.settings",
            **environment,
        },
        check=True,
    )


def fill(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Copy the tables into the tests' database when it is opened first: in memory, and empty."""
    if isinstance(connection, DatabaseWrapper) and connection.is_in_memory_db():
        connection_created.disconnect(fill)
        with closing(sqlite3.connect(template())) as source:
            source.backup(connection.connection)
