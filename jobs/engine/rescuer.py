"""Find what died without a word: executions whose lease is over, processes that are gone."""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import F, Max, Q
from django.db.models.functions import Coalesce

from jobs import broker, conf
from jobs.domain.states import ExecutionState
from jobs.engine.heartbeat import BEAT_SECONDS
from jobs.engine.remains import rescue_dead_neighbours
from jobs.models import Execution, Worker, WorkerState
from jobs.models.execution import WITH_CLUSTER
from jobs.polling import Flag
from jobs.services import handover, rescue, workers
from jobs.services.dbtime import db_now

log = logging.getLogger("scheduler.rescue")

SWEEP_SECONDS = 2.0
# What Redis was given and nobody claimed for so long is given to it again.
HAND_OVER_AGAIN = timedelta(seconds=5)
HAND_OVER_BATCH = 500
# Longer than some beats, and than any transaction keeps them waiting.
SILENT = timedelta(seconds=4 * BEAT_SECONDS)


class Rescuer:
    """One sweep every two seconds.

    Nobody's lease is judged before this process has been in touch with the database for a whole
    lease: after an outage every healthy run looks expired until its worker has beaten again. So it
    does after a sleep of the whole host, or when the clock was put forward.
    """

    def __init__(self) -> None:
        """Begin out of touch."""
        self._in_touch_since: float | None = None
        self._swept_at: datetime | None = None  # by the clock that the leases go by

    def step(self) -> bool:
        """Sweep once; there is never more to do before the next sweep."""
        try:
            self._sweep()
        except DatabaseError:
            self._in_touch_since = None
            raise
        return False

    def wait(self, stop: Flag) -> None:
        """Sleep until the next sweep."""
        stop.wait(SWEEP_SECONDS)

    def _sweep(self) -> None:
        now = time.monotonic()
        if self._in_touch_since is None or self._has_slept() or self._nobody_writes():
            self._in_touch_since = now
        count = rescue_dead_neighbours()
        if now - self._in_touch_since >= conf.lease_seconds():
            if self._any_expired():
                count += rescue.rescue_expired()
            self._sign_off_silent()
        if count:
            log.warning("Rescued %d executions whose worker was gone.", count)
        if broker.is_available():
            self._hand_over_again()
        self._swept_at = db_now()

    def _has_slept(self) -> bool:
        """Say whether so much time has passed since the last sweep that leases may have run out."""
        longest = timedelta(seconds=SWEEP_SECONDS + conf.lease_seconds() / 2)
        return self._swept_at is not None and db_now() - self._swept_at > longest

    @staticmethod
    def _nobody_writes() -> bool:
        """Say whether no process of the product could beat of late: a full disk can still be read.

        One that nobody else's sign of life could reach would judge the first run it finds, in the
        moment in which there is room again and before its worker has beaten.
        """
        beats = Worker.objects.exclude(state=WorkerState.GONE.value)
        latest = beats.aggregate(latest=Max("beat_at"))["latest"]
        return latest is not None and db_now() - latest > SILENT

    @staticmethod
    def _any_expired() -> bool:
        """Look first: a sweep that finds nothing should not take the write lock."""
        return Execution.objects.filter(
            state__in=WITH_CLUSTER, lease_expires_at__lt=db_now()
        ).exists()

    @staticmethod
    def _sign_off_silent() -> None:
        """Sign off processes of other places that have been silent for two leases."""
        silent = timedelta(seconds=2 * conf.lease_seconds())
        for worker in workers.silent_since(db_now() - silent):
            log.warning("%s on %s is silent; taken for dead.", worker.name, worker.host)
            workers.sign_off(worker.pk)

    @staticmethod
    def _hand_over_again() -> None:
        """Push what waits although it was handed over, or should have been, a while ago.

        What waits longest for its turn first: a full queue that nobody serves stops no other.
        """
        overdue = (
            Execution.objects.filter(Q(state=ExecutionState.QUEUED.value, held=False))
            .annotate(sent_at=Coalesce(F("handed_at"), F("queued_at")))
            .filter(sent_at__lt=db_now() - HAND_OVER_AGAIN)
            .order_by("sent_at", "pk")[:HAND_OVER_BATCH]
        )
        by_queue: dict[str, list[int]] = {}
        for pk, queue in overdue.values_list("pk", "queue"):
            by_queue.setdefault(queue, []).append(pk)
        if by_queue and handover.push(by_queue):
            count = sum(map(len, by_queue.values()))
            log.info("Handed %d waiting executions to Redis again.", count)
