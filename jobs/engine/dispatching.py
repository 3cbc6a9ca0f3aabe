"""The dispatcher process: the dispatch loop, and beside it in threads what keeps house."""

from __future__ import annotations

import logging
import threading

from django.db import DatabaseError, connection

from jobs import wake
from jobs.engine.dispatcher import Dispatcher
from jobs.engine.heartbeat import Presence
from jobs.engine.loop import Loop, StopFlag
from jobs.engine.rescuer import Rescuer
from jobs.models import WorkerKind
from jobs.polling import Flag

log = logging.getLogger("scheduler.dispatch")

# A sweep that waits for the database may take this long to notice a stop.
JOIN_SECONDS = 5.0


class DispatchProcess:
    """One dispatcher with its sign of life and its rescuer; any number may run."""

    def __init__(self, *, name: str) -> None:
        """Describe the process; nothing runs yet."""
        self._stop = StopFlag()
        self._dispatcher = Dispatcher()
        self._presence = Presence(WorkerKind.DISPATCHER, name=name, queues=[], slots=0)
        self._listener = wake.Listener(wake.JOBS)

    def run(self) -> None:
        """Dispatch until asked to stop."""
        self._stop.install()
        rescuer = Rescuer()
        thread = threading.Thread(
            target=Loop("Rescuer", rescuer.step, wait=rescuer.wait, stop=self._stop).run,
            name="rescuer",
            daemon=True,
        )
        thread.start()
        Loop("Dispatcher", self._step, wait=self._wait, stop=self._stop).run()
        thread.join(JOIN_SECONDS)
        self._leave()

    def _step(self) -> bool:
        """Dispatch what is due; looks first, since a dispatch takes the write lock."""
        self._presence.tick(lag=self._dispatcher.lag)
        if self._dispatcher.sleep_seconds() > 0:
            return False
        return self._dispatcher.step()

    def _wait(self, stop: Flag) -> None:
        """Sleep until the next due time, an edit, or the next sign of life."""
        seconds = min(self._dispatcher.sleep_seconds(), self._presence.due_in())
        self._listener.wait(seconds, stop)

    def _leave(self) -> None:
        """Sign off; without the database others notice by themselves."""
        try:
            self._presence.sign_off()
        except DatabaseError as error:
            log.warning("Left without signing off: %s", error)
        self._listener.close()
        connection.close()
