"""Supervise one child process: stream its output, beat, and end its whole tree when it is time.

One thread, one poll. A run ends when its main process ends: what that leaves behind gets a moment to
end by itself and is then killed, even if it holds the pipes. Time limits are monotonic.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import Enum, auto
from resource import RUSAGE_SELF, getrusage

from jobs.domain.errors import InvalidError
from jobs.domain.states import ExecutionState, Stream
from jobs.executors import verdict
from jobs.executors.base import ExecutionContext, ExecutionResult, Monitor
from jobs.executors.directives import Directives, cut
from jobs.executors.directory import directory_of, prepare_artifacts
from jobs.executors.environment import build_environment
from jobs.executors.identity import identity_of
from jobs.executors.output import Collector
from jobs.executors.proctree import LINUX, Tree, peak_rss_bytes, subreaper
from jobs.executors.spawn import Child, Exit, spawn

BEAT_SECONDS = 1.0
# What a main process leaves behind may still write its last lines.
STRAY_SECONDS = 1.0
# How often to look whether the last stray has ended: nothing reports the end of a grandchild.
STRAY_LOOK_SECONDS = 0.02
# Longest sleep when nothing else is due.
MAX_WAIT_SECONDS = 1.0

Argv = Sequence[str | bytes]


def run(candidates: Sequence[Argv], context: ExecutionContext, monitor: Monitor) -> ExecutionResult:
    """Run the first program of ``candidates`` that can be started, to its end.

    What keeps it from starting is a failed result, never an exception.
    """
    return supervise(lambda: _start(candidates, context), context, monitor)


def supervise(
    start: Callable[[], Child],
    context: ExecutionContext,
    monitor: Monitor,
    *,
    gently: bool = False,
) -> ExecutionResult:
    """Run the child that ``start`` makes to its end; an OSError of its start is a failed result.

    ``gently`` asks only the main process to end, which sees to the others; the kill takes them all.
    """
    started_at = datetime.now(UTC)
    with subreaper():
        tree = Tree()
        try:
            child = start()
        except (OSError, InvalidError) as error:
            monitor.write([], last=True)
            return verdict.not_started(error, started_at)
        supervision = _Supervision(child, tree, context, monitor, started_at, gently=gently)
        return supervision.to_the_end()


def _start(candidates: Sequence[Argv], context: ExecutionContext) -> Child:
    identity = identity_of(context.run_as)
    directory = directory_of(context, identity)
    left = prepare_artifacts(context.artifacts_dir, identity)
    context = replace(context, artifacts_dir=left) if identity else context
    environment = build_environment(context, identity=identity)
    environment[b"PWD"] = bytes(directory)
    for argv in candidates[:-1]:
        try:
            return spawn(argv, environment=environment, directory=directory, identity=identity)
        except OSError:
            continue
    return spawn(candidates[-1], environment=environment, directory=directory, identity=identity)


class _Ending(Enum):
    """Why the tree is being ended before its time."""

    TIMEOUT = auto()
    CANCEL = auto()
    FENCE = auto()


class _Supervision:
    """One run, from its start to its result."""

    def __init__(
        self,
        child: Child,
        tree: Tree,
        context: ExecutionContext,
        monitor: Monitor,
        started_at: datetime,
        *,
        gently: bool,
    ) -> None:
        self._gently = gently
        self._child = child
        self._tree = tree
        self._context = context
        self._monitor = monitor
        self._started_at = started_at
        self._start = time.monotonic()
        self._output = Collector(context.output_limit, context.mask)
        self._directives = Directives()
        self._told_progress: int | None = None
        self._ending: _Ending | None = None
        self._cancelled_by = ""
        self._timeout_at = (
            self._start + context.timeout.total_seconds() if context.timeout else None
        )
        self._soft_at = (
            self._start + context.soft_timeout.total_seconds() if context.soft_timeout else None
        )
        self._kill_at: float | None = None  # set when the tree was asked to end, or has strays
        self._beat_at = self._start + BEAT_SECONDS
        # The kernel counts the size of this process at the start of the command as the command's.
        self._own_rss = getrusage(RUSAGE_SELF).ru_maxrss * (1024 if LINUX else 1)
        self._peak_rss: int | None = None
        self._gave_up = 0  # processes that even SIGKILL did not end

    def to_the_end(self) -> ExecutionResult:
        """Supervise until nothing of the run is left; an error of the monitor ends it at once."""
        try:
            self._child.watch()
            self._monitor.started(self._child.pid, self._child.start_time)
            while not self._is_over():
                self._read(self._child.wait(self._seconds_to_wait()))
                self._keep_time()
            self._drain()
            return self._result(self._child.reap())
        except BaseException:
            self._tree.kill(self._child.pid)
            self._child.reap()
            raise
        finally:
            self._child.close()

    def _is_over(self) -> bool:
        """Tell whether main process and strays are gone; the strays get a moment to go."""
        if self._gave_up:
            return True
        if not self._child.ended:
            return False
        if not self._tree.has_strays(self._child.pid):
            return True
        if self._kill_at is None:
            self._kill_at = time.monotonic() + STRAY_SECONDS
        return False

    def _seconds_to_wait(self) -> float:
        now = time.monotonic()
        if self._child.ended:
            return STRAY_LOOK_SECONDS
        limits = (
            self._beat_at,
            self._kill_at,
            self._output.due_at(),
            self._deadline(),
            self._soft_at,
        )
        soonest = min(limit for limit in limits if limit is not None)
        return min(max(soonest - now, 0.0), MAX_WAIT_SECONDS)

    def _deadline(self) -> float | None:
        return self._timeout_at if self._ending is None and not self._child.ended else None

    def _read(self, pipes: list[int]) -> None:
        for pipe in pipes:
            stream = self._child.pipes[pipe]
            data = self._child.read(pipe)
            if data:
                self._output.add(stream, data, time.monotonic())
                if stream is Stream.STDOUT:
                    self._directives.feed(data)

    def _keep_time(self) -> None:
        now = time.monotonic()
        due_at = self._output.due_at()
        if due_at is not None and due_at <= now:
            self._monitor.write(self._output.take())
        if self._soft_at is not None and self._soft_at <= now:
            self._tell_slow(now)
        deadline = self._deadline()
        if deadline is not None and deadline <= now:
            self._end(_Ending.TIMEOUT)
        if self._kill_at is not None and self._kill_at <= now:
            self._kill_all()
        if self._beat_at <= now:
            self._beat()

    def _tell_slow(self, now: float) -> None:
        """Say once, in the log, as a warning and with the next beat, that the soft limit is over."""
        self._soft_at = None
        if self._ending is None and not self._child.ended:
            text = verdict.slow(self._context.soft_timeout)
            self._output.remark(text, now)
            self._directives.warn(text)
            self._monitor.soft_limit()

    def _beat(self) -> None:
        self._tell_progress()
        if not self._child.ended and LINUX:
            self._peak_rss = peak_rss_bytes(self._child.pid) or self._peak_rss
            self._tree.has_strays(self._child.pid)  # reaps: a long run may leave many
        answer = self._monitor.beat()
        if answer.fenced:
            self._end(_Ending.FENCE)
        elif answer.cancelled_by is not None and self._ending is None and not self._child.ended:
            self._cancelled_by = answer.cancelled_by
            self._end(_Ending.CANCEL)
        self._beat_at = time.monotonic() + BEAT_SECONDS

    def _tell_progress(self) -> None:
        percent = self._directives.progress
        if percent is not None and percent != self._told_progress:
            self._monitor.progress(percent)
            self._told_progress = percent

    def _end(self, why: _Ending) -> None:
        """Ask the tree to end and set the time of the kill; a fence allows no grace."""
        self._ending = why
        grace = self._context.grace.total_seconds()
        if why is _Ending.FENCE or grace <= 0:
            self._kill_all()
        else:
            self._kill_at = time.monotonic() + grace
            self._tree.terminate(self._child.pid, only=self._gently)

    def _kill_all(self) -> None:
        self._kill_at = None
        self._gave_up = self._tree.kill(self._child.pid)
        if self._gave_up:
            self._output.remark(f"{self._gave_up} processes could not be ended", time.monotonic())

    def _drain(self) -> None:
        """Read what is still in the pipes; bounded, should a stranger have been given one."""
        give_up = time.monotonic() + STRAY_SECONDS
        while (ready := self._child.wait(0)) and time.monotonic() < give_up:
            self._read(ready)

    def _result(self, ended: Exit) -> ExecutionResult:
        self._directives.finish()
        if fault := self._directives.fault(self._context.mask):
            self._output.remark(fault, time.monotonic())
        self._tell_progress()
        self._monitor.write(self._output.finish(), last=True)
        state, message = self._verdict(ended)
        cpu_seconds = ended.cpu_seconds
        return ExecutionResult(
            state=state,
            started_at=self._started_at,
            finished_at=datetime.now(UTC),
            seconds=time.monotonic() - self._start,
            exit_code=ended.code,
            signal=ended.signal,
            message=message,
            error=None if state is ExecutionState.SUCCEEDED else self._output.error_line(),
            result=self._directives.result,
            metrics=self._directives.metrics,
            warnings=cut(self._context.mask, self._directives.warnings),
            warning_count=self._directives.warning_count,
            output_bytes=self._output.total,
            truncated=self._output.truncated,
            cpu_seconds=None if cpu_seconds is None else cpu_seconds + self._tree.cpu_seconds,
            max_rss_bytes=self._peak(ended),
        )

    def _verdict(self, ended: Exit) -> tuple[ExecutionState, str]:
        match self._ending:
            case _Ending.TIMEOUT:
                return ExecutionState.TIMED_OUT, verdict.timed_out(self._context.timeout)
            case _Ending.CANCEL:
                return ExecutionState.CANCELLED, verdict.cancelled(self._cancelled_by)
            case _Ending.FENCE:
                return ExecutionState.LOST, verdict.FENCED
            case None:
                return verdict.of_exit(ended.code, ended.signal)

    def _peak(self, ended: Exit) -> int | None:
        reported = ended.max_rss_bytes or 0
        return reported if reported > self._own_rss else self._peak_rss
