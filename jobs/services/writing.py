"""Write transactions that take turns.

SQLite has one writer. Who finds it taken sleeps 1, 2, 5, 10, ... 100 ms and tries again: with four
busy workers most of the time is slept away. A file lock wakes the next writer at once; the kernel
drops it with its process, so a kill leaves nothing behind. It only orders the writers, what keeps
them apart is still the database.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from jobs import conf

# The descriptor by process: a lock taken by a descriptor from before a fork would be shared.
_descriptors: dict[int, int] = {}


@contextmanager
def write_transaction() -> Iterator[None]:
    """Run the block in a transaction of its own, after the writers that came before.

    Inside another transaction the block just joins it.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    descriptor = _descriptor()
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with transaction.atomic():
            yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _descriptor() -> int:
    """Return this process's own descriptor of the lock file."""
    pid = os.getpid()
    if pid not in _descriptors:
        _descriptors.clear()
        folder = conf.data_dir() / "run"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / "writers.lock"
        _descriptors[pid] = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return _descriptors[pid]
