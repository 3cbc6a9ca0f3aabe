"""The job type ``http``: one request, and a verdict on its answer.

The request runs in a thread of the worker, not in a process: a Python of its own would cost 100 ms
and 20 MB where the request costs a few milliseconds. What would make it last is waiting on its
connection, and that ends at once when the supervisor shuts the connection down: by a timeout, a
cancel, or the end of the worker, with which the kernel closes it.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from jobs.domain.masking import Mask
from jobs.domain.states import ExecutionState
from jobs.executors import verdict
from jobs.executors.base import Chunk, ExecutionContext, ExecutionResult, Monitor
from jobs.executors.http_exchange import Exchange, Outcome
from jobs.executors.http_line import Line
from jobs.executors.http_secrets import secrets_of
from jobs.executors.http_spec import HttpSpec
from jobs.executors.http_url import parse_url
from jobs.executors.output import Collector

BEAT_SECONDS = 1.0
MESSAGE = 500  # cut after masking: a piece of a secret would not be found
MAX_WAIT_SECONDS = 1.0
# A thread whose line was cut ends in milliseconds; only a name server that does not answer holds
# it longer, and then it ends without having connected.
PARTING_SECONDS = 0.25


class HttpExecutor:
    """Make a request, log the answer and judge it."""

    spec_model = HttpSpec

    def execute(
        self, spec: HttpSpec, context: ExecutionContext, monitor: Monitor
    ) -> ExecutionResult:
        """Make the request; whatever the server does is a result."""
        return _Supervision(spec, context, monitor).to_the_end()


class _Supervision:
    """One request from its start to its result."""

    def __init__(self, spec: HttpSpec, context: ExecutionContext, monitor: Monitor) -> None:
        self._context = context
        self._monitor = monitor
        self._line = Line(context.http_allowed)
        self._events: SimpleQueue[Chunk | Outcome] = SimpleQueue()
        credentials = Mask(_hidden(spec, context))
        self._exchange = Exchange(spec, self._line, credentials, self._events.put)
        self._output = Collector(context.output_limit, context.mask)
        self._outcome: Outcome | None = None
        self._ended: tuple[ExecutionState, str] | None = None  # before its time, and why
        self._started_at = datetime.now(UTC)
        self._start = time.monotonic()
        self._beat_at = self._start + BEAT_SECONDS
        self._timeout_at = (
            self._start + context.timeout.total_seconds() if context.timeout else None
        )

    def to_the_end(self) -> ExecutionResult:
        """Supervise until there is an outcome; an error of the monitor ends the request at once."""
        self._exchange.start()
        try:
            while self._outcome is None and self._ended is None:
                self._take(self._seconds_to_wait())
                self._keep_time()
        finally:
            self._line.cut()
        self._part()
        return self._result()

    def _seconds_to_wait(self) -> float:
        limits = (self._beat_at, self._timeout_at, self._output.due_at())
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
        if self._timeout_at is not None and self._timeout_at <= now:
            self._ended = ExecutionState.TIMED_OUT, verdict.timed_out(self._context.timeout)
        elif self._beat_at <= now:
            self._beat()

    def _beat(self) -> None:
        answer = self._monitor.beat()
        if answer.fenced:
            self._ended = ExecutionState.LOST, verdict.FENCED
        elif answer.cancelled_by is not None:
            self._ended = ExecutionState.CANCELLED, verdict.cancelled(answer.cancelled_by)
        self._beat_at = time.monotonic() + BEAT_SECONDS

    def _part(self) -> None:
        """Let the thread go, and take what it had told."""
        self._exchange.join(PARTING_SECONDS)
        while self._outcome is None and not self._events.empty():
            self._take(0)

    def _result(self) -> ExecutionResult:
        self._monitor.write(self._output.finish(), last=True)
        outcome = self._outcome or Outcome()
        state, message = self._ended or (
            ExecutionState.FAILED if outcome.fault else ExecutionState.SUCCEEDED,
            outcome.fault,
        )
        return ExecutionResult(
            state=state,
            started_at=self._started_at,
            finished_at=datetime.now(UTC),
            seconds=time.monotonic() - self._start,
            message=self._context.mask.text(message)[:MESSAGE],
            result=self._context.mask.value(outcome.result),
            metrics=outcome.metrics,
            output_bytes=self._output.total,
            truncated=self._output.truncated,
        )


def _hidden(spec: HttpSpec, context: ExecutionContext) -> list[str]:
    """Return what no line of the log may show.

    An address is shown in its normal form, in which the mask may not find a secret that stands in it
    as it was written: its path is hidden then.
    """
    target = parse_url(spec.url)
    hidden = list(secrets_of(target, spec.headers))
    if context.mask.text(spec.url) != spec.url and context.mask.text(str(target)) == str(target):
        hidden.append(target.path)
    return hidden
