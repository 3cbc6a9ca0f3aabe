"""One set-up of an installation at a time: two that migrate at once spoil each other's steps.

The lock is tried again and again instead of waited for: on PostgreSQL a statement that waits holds a
snapshot, and `CREATE INDEX CONCURRENTLY` of the set-up that is running would wait for its end.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from django.db import connection

from jobs import conf

LOOK_SECONDS = 0.2
_LOOKS_UNTIL_TOLD = 50  # ten seconds: most set-ups take less
_LOCK = 0x6A6F6273  # any number that no other lock has: "jobs"
_inside = False
# A key of 64 bits is shown in two halves; another role's session shows its number alone.
_HOLDER = """
    SELECT l.pid, host(a.client_addr), a.backend_start
    FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = %s AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def lock_file() -> Path:
    """Return the file that is locked where the database is SQLite."""
    return conf.data_dir() / "run" / "setup.lock"


@contextmanager
def alone(tell: Callable[[str], object]) -> Iterator[None]:
    """Run the block when no other set-up of this database runs; ``tell`` hears that it waits.

    After ten seconds it hears once who holds the lock. Inside another such block of this process it
    just goes on.
    """
    global _inside
    if _inside:
        yield
        return
    with _on_server(tell) if connection.vendor == "postgresql" else _on_host(tell):
        _inside = True
        try:
            yield
        finally:
            _inside = False


@contextmanager
def _on_server(tell: Callable[[str], object]) -> Iterator[None]:
    _wait_until(lambda: _asked("SELECT pg_try_advisory_lock(%s)"), tell, _session)
    try:
        yield
    finally:
        # A connection that was lost has let go already.
        if connection.is_usable():
            _asked("SELECT pg_advisory_unlock(%s)")


@contextmanager
def _on_host(tell: Callable[[str], object]) -> Iterator[None]:
    lock_file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(lock_file(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _wait_until(lambda: _locked(descriptor), tell, lambda: f"Its lock is on {lock_file()}.")
        yield
    finally:
        os.close(descriptor)


def _wait_until(
    taken: Callable[[], bool], tell: Callable[[str], object], holder: Callable[[], str]
) -> None:
    if taken():
        return
    tell("Another set-up of this database is running; this one goes on when it has ended.")
    for look in count(1):
        time.sleep(LOOK_SECONDS)
        if taken():
            return
        if look == _LOOKS_UNTIL_TOLD:
            tell(f"Still waiting for the other set-up. {holder()}")


def _session() -> str:
    """Say which session of the server holds the lock, and how an administrator ends it."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDER, [_LOCK])
        row = cursor.fetchone()
    if row is None:
        return "It has just ended."
    pid, address, since = row
    host = address or "the database's own host"
    when = f", connected since {since:%Y-%m-%d %H:%M:%S %Z}" if since else ""
    return (
        f"It is the database session {pid} from {host}{when}. If it hangs, end it there, or in the"
        f" database with SELECT pg_terminate_backend({pid})."
    )


def _asked(statement: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [_LOCK])
        row = cursor.fetchone()
    return row is not None and bool(row[0])


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
