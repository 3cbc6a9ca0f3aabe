"""The dispatcher process: the dispatch loop, and beside it in threads what keeps house."""

from __future__ import annotations

import logging
import socket
import threading
import time
from datetime import datetime
from typing import Protocol

from django.db import DatabaseError, connection
from django.utils import timezone

from jobs import wake
from jobs.domain import zones
from jobs.engine import dead_man, pulling
from jobs.engine.alerter import Alerter, Notifier
from jobs.engine.dispatcher import LONGEST_SLEEP, Dispatcher
from jobs.engine.files import FileKeeper
from jobs.engine.heartbeat import Presence, place
from jobs.engine.loop import Loop, StopFlag
from jobs.engine.rescuer import Rescuer
from jobs.engine.telemetry import telemetry
from jobs.models import WorkerKind
from jobs.polling import Flag
from jobs.queries.due import next_moment
from jobs.services import cron_jobs, events, rollups, zone_data
from jobs.services.writing import write_transaction

log = logging.getLogger("scheduler.dispatch")

# A sweep that waits for the database may take this long to notice a stop.
JOIN_SECONDS = 5.0
# Another dispatcher may be at what is due; do not spin until it has committed.
LEAST_SLEEP = 0.002
# What is known of the next due time is asked for again, whatever the listener says.
ASK_SECONDS = 5.0


class Keeper(Protocol):
    """What keeps house beside the dispatch loop."""

    def step(self) -> bool:
        """Do some work; say whether there is more."""

    def wait(self, stop: Flag) -> None:
        """Sleep until there may be work again."""


class DispatchProcess:
    """One dispatcher with its sign of life, its rescuer and its alerter; any number may run."""

    def __init__(self, *, name: str) -> None:
        """Describe the process; nothing runs yet."""
        self._stop = StopFlag()
        self._dispatcher = Dispatcher()
        self._presence = Presence(WorkerKind.DISPATCHER, name=name, queues=[], slots=0)
        self._listener = wake.Listener(wake.JOBS)
        self._known = False
        self._next_at: datetime | None = None
        self._asked_at = 0.0
        self._arrived = False

    def run(self) -> None:
        """Dispatch until asked to stop."""
        self._stop.install()
        keepers = (
            Rescuer(),
            Alerter(),
            Notifier(),
            FileKeeper(),
            pulling.puller(),
            dead_man.switch(),
            telemetry(),
        )
        threads = [self._beside(one) for one in keepers if one is not None]
        Loop("Dispatcher", self._step, wait=self._wait, stop=self._stop).run()
        give_up = time.monotonic() + JOIN_SECONDS
        for thread in threads:
            thread.join(max(give_up - time.monotonic(), 0.1))
        self._leave()

    def _beside(self, keeper: Keeper) -> threading.Thread:
        """Start what keeps house, in a thread of its own."""
        name = type(keeper).__name__
        loop = Loop(name, keeper.step, wait=keeper.wait, stop=self._stop)
        thread = threading.Thread(target=loop.run, name=name.lower(), daemon=True)
        thread.start()
        return thread

    def _step(self) -> bool:
        """Dispatch what is due; looks first, since a dispatch takes the write lock."""
        if self._presence.tick(lag=self._dispatcher.lag):
            self._keep_lateness()
        if not self._arrived:
            self._arrive()
        if not self._is_due():
            return False
        self._known = False
        return self._dispatcher.step()

    def _keep_lateness(self) -> None:
        """Add what was dispatched since the last sign of life to the product's own figures."""
        late, self._dispatcher.late_seconds = self._dispatcher.late_seconds, []
        if late:
            with write_transaction():
                rollups.add_lateness(timezone.now(), late)

    def _arrive(self) -> None:
        """Take note of what changed while no dispatcher looked: zone rules, the code's jobs, boots."""
        self._arrived = True
        for what in (_take_over_zones, cron_jobs.sync, _report_boot):
            try:
                what()
            except DatabaseError:
                self._arrived = False
                raise
            except Exception:
                # Dispatching is more than any of these; the next start tries again.
                log.exception("A part of the dispatcher's start failed")

    def _is_due(self) -> bool:
        """Say whether the next due time has come; asks the database only if it may have changed."""
        if not self._known:
            self._next_at = next_moment()
            self._known = True
            self._asked_at = time.monotonic()
        return self._next_at is not None and self._next_at <= timezone.now()

    def _wait(self, stop: Flag) -> None:
        """Sleep until the next due time, an edit, or the next sign of life."""
        seconds = min(LONGEST_SLEEP, self._presence.due_in())
        if self._next_at is not None:
            until = (self._next_at - timezone.now()).total_seconds()
            seconds = max(LEAST_SLEEP, min(seconds, until))
        changed = self._listener.wait(seconds, stop)
        if changed or time.monotonic() - self._asked_at > ASK_SECONDS:
            self._known = False

    def _leave(self) -> None:
        """Sign off; without the database others notice by themselves."""
        try:
            self._keep_lateness()
            self._presence.sign_off()
        except DatabaseError as error:
            log.warning("Left without signing off: %s", error)
        self._listener.close()
        connection.close()


def _take_over_zones() -> None:
    """Plan again what newer zone rules move."""
    zone_data.take_over(zones.VERSION, timezone.now())


def _report_boot() -> None:
    """Report that this host booted, where that can be known."""
    boot = place()
    if boot:
        events.report_boot(socket.gethostname(), boot)
