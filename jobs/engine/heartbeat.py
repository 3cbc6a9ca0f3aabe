"""Signs of life of the product's own processes."""

from __future__ import annotations

import os
import socket
import time
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from jobs.executors.proctree import pid_start_time, process_alive
from jobs.models import Worker, WorkerKind, WorkerState
from jobs.services import workers

BEAT_SECONDS = 2.0


def place() -> str:
    """Return what names this boot of this host and its process numbers, for ``Worker.boot_id``.

    Two processes may judge each other's pid only when this is equal: a container has the host's
    boot but numbers of its own.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        numbers = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return ""
    return f"{boot}/{numbers}"


def is_dead(worker: Worker) -> bool:
    """Say whether a process of this very place is gone; False for one that cannot be seen."""
    here = place()
    if not here or worker.boot_id != here or worker.host != socket.gethostname():
        return False
    return not process_alive(worker.pid, worker.pid_started or None)


class Presence:
    """The row of this process: signed in at the first beat, renewed every two seconds."""

    def __init__(
        self,
        kind: WorkerKind,
        *,
        name: str,
        queues: list[str],
        slots: int,
        labels: list[str] | None = None,
    ) -> None:
        """Describe the process; nothing is written yet."""
        self._kind = kind
        self._name = name
        self._queues = queues
        self._slots = slots
        self._labels = labels or []
        self._id: int | None = None
        self._beat_at = 0.0

    @property
    def worker_id(self) -> int:
        """Return the row's id, signing in first when needed."""
        return self.sign_in() if self._id is None else self._id

    def sign_in(self) -> int:
        """Write a new row."""
        pid = os.getpid()
        row = workers.register(
            self._kind,
            name=self._name,
            host=socket.gethostname(),
            boot_id=place(),
            pid=pid,
            pid_started=pid_start_time(pid) or 0,
            queues=self._queues,
            labels=self._labels,
            slots=self._slots,
        )
        self._id = row.pk
        self._beat_at = time.monotonic()
        return self._id

    def due_in(self) -> float:
        """Return the seconds until the next beat."""
        return max(0.0, self._beat_at + BEAT_SECONDS - time.monotonic())

    def beat(self, *, busy: int | None = None, state: WorkerState | None = None) -> bool:
        """Renew the row when it is time; False when others took this process for dead."""
        if self.due_in() > 0:
            return True
        self._beat_at = time.monotonic()
        return workers.beat(self.worker_id, busy=busy, state=state)

    def tick(self, *, lag: timedelta | None) -> bool:
        """Renew a dispatcher's row when it is time, with how late its latest due time was.

        Say whether it was time.
        """
        if self.due_in() > 0:
            return False
        self._beat_at = time.monotonic()
        workers.tick(self.worker_id, at=timezone.now(), lag=lag)
        return True

    def sign_off(self) -> None:
        """Say that the process has ended."""
        if self._id is not None:
            workers.sign_off(self._id)
