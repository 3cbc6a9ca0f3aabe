"""A loop of small steps that survives any step's error and ends calmly when asked to."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from types import FrameType

from django.db import DatabaseError, connection

from jobs.polling import Flag

log = logging.getLogger("scheduler.loop")

# After an error: long enough not to fill the log, short enough to be back at once.
ERROR_PAUSE_SECONDS = 0.5


class StopFlag(Flag):
    """Raised by SIGTERM or SIGINT; counts how often it was asked for."""

    def __init__(self) -> None:
        """Start with nobody asking."""
        super().__init__()
        self.times = 0

    def install(self, *, insisting: signal.Signals | None = None) -> None:
        """Let the stop signals of this process raise the flag; for the main thread.

        With ``insisting``, only that signal counts as asking again: a stop signal for a whole group
        arrives once from whoever sent it and once from the supervisor.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._asked if insisting is None else self._asked_once)
        if insisting is not None:
            signal.signal(insisting, self._asked)

    def _asked(self, _number: int, _frame: FrameType | None) -> None:
        """Handle a stop signal."""
        self.times += 1
        self.set()

    def _asked_once(self, _number: int, _frame: FrameType | None) -> None:
        """Handle a stop signal that may be a copy of the last one."""
        self.times = max(self.times, 1)
        self.set()


class Loop:
    """Call ``step`` until the flag is up; sleep by ``wait`` whenever a step had no work.

    ``wait`` gets the flag and must return when it is raised.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], bool],
        *,
        wait: Callable[[Flag], object],
        stop: Flag,
    ) -> None:
        """Take the parts; ``name`` is for the log."""
        self._name = name
        self._step = step
        self._wait = wait
        self._stop = stop
        self._failing = False

    def run(self) -> None:
        """Go on until asked to stop; one error of a step never ends the loop."""
        try:
            while not self._stop.is_set():
                self._once()
        finally:
            connection.close()

    def _once(self) -> None:
        try:
            if not self._step():
                self._wait(self._stop)
            if self._failing:
                log.info("%s works again.", self._name)
            self._failing = False
        except Exception as error:  # noqa: BLE001 - the loop survives any error of one step
            self._tell(error)
            if isinstance(error, DatabaseError):
                connection.close()  # it may be broken; the next step opens another
            self._stop.wait(ERROR_PAUSE_SECONDS)

    def _tell(self, error: Exception) -> None:
        """Say it in full once; while the same trouble lasts, not twice a second again."""
        if not self._failing:
            log.error("%s failed, will try again: %s", self._name, error, exc_info=error)
        self._failing = True
