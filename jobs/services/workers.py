"""The product's own processes: sign in, beat, sign off."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from jobs import __version__
from jobs.models import Worker, WorkerKind, WorkerState
from jobs.services import revisions
from jobs.services.dbtime import db_now

KEEP = timedelta(days=1)  # how long a gone process stays in the list


def register(
    kind: WorkerKind,
    *,
    name: str,
    host: str,
    boot_id: str,
    pid: int,
    pid_started: int,
    queues: list[str] | None = None,
    labels: list[str] | None = None,
    slots: int = 0,
) -> Worker:
    """Sign a process in; forget those that are gone for long."""
    now = db_now()
    Worker.objects.filter(state=WorkerState.GONE.value, beat_at__lt=now - KEEP).delete()
    worker = Worker.objects.create(
        kind=kind.value,
        name=name,
        host=host,
        boot_id=boot_id,
        pid=pid,
        pid_started=pid_started,
        queues=queues or [],
        labels=labels or [],
        slots=slots,
        version=__version__,
        started_at=now,
        beat_at=now,
    )
    revisions.bump("workers")
    return worker


def beat(worker_id: int, *, busy: int | None = None, state: WorkerState | None = None) -> bool:
    """Renew the sign of life; False when the process was declared gone."""
    changes: dict[str, object] = {"beat_at": db_now()}
    if busy is not None:
        changes["busy"] = busy
    if state is not None:
        changes["state"] = state.value
    present = Worker.objects.filter(pk=worker_id).exclude(state=WorkerState.GONE.value)
    return bool(present.update(**changes))


def tick(worker_id: int, *, at: datetime, lag: timedelta | None) -> None:
    """Record a dispatcher's latest look at the clock, with how late the latest due time was."""
    # One that was silent for so long that it was taken for gone is back.
    changes: dict[str, object] = {
        "tick_at": at,
        "beat_at": db_now(),
        "state": WorkerState.RUNNING.value,
    }
    if lag is not None:
        changes["lag_seconds"] = lag.total_seconds()
    Worker.objects.filter(pk=worker_id).update(**changes)


def sign_off(worker_id: int) -> None:
    """Record that a process has ended or is taken for dead."""
    Worker.objects.filter(pk=worker_id).update(state=WorkerState.GONE.value, busy=0)
    revisions.bump("workers")


def silent_since(moment: datetime) -> QuerySet[Worker]:
    """Return the processes that have not signed off and not beaten since ``moment``."""
    return Worker.objects.filter(~Q(state=WorkerState.GONE.value), beat_at__lt=moment)
