"""What the runner does while an execution runs: store its output, renew its lease, hear a cancel.

The database may be away for minutes: the child goes on meanwhile, its output waits in memory up to
a bound, and nothing of it is lost that fits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from django.conf import settings
from django.db import connection

from jobs import conf
from jobs.domain.loglines import Place
from jobs.domain.states import Stream
from jobs.engine.outage import OUTAGE
from jobs.executors import BeatAnswer, Chunk
from jobs.services import executions, logs
from jobs.services.running import Running

log = logging.getLogger("scheduler.runner")

# Output kept in memory while the database is away; four workers may need it at once.
PENDING_BYTES = 8_000_000
SHUTDOWN = "the server, which is stopping"
LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")


class DatabaseMonitor:
    """Keep one execution's row and log up to date.

    ``fenced``: the execution is no longer this worker's; nothing may be written about it.
    """

    def __init__(self, running: Running, *, aborting: Callable[[], bool]) -> None:
        """Watch over ``running``; ``aborting`` says whether the pool ends what it runs."""
        self._running = running
        self._aborting = aborting
        self.fenced = False
        self._log_at = running.log_at
        self._pending: list[Chunk] = []
        self._pending_bytes = 0
        self._in_doubt = 0  # the first so many pending pieces were perhaps stored
        self._dropped = 0
        self._progress: int | None = None
        self._is_slow = False  # to be told with the next beat
        self._heard_at = time.monotonic()

    def started(self, pid: int, start_time: int | None) -> None:
        """Note nothing: the worker's own pid stands in the row, and its death ends the child."""

    def write(self, chunks: Sequence[Chunk], *, last: bool = False) -> None:
        """Store output; the last pieces wait for the verdict and share its transaction."""
        for chunk in chunks:
            self._keep(chunk)
        if last or not self._pending or self.fenced:
            return
        try:
            self._settle_doubt()
            self._in_doubt = len(self._pending)
            self._log_at = logs.write(
                self._running.execution_id, self._running.attempt, self._pending, at=self._log_at
            )
        except OUTAGE as error:
            _away(error)
            return
        self._forget_pending()

    def _keep(self, chunk: Chunk) -> None:
        """Add a piece to what waits; beyond the bound it is only counted."""
        if self._dropped or self._pending_bytes + len(chunk.data) > PENDING_BYTES:
            self._dropped += len(chunk.data)
        else:
            self._pending.append(chunk)
            self._pending_bytes += len(chunk.data)

    def _forget_pending(self) -> None:
        """Begin anew after everything was stored, with a mark where something is missing."""
        self._pending = self._mark()
        self._pending_bytes = self._in_doubt = self._dropped = 0

    def _mark(self) -> list[Chunk]:
        """Return the visible mark of what was dropped, if anything."""
        text = f"[{self._dropped} bytes not kept: the database was away]\n"
        return [Chunk(Stream.SYSTEM, text.encode())] if self._dropped else []

    def _settle_doubt(self) -> None:
        """Find out whether a write that failed was stored all the same, and forget it then."""
        if not self._in_doubt:
            return
        position = logs.position(self._running.execution_id)
        if position != self._log_at:
            del self._pending[: self._in_doubt]
            self._log_at = position
        self._in_doubt = 0

    def rest(self) -> tuple[list[Chunk], Place]:
        """Return what the verdict's transaction must store, and at which place of the log."""
        self._settle_doubt()
        return self._pending + self._mark(), self._log_at

    def progress(self, percent: int) -> None:
        """Keep the newest progress for the next beat."""
        self._progress = percent

    def soft_limit(self) -> None:
        """Let the next beat tell that the soft limit is over: it costs no query of its own."""
        self._is_slow = True

    def beat(self) -> BeatAnswer:
        """Renew the lease and learn whether to go on."""
        if self._aborting():
            return BeatAnswer(cancelled_by=SHUTDOWN)
        try:
            answer = executions.beat(self._running, progress=self._progress, is_slow=self._is_slow)
        except OUTAGE as error:
            _away(error)
            return BeatAnswer(fenced=self._is_cut_off())
        self._heard_at = time.monotonic()
        self._progress = None
        self._is_slow = False
        self.fenced = not answer.alive
        return BeatAnswer(cancelled_by=answer.cancelled_by or None, fenced=self.fenced)

    def alive(self) -> bool:
        """Renew the lease when it is time; False when the execution is no longer this worker's.

        For what takes its time after the job's end; a cancel comes too late for that.
        """
        if time.monotonic() - self._heard_at > conf.beat_seconds():
            self.beat()
        return not self.fenced

    def _is_cut_off(self) -> bool:
        """Say whether others may have taken the execution for lost, and run it again.

        True after a whole lease without the database, if that is on another host: then perhaps only
        this host is cut off. A database of this host is away for everybody, who all wait for it.
        """
        host = str(settings.DATABASES["default"].get("HOST") or "")
        if connection.vendor != "postgresql" or host in LOCAL_HOSTS or host.startswith("/"):
            return False
        self.fenced = time.monotonic() - self._heard_at > conf.lease_seconds()
        return self.fenced


def _away(error: Exception) -> None:
    """Note that the database did not answer, and let the next attempt connect anew."""
    log.warning("The database does not answer; the execution goes on without it: %s", error)
    connection.close()
