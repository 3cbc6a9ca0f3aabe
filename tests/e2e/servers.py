"""PostgreSQL and Redis servers that a test owns, so that it may stop, kill and empty them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

from tests.e2e.harness import free_port, wait_until
from tests.migrated import inherited

REQUIRED = os.environ.get("JOBDECK_TESTS_REQUIRE_ALL") == "1"
# What a crash of the server alone cannot lose needs no fsync; the test ends no operating system.
SETTINGS = "-c fsync=off -c max_connections=60 -c shared_buffers=16MB -c listen_addresses=127.0.0.1"


class Postgres:
    """One PostgreSQL server in a directory of its own; run by ``postgres`` where we are root."""

    def __init__(self, programs: Path, directory: Path) -> None:
        """Make the files; the server does not run yet."""
        self._programs = programs
        self._directory = directory
        self._port = free_port()
        self._user = None if os.getuid() else _unprivileged()
        if self._user is not None:
            directory.chmod(0o755)
            shutil.chown(directory, self._user)
        self._run("initdb", "-U", "jobdeck", "-A", "trust", "-E", "UTF8", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), "-D", str(self._directory / "data"), *arguments],
            check=True,
            user=self._user,
            cwd=self._directory,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            stdout=subprocess.DEVNULL,
            timeout=60,
        )

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"{SETTINGS} -c port={self._port} -c unix_socket_directories={self._directory}"
        self._run("pg_ctl", "start", "-w", "-l", str(self._directory / "log"), "-o", options)

    def stop(self, mode: str) -> None:
        """Stop: ``fast`` ends connections in order, ``immediate`` as a crash does."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def url(self, name: str) -> str:
        """Return the address of one of its databases."""
        return f"postgres://jobdeck@127.0.0.1:{self._port}/{name}"

    def create(self, name: str, *, template: str = "template0") -> str:
        """Make a database, perhaps as a copy, and return its address."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self.url(name)


class Redis:
    """One Redis server that keeps nothing on disk: a restart empties it."""

    def __init__(self, program: str, directory: Path) -> None:
        """Describe the server; it does not run yet."""
        self._program = program
        self._directory = directory
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return its address."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = {"bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": self._directory}
        self._process = subprocess.Popen(
            [self._program, "--port", str(self._port)]
            + [word for name, value in options.items() for word in (f"--{name}", str(value))],
            env=inherited(),
            stdout=subprocess.DEVNULL,
        )
        wait_until(self._answers, what="Redis starts")

    def _answers(self) -> bool:
        from redis import ConnectionError as NotThere
        from redis import Redis as Client

        try:
            with Client.from_url(self.url) as client:
                return bool(client.ping())
        except NotThere:
            return False

    def empty(self) -> None:
        """Do FLUSHALL."""
        from redis import Redis as Client

        with Client.from_url(self.url) as client:
            client.flushall()

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def own_postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL server for the length of a block; skip the test where there is none."""
    with tempfile.TemporaryDirectory(prefix="jobdeck-pg-") as folder:
        server = Postgres(_postgres_programs(), Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")


@contextmanager
def own_redis() -> Iterator[Redis]:
    """Run a Redis server for the length of a block; skip the test where there is none."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        absent("redis-server is not installed.")
    with tempfile.TemporaryDirectory(prefix="jobdeck-redis-") as folder:
        server = Redis(program, Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


def absent(what: str) -> NoReturn:
    """Skip the test for what this host lacks; where all is required, fail it."""
    (pytest.fail if REQUIRED else pytest.skip)(what)


def _postgres_programs() -> Path:
    """Return the directory of the newest server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    program = shutil.which("initdb") or (str(found[-1]) if found else None)
    if program is None:
        absent("initdb of PostgreSQL is not installed.")
    return Path(str(program)).resolve().parent


def _version(program: Path) -> float:
    return float(program.parent.parent.name)


def _unprivileged() -> str:
    """Return the user who runs the server, which root may not."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
