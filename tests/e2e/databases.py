"""A database of the product for tests that run its real processes, on SQLite or PostgreSQL."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.migrated import administer, on_server, postgres_template, template

ROOT = Path(__file__).resolve().parents[2]
SERVER = bool(os.environ.get("TEST_POSTGRES_URL"))
# For races that row locks can lose and SQLite's one writer can hardly: on PostgreSQL where there is a
# server, else on SQLite; the long run has both.
WHERE_IT_IS_HARDER = [
    pytest.param("sqlite", marks=[pytest.mark.soak] if SERVER else []),
    pytest.param("postgresql", marks=[] if SERVER else [pytest.mark.soak]),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """An empty data directory and database, with eyes of its own: no code of the product reads."""

    directory: Path
    url: str = ""  # of PostgreSQL; empty: SQLite in the directory

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment for the product's processes."""
        mine = {
            key: value
            for key, value in os.environ.items()
            if key not in {"DATABASE_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE"}
        }
        mine["JOBDECK_DATA"] = str(self.directory)
        if self.url:
            mine["DATABASE_URL"] = self.url
        return mine

    def manage(self, *arguments: str) -> str:
        """Run one of the product's commands to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what a plain SQL query finds; moments come as the database keeps them."""
        if self.url:
            import psycopg

            with psycopg.connect(self.url) as connection:
                return list(connection.execute(query.encode(), parameters).fetchall())
        with closing(sqlite3.connect(self.directory / "jobdeck.sqlite3", timeout=20)) as plain:
            known = [
                value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")
                if isinstance(value, datetime)
                else value
                for value in parameters
            ]
            return plain.execute(query.replace("%s", "?"), known).fetchall()

    def wait_for(
        self, query: str, parameters: Sequence[Any], value: object, *, seconds: float
    ) -> None:
        """Return when a query's first column is ``value``; fail after ``seconds``."""
        deadline = time.monotonic() + seconds
        while (found := self.rows(query, parameters)[0][0]) != value:
            assert time.monotonic() < deadline, f"{query}: {found}, not {value}"
            time.sleep(0.1)

    def verdicts(self) -> dict[int, tuple[datetime, list[datetime]]]:
        """Return, by job, how far it is decided and every due time that has a verdict.

        Expands omissions by the job's interval: the tests' jobs have one grid each.
        """
        covered: dict[int, list[datetime]] = defaultdict(list)
        for job, due in self.rows("SELECT job_id, due_at FROM jobs_execution"):
            covered[job].append(moment(due))
        periods = dict(self.rows("SELECT job_id, seconds FROM jobs_schedule"))
        query = "SELECT job_id, first_due_at, last_due_at, count FROM jobs_omission"
        for job, first, last, count in self.rows(query):
            period = timedelta(seconds=periods[job])
            stretch = [moment(first) + n * period for n in range(count)]
            assert stretch[-1] == moment(last)
            covered[job] += stretch
        decided = self.rows("SELECT id, decided_until FROM jobs_job")
        return {job: (moment(until), covered[job]) for job, until in decided}


def start(database: Database, *command: str) -> subprocess.Popen[bytes]:
    """Run one of the product's processes."""
    with (database.directory / "product.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *command, "--skip-checks"],
            env=database.environment,
            stdout=log,
            stderr=log,
        )


def stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask processes to end, and wait for it."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(30)


@contextmanager
def running(database: Database, *commands: str) -> Iterator[None]:
    """Run processes of the product, each by the name of its command."""
    processes = [start(database, command) for command in commands]
    try:
        yield
    finally:
        stop(processes)


def moment(value: Any) -> datetime:
    """Return a stored moment as an aware datetime."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@contextmanager
def each_database(engine: str, directory: Path) -> Iterator[Database]:
    """Make a database with empty tables on ``engine`` and remove it afterwards."""
    if engine == "sqlite":
        shutil.copy(template(), directory / "jobdeck.sqlite3")
        yield Database(directory=directory)
        return
    with postgres_database(postgres_url()) as url:
        yield Database(directory=directory, url=url)


@contextmanager
def postgres_database(server: str) -> Iterator[str]:
    """Make a PostgreSQL database with empty tables; yield its address and drop it afterwards."""
    name = f"jobdeck_{secrets.token_hex(6)}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE {postgres_template(server)}")
    try:
        yield on_server(server, name)
    finally:
        administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def postgres_url() -> str:
    """Return the server's address; without one the test is skipped, in CI it fails."""
    url = os.environ.get("TEST_POSTGRES_URL", "")
    if not url:
        needed = os.environ.get("JOBDECK_TESTS_REQUIRE_ALL")
        (pytest.fail if needed else pytest.skip)("TEST_POSTGRES_URL names no PostgreSQL server.")
    return url
