"""What queued executions wait for, queue by queue and one by one: what every face tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Count, Q

from jobs.domain.explain import by_whom
from jobs.domain.labels import covers, split
from jobs.domain.said import said
from jobs.domain.states import ExecutionState
from jobs.models import Execution, Queue, Worker, WorkerKind, WorkerState
from jobs.models.execution import HOLDING, WITH_CLUSTER
from jobs.queries import ready, starts
from jobs.queries.pulse import CLUSTER_SILENT_AFTER

# A cluster that is started again is back within this; nobody needs to be called for it.
ALERT_AFTER = timedelta(seconds=10)


class WaitsFor(StrEnum):
    """What a queued execution waits for."""

    RESUME = "resume"  # its queue is paused
    CLUSTER = "cluster"  # no worker serves its queue, or none with its labels
    MUTEX = "mutex"  # another execution has it
    LIMIT = "limit"  # its queue runs as many as it may
    STARTS = "starts"  # its queue has started as many as it may in a minute
    WORKER = "worker"  # its turn: nothing but a free worker is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """What waits although no living cluster would take it."""

    queue: str
    requires: str
    since: datetime  # since when it waits and nobody serves it
    oldest: int

    @property
    def text(self) -> str:
        """Say it."""
        labels = ", ".join(split(self.requires))
        if labels:
            return said(
                "no worker serves queue {queue} with {labels}", queue=self.queue, labels=labels
            )
        return said("no worker serves queue {queue}", queue=self.queue)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What one execution waits for; ``execution_id`` is who is in the way, where that is one.

    ``until`` is when its queue may start the next one, where that is known.
    """

    kind: WaitsFor
    text: str
    execution_id: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLook:
    """One queue as it stands."""

    name: str
    settings: Queue | None  # None: nobody has set anything
    waiting: int
    running: int
    holding: int  # running, or between two attempts
    oldest_at: datetime | None  # since when the oldest of the waiting ones waits
    clusters: int  # that serve it
    unserved: list[Unserved]
    opens_at: datetime | None  # when it may start the next one, its minute being used up

    @property
    def starts_per_minute(self) -> int | None:
        """Return how many of it start in a minute; None for no limit."""
        return None if self.settings is None else self.settings.starts_per_minute

    @property
    def limit(self) -> int | None:
        """Return how many of it run at a time; None for no limit."""
        return None if self.settings is None else self.settings.concurrency

    @property
    def between(self) -> int:
        """Return how many wait for their next attempt and keep their slot."""
        return self.holding - self.running

    @property
    def paused(self) -> bool:
        """Say whether nothing of it begins."""
        return self.settings is not None and self.settings.paused_at is not None


def clusters() -> list[Worker]:
    """Return the clusters that have not signed off, by name."""
    rows = Worker.objects.filter(kind=WorkerKind.CLUSTER.value)
    return list(rows.exclude(state=WorkerState.GONE.value).order_by("name", "pk"))


def takes(worker: Worker, now: datetime) -> bool:
    """Say whether a cluster lives and takes new work."""
    return (
        worker.state == WorkerState.RUNNING
        and worker.drain_requested_at is None
        and now - worker.beat_at < CLUSTER_SILENT_AFTER
    )


def _serves(worker: Worker, queue: str, requires: str) -> bool:
    return queue in worker.queues and covers(worker.labels, requires)


def unserved(now: datetime, *, longer_than: timedelta = timedelta(0)) -> list[Unserved]:
    """Return what waits and nobody serves, the longest first; a few probes, whatever waits."""
    queues = ready.waiting_queues()
    rows = clusters() if queues else []
    found = [one for queue in queues for one in _unserved(queue, rows, now)]
    found.sort(key=lambda one: one.since)
    return [one for one in found if now - one.since >= longer_than]


def _unserved(queue: str, rows: Sequence[Worker], now: datetime) -> list[Unserved]:
    living = [row for row in rows if takes(row, now)]
    missing = [
        kind
        for kind in ready.kinds(queue)
        if not any(_serves(row, queue, kind.requires) for row in living)
    ]
    if not missing:
        return []
    waits_since = dict(
        Execution.objects.filter(pk__in=[kind.oldest for kind in missing]).values_list(
            "pk", "queued_at"
        )
    )
    gone = Worker.objects.filter(kind=WorkerKind.CLUSTER.value)
    return [
        Unserved(
            queue=queue,
            requires=kind.requires,
            since=max([waits_since[kind.oldest], *_left_at(gone, queue, kind.requires)]),
            oldest=kind.oldest,
        )
        for kind in missing
        if kind.oldest in waits_since
    ]


def _left_at(rows: Iterable[Worker], queue: str, requires: str) -> list[datetime]:
    """Return when clusters that served it were last there."""
    return [
        row.beat_at if row.drain_requested_at is None else min(row.drain_requested_at, row.beat_at)
        for row in rows
        if _serves(row, queue, requires)
    ]


def queue_looks(now: datetime) -> list[QueueLook]:
    """Return every queue that has settings, work or a cluster, by name."""
    settings = {row.name: row for row in Queue.objects.all()}
    rows = clusters()
    live = Execution.objects.order_by().values_list("queue")
    waiting = dict(
        live.filter(state=ExecutionState.QUEUED.value, held=False).annotate(n=Count("pk"))
    )
    held = {
        queue: (holding, running)
        for queue, holding, running in live.filter(HOLDING).annotate(
            holding=Count("pk"), running=Count("pk", filter=Q(state__in=WITH_CLUSTER))
        )
    }
    served = {queue for row in rows for queue in row.queues}
    names = sorted({*settings, *waiting, *held, *served})
    return [
        QueueLook(
            name=name,
            settings=settings.get(name),
            waiting=waiting.get(name, 0),
            running=held.get(name, (0, 0))[1],
            holding=held.get(name, (0, 0))[0],
            oldest_at=_oldest_at(name) if name in waiting else None,
            clusters=sum(name in row.queues and takes(row, now) for row in rows),
            unserved=_unserved(name, rows, now) if name in waiting else [],
            opens_at=_opens_at(settings.get(name)),
        )
        for name in names
    ]


def queue_look(name: str, now: datetime) -> QueueLook | None:
    """Return one queue; None when nothing names it."""
    return next((look for look in queue_looks(now) if look.name == name), None)


def _oldest_at(queue: str) -> datetime | None:
    oldest = min((kind.oldest for kind in ready.kinds(queue)), default=0)
    found = Execution.objects.filter(pk=oldest).values_list("queued_at", flat=True)
    return found.first()


def waiting_of(execution: Execution, now: datetime) -> Waiting | None:
    """Return what a queued execution waits for; None when it is not queued, or behind its own job."""
    if execution.state != ExecutionState.QUEUED or execution.held:
        return None
    settings = Queue.objects.filter(name=execution.queue).first()
    return (
        _waits_for_resume(settings)
        or _waits_for_cluster(execution, now)
        or _waits_for_mutex(execution)
        or _waits_for_limit(execution, settings)
        or _waits_for_starts(settings)
        or Waiting(kind=WaitsFor.WORKER, text=said("waits for a free worker"))
    )


def _waits_for_resume(settings: Queue | None) -> Waiting | None:
    if settings is None or settings.paused_at is None:
        return None
    text = said(
        "waits: queue {queue} was paused{by}{because}",
        queue=settings.name,
        by=by_whom(settings.paused_by),
        because=f": {settings.pause_reason}" if settings.pause_reason else "",
    )
    return Waiting(kind=WaitsFor.RESUME, text=text)


def _waits_for_cluster(execution: Execution, now: datetime) -> Waiting | None:
    if any(
        takes(row, now) and _serves(row, execution.queue, execution.requires) for row in clusters()
    ):
        return None
    missing = Unserved(
        queue=execution.queue,
        requires=execution.requires,
        since=execution.queued_at,
        oldest=execution.pk,
    )
    return Waiting(kind=WaitsFor.CLUSTER, text=said("waits: {what}", what=missing.text))


def _waits_for_mutex(execution: Execution) -> Waiting | None:
    if not execution.mutex:
        return None
    others = Execution.objects.filter(HOLDING, ~Q(pk=execution.pk), mutex=execution.mutex)
    holder = others.select_related("job").first()
    if holder is None:
        return None
    text = said(
        "waits: mutex {mutex} is held by #{number} of {job}",
        mutex=execution.mutex,
        number=holder.pk,
        job=holder.job.name,
    )
    return Waiting(kind=WaitsFor.MUTEX, text=text, execution_id=holder.pk)


def _waits_for_limit(execution: Execution, settings: Queue | None) -> Waiting | None:
    if settings is None or settings.concurrency is None:
        return None
    free = ready.slots_of(execution.queue, settings.concurrency)
    if (free.to_run if execution.attempt > 1 else min(free)) > 0:
        return None
    text = said(
        "waits: queue {queue} runs its limit of {n} at a time",
        queue=settings.name,
        n=settings.concurrency,
    )
    return Waiting(kind=WaitsFor.LIMIT, text=text)


def _waits_for_starts(settings: Queue | None) -> Waiting | None:
    opens_at = _opens_at(settings)
    if settings is None or opens_at is None:
        return None
    text = said(
        "waits: queue {queue} starts at most {n} a minute",
        queue=settings.name,
        n=settings.starts_per_minute,
    )
    return Waiting(kind=WaitsFor.STARTS, text=text, until=opens_at)


def _opens_at(settings: Queue | None) -> datetime | None:
    """Return when a queue may start again that used up its minute; None where it may now."""
    if settings is None or settings.starts_per_minute is None:
        return None
    return starts.minute(settings.name, settings.starts_per_minute).opens_at
