"""Wake sleeping processes when there is something to do.

A poke is a hint, never the message: what there is to do stands in the database, and every sleeper
also looks by itself (`PRAGMA data_version` on SQLite, its own timeout on PostgreSQL). A lost poke
therefore costs a tenth of a second, and nothing depends on one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import stat
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction

from jobs.polling import HasFileno, ready, watch

QUEUE = "queue"  # there is ready work
JOBS = "jobs"  # a definition or a next fire time changed
CANCEL = "cancel"  # somebody asked to end an execution
TOPICS = (QUEUE, JOBS, CANCEL)

# How often a SQLite sleeper looks at the file's version by itself, while things happen and after a
# quiet while. Waking up for a look costs 0.1 to 0.2 ms: ten a second would be most of what an idle
# product uses.
LOOK_SECONDS = 0.1
QUIET_LOOK_SECONDS = 0.5
QUIET_AFTER_SECONDS = 3.0
# How long a PostgreSQL sleeper sleeps at most while its LISTEN connection is away.
DEAF_SECONDS = 0.5
RECONNECT_SECONDS = 1.0


def poke(topic: str) -> None:
    """Wake everybody who listens to ``topic`` once the current transaction is committed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, '')", [_channel(topic)])
    else:
        transaction.on_commit(partial(_ring, topic), robust=True)


def _channel(topic: str) -> str:
    """Return the PostgreSQL channel of a topic."""
    return f"jobdeck_{topic}"


def _run_dir() -> Path:
    """Return the private directory of the listeners' sockets."""
    path = Path(settings.DATA_DIR) / "run"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    """Yield a short alias of ``folder``: socket addresses hold 107 bytes, data paths may not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _ring(topic: str) -> None:
    """Send one byte to every socket of ``topic``; remove the sockets of dead listeners."""
    folder = _run_dir()
    with _short_path(folder) as short, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for name in os.listdir(folder):  # noqa: PTH208 - names are all that is needed
            if topic not in name.partition(".")[0].split("+"):
                continue
            try:
                sender.sendto(b"!", f"{short}/{name}")
            except BlockingIOError:
                pass  # its buffer is full: it will wake anyway
            except ConnectionRefusedError:
                _unlink_socket(folder / name)
            except FileNotFoundError:
                pass


def _unlink_socket(path: Path) -> None:
    """Remove a stale socket, and never anything else that somebody put there."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.lstat().st_mode):
            path.unlink()


class Listener:
    """Sleep until one of ``topics`` is poked, the database changed, or the time is over.

    Belongs to the process and thread that made it; make it after a fork, not before.
    """

    def __init__(self, *topics: str) -> None:
        """Start to hear the topics at once."""
        unknown = set(topics) - set(TOPICS)
        if unknown:
            raise ValueError(f"{sorted(unknown)} is no topic. Use one of {', '.join(TOPICS)}.")
        self._ear: _SqliteEar | _PostgresEar = (
            _PostgresEar(topics) if connection.vendor == "postgresql" else _SqliteEar(topics)
        )

    def wait(self, timeout: float, *also: HasFileno) -> bool:
        """Sleep at most ``timeout`` seconds; say whether there may be something to do.

        Also ends when one of ``also`` becomes readable.
        """
        return self._ear.wait(max(0.0, timeout), also)

    def close(self) -> None:
        """Stop hearing."""
        self._ear.close()


class _SqliteEar:
    """Hear datagrams from processes of this host, and look at the database file's version."""

    def __init__(self, topics: Iterable[str]) -> None:
        """Bind a socket whose name carries the topics."""
        folder = _run_dir()
        name = f"{'+'.join(topics)}.{os.getpid()}.{secrets.token_hex(6)}.sock"
        self._path = folder / name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        with _short_path(folder) as short:
            self._socket.bind(f"{short}/{name}")
        self._seen: tuple[int, int] | None = None
        self._looked_at = self._poked_at = 0.0

    def wait(self, timeout: float, also: Iterable[HasFileno]) -> bool:
        """Sleep from look to look."""
        ready_within = watch((self._socket, *also))
        now = time.monotonic()
        deadline = now + timeout
        while True:
            is_quiet = now - self._poked_at > QUIET_AFTER_SECONDS
            look_at = self._looked_at + (QUIET_LOOK_SECONDS if is_quiet else LOOK_SECONDS)
            if ready_within(max(0.0, min(look_at, deadline) - now)):
                self._drain()
                self._poked_at = now
                return True
            now = time.monotonic()
            if now >= look_at and self._changed():
                return True
            if now >= deadline:
                return False

    def _changed(self) -> bool:
        """Say whether another connection has committed since the last look.

        Not before each sleep: under load there always is a commit, and whoever means this sleeper
        pokes it.
        """
        self._looked_at = time.monotonic()
        raw = connection.connection
        if raw is None:
            connection.ensure_connection()
            raw = connection.connection
        version = (id(raw), raw.execute("PRAGMA data_version").fetchone()[0])
        changed = version != self._seen
        self._seen = version
        return changed

    def _drain(self) -> None:
        """Forget the pokes heard so far: one look at the database answers them all."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._socket.recv(1)

    def close(self) -> None:
        """Close and remove the socket."""
        self._socket.close()
        _unlink_socket(self._path)


class _PostgresEar:
    """Hear NOTIFY on a connection of its own; reconnect when it breaks."""

    def __init__(self, topics: Iterable[str]) -> None:
        """Connect lazily: a database that is away must not stop the start."""
        self._topics = tuple(topics)
        self._wrapper: Any = None  # a second connection, of the backend's own class
        self._retry_at = 0.0

    def wait(self, timeout: float, also: Iterable[HasFileno]) -> bool:
        """Sleep until a notification; without a connection, for a short while."""
        fresh = self._connect()
        if self._wrapper is None:
            return bool(ready(tuple(also), min(timeout, DEAF_SECONDS))) or timeout > DEAF_SECONDS
        if fresh:
            return True  # what was said while it was deaf is not repeated
        heard = self._notified(self._wrapper)
        if not heard:
            heard = bool(ready((self._wrapper.connection, *also), timeout))
            self._notified(self._wrapper)
        return heard

    def _notified(self, wrapper: Any) -> bool:
        """Take what the server has sent; True also when the connection broke."""
        channel = wrapper.connection.pgconn
        try:
            channel.consume_input()
            heard = False
            while channel.notifies() is not None:
                heard = True
        except wrapper.Database.Error:
            self.close()
            return True
        return heard

    def _connect(self) -> bool:
        """Connect and listen unless connected or tried just now; say whether it is new."""
        if self._wrapper is not None or time.monotonic() < self._retry_at:
            return False
        self._retry_at = time.monotonic() + RECONNECT_SECONDS
        wrapper = connection.copy()
        try:
            with wrapper.cursor() as cursor:
                for topic in self._topics:
                    cursor.execute(f'LISTEN "{_channel(topic)}"')
        except DatabaseError:
            wrapper.close()
            return False
        self._wrapper = wrapper
        return True

    def close(self) -> None:
        """Close the connection; the next wait makes a new one."""
        wrapper, self._wrapper = self._wrapper, None
        if wrapper is not None:
            with contextlib.suppress(Exception):
                wrapper.close()
