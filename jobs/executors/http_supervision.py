"""Supervise a thread that talks to a server: time limit, beats, output, and the end of it all.

The thread waits on its one connection, the line. Cutting that ends the thread at once, whatever it
waits for; so a timeout and a cancel need neither a process nor the server's help.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from queue import Empty, SimpleQueue
from threading import Thread

from jobs.domain.states import ExecutionState
from jobs.executors import verdict
from jobs.executors.base import Chunk, ExecutionContext, ExecutionResult, Monitor
from jobs.executors.http_exchange import Outcome
from jobs.executors.http_line import Line
from jobs.executors.output import Collector

BEAT_SECONDS = 1.0
MESSAGE = 500  # cut after masking: a piece of a secret would not be found
MAX_WAIT_SECONDS = 1.0
KEPT_WARNINGS = 20
# A thread whose line was cut ends in milliseconds; only a name server that does not answer holds
# it longer, and then it ends without having connected.
PARTING_SECONDS = 0.25

Event = Chunk | Outcome


class Supervision:
    """One conversation from its start to its result."""

    def __init__(
        self,
        context: ExecutionContext,
        monitor: Monitor,
        line: Line,
        thread: Callable[[Callable[[Event], None]], Thread],
        *,
        timed_out: Callable[[timedelta | None], str] = verdict.timed_out,
    ) -> None:
        """Take what makes the thread from where it reports, and how a timeout is called."""
        self._context = context
        self._monitor = monitor
        self._line = line
        self._timed_out = timed_out
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._thread = thread(self._events.put)
        self._output = Collector(context.output_limit, context.mask)
        self._outcome: Outcome | None = None
        self._ended: tuple[ExecutionState, str] | None = None  # before its time, and why
        self._started_at = datetime.now(UTC)
        self._start = time.monotonic()
        self._beat_at = self._start + BEAT_SECONDS
        self._timeout_at = (
            self._start + context.timeout.total_seconds() if context.timeout else None
        )
        self._soft_at = (
            self._start + context.soft_timeout.total_seconds() if context.soft_timeout else None
        )
        self._warnings: list[str] = []

    def to_the_end(self) -> ExecutionResult:
        """Supervise until there is an outcome; an error of the monitor ends it at once."""
        self._thread.start()
        try:
            while self._outcome is None and self._ended is None:
                self._take(self._seconds_to_wait())
                self._keep_time()
        finally:
            self._line.cut()
        self._part()
        return self._result()

    def _seconds_to_wait(self) -> float:
        limits = (self._beat_at, self._timeout_at, self._output.due_at(), self._soft_at)
        soonest = min(limit for limit in limits if limit is not None)
        return min(max(soonest - time.monotonic(), 0.0), MAX_WAIT_SECONDS)

    def _take(self, seconds: float) -> None:
        """Wait for what comes next, and take it; an outcome is the last thing to come."""
        try:
            event = self._events.get(timeout=seconds) if seconds else self._events.get_nowait()
        except Empty:
            return
        if isinstance(event, Outcome):
            self._outcome = event
        else:
            self._output.add(event.stream, event.data, time.monotonic())

    def _keep_time(self) -> None:
        if self._outcome is not None:
            return
        now = time.monotonic()
        due_at = self._output.due_at()
        if due_at is not None and due_at <= now:
            self._monitor.write(self._output.take())
        if self._soft_at is not None and self._soft_at <= now:
            self._tell_slow(now)
        if self._timeout_at is not None and self._timeout_at <= now:
            self._ended = ExecutionState.TIMED_OUT, self._timed_out(self._context.timeout)
        elif self._beat_at <= now:
            self._beat()

    def _tell_slow(self, now: float) -> None:
        """Say once, in the log, as a warning and with the next beat, that the soft limit is over."""
        self._soft_at = None
        text = verdict.slow(self._context.soft_timeout)
        self._output.remark(text, now)
        self._warnings.append(text)
        self._monitor.soft_limit()

    def _beat(self) -> None:
        answer = self._monitor.beat()
        if answer.fenced:
            self._ended = ExecutionState.LOST, verdict.FENCED
        elif answer.cancelled_by is not None:
            self._ended = ExecutionState.CANCELLED, verdict.cancelled(answer.cancelled_by)
        self._beat_at = time.monotonic() + BEAT_SECONDS

    def _part(self) -> None:
        """Let the thread go, and take what it had told."""
        self._thread.join(PARTING_SECONDS)
        while self._outcome is None and not self._events.empty():
            self._take(0)

    def _result(self) -> ExecutionResult:
        self._monitor.write(self._output.finish(), last=True)
        outcome = self._outcome or Outcome()
        state, message = self._ended or (
            ExecutionState.FAILED if outcome.fault else ExecutionState.SUCCEEDED,
            outcome.fault or outcome.message,
        )
        warnings = [*self._warnings, *map(self._context.mask.text, outcome.warnings)]
        return ExecutionResult(
            state=state,
            started_at=self._started_at,
            finished_at=datetime.now(UTC),
            seconds=time.monotonic() - self._start,
            message=self._context.mask.text(message)[:MESSAGE],
            result=self._context.mask.value(outcome.result),
            metrics=outcome.metrics,
            warnings=tuple(warnings[:KEPT_WARNINGS]),
            warning_count=len(warnings),
            output_bytes=self._output.total,
            truncated=self._output.truncated,
        )
