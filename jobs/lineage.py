"""Let a forked process end with the one that forked it, which the kernel does not do by itself."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def on_death_of_parent(number: signal.Signals, *, parent: int) -> bool:
    """Ask the kernel to send this process ``number`` when ``parent``, which forked it, is gone.

    False when it is gone already: then nothing will be sent. Only on Linux; elsewhere nothing
    happens.
    """
    if sys.platform != "linux":
        return True
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    return os.getppid() == parent


def end_with_parent(parent: int) -> None:
    """Make the kernel kill this process when ``parent`` is gone."""
    if not on_death_of_parent(signal.SIGKILL, parent=parent):
        os._exit(1)


def end_forks_with_parent() -> None:
    """Make every later fork of this process, and of those, end with its parent."""
    forking = [0]

    def before() -> None:
        forking[0] = os.getpid()

    os.register_at_fork(before=before, after_in_child=lambda: end_with_parent(forking[0]))
