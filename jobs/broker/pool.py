"""The django-q2 cluster, made to survive what ends a stock one (ENGINE.md 1.4 and 4.4).

Three things differ. The queues and events between its processes hold no locks, so that a killed
process never blocks the others. Its guard waits for processes instead of looking twice a second,
and tells its owner who died. And all its processes outlive a signal meant for the owner, and die
with their parent.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.db import connections
from django_q.cluster import Cluster, Sentinel
from django_q.signals import post_spawn

from jobs.broker.lockless import SocketQueue
from jobs.lineage import end_forks_with_parent, on_death_of_parent
from jobs.polling import Flag, ready

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
ORPHANED = signal.SIGUSR1
# The guard is woken by every death; this look is for what no descriptor tells.
GUARD_SECONDS = 30.0
# A process that dies at birth is born again this much later, not in a loop at full speed.
REBIRTH_PAUSE_SECONDS = 0.2
SHORT_LIFE_SECONDS = 1.0

# The pool to which this process belongs; set in the sentinel, inherited by what it forks.
_current: list[Pool] = []
_sentinel_pid: list[int] = []
_prepared: list[bool] = []


def current_pool() -> Pool | None:
    """Return the pool whose worker, pusher or monitor this process is."""
    return _current[0] if _current else None


class Pool(Cluster):  # type: ignore[misc]  # django-q2 has no annotations
    """A cluster with its owner's end of the strings.

    ``stopping``: take nothing new, end when idle. ``aborting``: end what runs. ``idle``: a worker
    has nothing left to do. ``reports`` is readable when a process of the pool has died.
    """

    def __init__(self, *, workers: int) -> None:
        """Prepare the strings; nothing is forked yet."""
        with _signals_kept():
            super().__init__()
        self.workers = workers
        self.stopping = self.stop_event = Flag()
        self.started = self.start_event = Flag()
        self.aborting = Flag()
        self.idle = Flag()
        self.reports, self.report_to = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def start(self) -> int:
        """Fork the sentinel, which forks the rest."""
        _prepare_forks()
        connections.close_all()
        # What is loaded now stays shared: the collector must not touch every page of it.
        gc.collect()
        gc.freeze()
        self.sentinel = multiprocessing.get_context("fork").Process(
            target=PoolSentinel, args=(self,), name="sentinel"
        )
        self.sentinel.start()
        self.sentinel_pid = self.sentinel.pid or 0
        return self.sentinel_pid

    def is_alive(self) -> bool:
        """Say whether the sentinel lives."""
        return bool(self.sentinel.is_alive())

    def stop(self) -> bool:
        """Ask everybody to end after what runs now; returns at once."""
        self.stopping.set()
        return True

    def kill(self) -> None:
        """End the sentinel at once; the others die with it."""
        self.sentinel.kill()
        self.sentinel.join()

    def deaths(self) -> list[tuple[str, int]]:
        """Return the role and pid of each process that died since the last call."""
        try:
            text = os.read(self.reports, 65536).decode()
        except BlockingIOError:
            return []
        return [(role, int(pid)) for role, pid in (line.split() for line in text.splitlines())]


class PoolSentinel(Sentinel):  # type: ignore[misc]  # django-q2 has no annotations
    """The guard of one pool: spawns, replaces the dead, stops in order."""

    def __init__(self, owner: Pool) -> None:
        """Become the guard; returns when the pool has ended."""
        _current[:] = [owner]
        _sentinel_pid[:] = [os.getpid()]
        self._owner = owner
        self._handles: dict[Any, tuple[int, float]] = {}
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        super().__init__(owner.stopping, owner.started, owner.cluster_id, start=False)
        post_spawn.connect(_in_worker)
        _outlive_stop_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        self.pool_size = owner.workers
        self.task_queue = SocketQueue()
        self.result_queue = SocketQueue()
        # One flag for both: the pusher must not spin between the owner's word and the guard's.
        self.event_out = owner.stopping
        self.start()

    def spawn_process(self, target: Any, *args: Any) -> Any:
        """Fork a process and keep a handle that tells of its death."""
        process = super().spawn_process(target, *args)
        self._handles[process] = (os.pidfd_open(process.pid), time.monotonic())
        return process

    def guard(self) -> None:
        """Replace whoever dies until the owner says stop."""
        self.start_event.set()
        while not self.stop_event.is_set():
            handles = [handle for handle, _ in self._handles.values()]
            ready((self.stop_event, *handles), GUARD_SECONDS)
            for process in [p for p in self._handles if not p.is_alive()]:
                self._replace(process)
        self.stop()

    def _replace(self, process: Any) -> None:
        """Tell the owner who died, and spawn another of its kind."""
        handle, born = self._handles.pop(process)
        os.close(handle)
        if time.monotonic() - born < SHORT_LIFE_SECONDS:
            time.sleep(REBIRTH_PAUSE_SECONDS)
        connections.close_all()
        if process is self.monitor:
            role = "monitor"
            self.monitor: Any = self.spawn_monitor()
        elif process is self.pusher:
            role = "pusher"
            self.pusher: Any = self.spawn_pusher()
        else:
            role = "worker"
            self.pool.remove(process)
            self.spawn_worker()
        self.reincarnations += 1
        os.write(self._owner.report_to, f"{role} {process.pid}\n".encode())


def _prepare_forks() -> None:
    """Make every later fork of this process, and of those, die with its parent; once."""
    if not _prepared:
        _prepared.append(True)
        logging.getLogger("django-q").setLevel(logging.WARNING)
        end_forks_with_parent()
        os.register_at_fork(after_in_child=_outlive_stop_signals)


def _in_worker(**_: object) -> None:
    """Let a worker end its own job when the sentinel dies: SIGKILL would leave the job alive."""
    signal.signal(ORPHANED, _end_worker)
    if not on_death_of_parent(ORPHANED, parent=_sentinel_pid[0]):
        os._exit(1)


def _end_worker(_number: int, _frame: FrameType | None) -> None:
    """Unwind; on its way up the exception ends the process tree of the job."""
    raise SystemExit(1)


def _outlive_stop_signals() -> None:
    """Take stop signals and do nothing: only the owner decides when to end.

    A handler and not SIG_IGN, which every program started from here would inherit.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, _do_nothing)


def _do_nothing(_number: int, _frame: FrameType | None) -> None:
    """Handle a signal by ignoring it."""


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Put the handlers back that django-q2's Cluster replaces when it is made."""
    handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
