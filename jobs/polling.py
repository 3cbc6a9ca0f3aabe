"""Sleep on file descriptors: the one way of waiting here that no killed process can spoil."""

from __future__ import annotations

import contextlib
import math
import os
import select
from collections.abc import Callable, Iterable
from typing import Protocol


class HasFileno(Protocol):
    """Something that poll(2) can watch."""

    def fileno(self) -> int:
        """Return the descriptor."""


class Flag:
    """An event that is a file descriptor: shared by fork, watched by poll, free of locks.

    A process killed at any instant leaves it usable, which multiprocessing.Event does not promise.
    """

    def __init__(self) -> None:
        """Start unset."""
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Return the descriptor, readable while the flag is set."""
        return self._descriptor

    def set(self) -> None:
        """Raise the flag for every process that shares it."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(self._descriptor, 1)

    def clear(self) -> None:
        """Lower the flag."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._descriptor)

    def is_set(self) -> bool:
        """Say whether the flag is up."""
        return bool(ready((self,), 0))

    def wait(self, timeout: float | None = None) -> bool:
        """Sleep until the flag is up, at most ``timeout`` seconds; say whether it is."""
        return bool(ready((self,), timeout))

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._descriptor)


def watch(watched: Iterable[HasFileno | int]) -> Callable[[float | None], list[int]]:
    """Return a function that gives the readable descriptors after at most so many seconds."""
    poll = select.poll()
    for item in watched:
        poll.register(item, select.POLLIN)

    def wait(timeout: float | None) -> list[int]:
        # Rounded up: a rest of 0.4 ms must sleep once more, not spin until it is over.
        milliseconds = None if timeout is None else math.ceil(timeout * 1000)
        return [descriptor for descriptor, _ in poll.poll(milliseconds)]

    return wait


def ready(watched: Iterable[HasFileno | int], timeout: float | None) -> list[int]:
    """Return the readable descriptors among ``watched`` after at most ``timeout`` seconds."""
    return watch(watched)(timeout)
