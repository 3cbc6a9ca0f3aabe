"""Inside the forked child of a Python job: forget the worker, run the work, report, end.

What is left of the worker: its memory, and with it Django, set up, with the project's settings. What
is not: its environment, its open files, its database connections, its signal handlers.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import io
import json
import logging
import os
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn

from django.core.management.base import CommandError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper as SqliteConnection

from jobs.executors.base import ExecutionContext
from jobs.executors.directives import MAX_LINE_BYTES, parse_json
from jobs.executors.environment import EXECUTION_VARIABLE, INSTANCE_VARIABLE
from jobs.executors.identity import Identity
from jobs.executors.limits import CPU_GRACE, Limits
from jobs.executors.proctree import LINUX
from jobs.executors.spawn import UMASK
from jobs.registry.context import Cancelled, JobContext, new_line

# What the child calls; what it returns is the job's answer, and may be awaitable.
Work = Callable[[JobContext], Any]

LINE = "{asctime}.{msecs:03.0f} {levelname} {name}: {message}"
DAY_AND_TIME = "%Y-%m-%d %H:%M:%S"
FAILED = 1
_HERE = str(Path(__file__).parent)
_RESET = (
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGCHLD,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)
# Keeps alive what must neither be used nor closed here: a finaliser would speak on the worker's
# connection, or close a number that is somebody else's by then.
_kept: list[object] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Handles:
    """The descriptors that lead out of the child."""

    out: int
    err: int
    report: int


class _Output(io.TextIOWrapper):
    """Standard output that knows whether a line has begun."""

    at_line_start = True

    def write(self, text: str) -> int:
        """Write, and remember how it ended."""
        if text:
            self.at_line_start = text.endswith("\n")
        return super().write(text)


def become(
    work: Work,
    context: ExecutionContext,
    *,
    environment: Mapping[bytes, bytes],
    directory: Path,
    handles: Handles,
    limits: Limits | None,
    identity: Identity | None = None,
) -> NoReturn:
    """Turn this forked process into the job and never return."""
    code = FAILED
    try:
        os.setsid()
        # Nothing of the worker is collected here, and its pages stay shared.
        gc.freeze()
        _take_streams(handles)
        os.umask(UMASK)
        os.chdir(directory)
        _take_environment(environment)
        _renew_logging()
        _renew_databases()
        inner = _context_of(context)
        _take_signals(inner)
        _take_limits(limits)
        if identity is not None:
            identity.give(sys.stdout.fileno())
            identity.give(sys.stderr.fileno())
            identity.become()
        code = _run(work, inner, handles.report)
    except BaseException:  # noqa: BLE001 - the last frame of this process
        traceback.print_exc()
    finally:
        _flush()
        os._exit(code)


# --- Forgetting the worker ------------------------------------------------------------------------


def _take_streams(handles: Handles) -> None:
    """Give the job empty input and its own output, and put nothing in the place of all else.

    Other descriptors are not closed but made to lead nowhere: objects of the worker that still hold
    a number can then do no harm with it.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(handles.out, 1)
    os.dup2(handles.err, 2)
    for number in _open_handles():
        if number not in (0, 1, 2, null, handles.report):
            os.dup2(null, number, inheritable=False)
    _kept.extend((sys.stdin, sys.stdout, sys.stderr))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - lives as long as we
    sys.stdout = _stream(1)
    sys.stderr = _stream(2)
    faulthandler.enable(file=2)


def _open_handles() -> Iterable[int]:
    try:
        return [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - names only
    except OSError:
        return range(3, 256)


def _stream(number: int) -> _Output:
    raw = io.FileIO(number, "w", closefd=False)
    return _Output(
        io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
    )


def _take_environment(environment: Mapping[bytes, bytes]) -> None:
    """Leave nothing of the worker's environment: not in Python, not in C, not in /proc."""
    os.environb.clear()
    os.environb.update(environment)
    time.tzset()
    if LINUX:
        _overwrite_first_environment(environment)


def _overwrite_first_environment(environment: Mapping[bytes, bytes]) -> None:
    """Write the job's variables over those with which the worker's program was started.

    That memory is what /proc shows as the environment of a forked process. Jobdeck's marks come
    first: by them the processes of a job are found again after a crash.
    """
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    start, end = int(fields[47]), int(fields[48])
    room = end - start
    if start == 0 or room <= 0:
        return
    marks = (INSTANCE_VARIABLE.encode(), EXECUTION_VARIABLE.encode())
    names = [*marks, *(name for name in environment if name not in marks)]
    text = b""
    for name in names:
        entry = name + b"=" + environment[name] + b"\0"
        if len(text) + len(entry) <= room:
            text += entry
    ctypes.memmove(start, text.ljust(room, b"\0"), room)


def _renew_logging() -> None:
    """Let what the job logs go to its own output, from INFO on; files are opened anew."""
    for logger in _loggers():
        for handler in list(logger.handlers):
            if isinstance(handler, logging.FileHandler):
                _kept.append(handler.stream)
                handler.stream = None  # opened by the next line
                handler.mode = "a"
            elif isinstance(handler, logging.StreamHandler):
                logger.removeHandler(handler)
                _kept.append(handler)
                logger.propagate = True
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(logging.Formatter(LINE, DAY_AND_TIME, style="{"))
    logging.root.addHandler(out)
    logging.root.setLevel(logging.INFO)


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(one for one in known if isinstance(one, logging.Logger))]


def _renew_databases() -> None:
    """Forget the worker's connections without a word on them; the job opens its own when needed."""
    for connection in connections.all(initialized_only=True):
        if isinstance(connection, SqliteConnection) and connection.is_in_memory_db():
            continue  # a copy of its own, which came with the memory
        _kept.append(connection)
        del connections[connection.alias]


def _take_signals(context: JobContext) -> None:
    """Handle signals as a fresh interpreter does, but for SIGTERM, which ends the run in order."""
    signal.set_wakeup_fd(-1)
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda _number, _frame: _end(context))
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _take_limits(limits: Limits | None) -> None:
    """Let the kernel limit this process, and what it starts, from now on."""
    if limits is None:
        return
    if limits.open_files is not None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limits.open_files, limits.open_files))
    if limits.cpu_seconds is not None:
        most = limits.cpu_seconds + CPU_GRACE
        resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, most))
    if limits.memory_bytes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    if limits.nice:
        os.nice(limits.nice)


# --- Running --------------------------------------------------------------------------------------

# How an async job is interrupted: set while its loop runs.
_interrupt: list[Callable[[], object]] = []


def _end(context: JobContext) -> None:
    """Tell the job to end; interrupt one that does not look for that by itself."""
    if context.cancel():
        return
    if _interrupt:
        _interrupt[0]()
        return
    raise Cancelled("The run was asked to end.")


def _context_of(context: ExecutionContext) -> JobContext:
    """Return the run as the job sees it."""
    return JobContext(
        execution_id=context.execution_id,
        job_id=context.job_id,
        job_name=context.job_name,
        attempt=context.attempt,
        scheduled_for=context.scheduled_for,
        trigger=context.trigger.value,
        parameters=dict(context.parameters),
        artifacts_dir=context.artifacts_dir,
        deadline=None if context.timeout is None else datetime.now(UTC) + context.timeout,
        say=new_line,
    )


def _run(work: Work, context: JobContext, report: int) -> int:
    """Run the work, report how it ended, and return the exit status."""
    code, said = _outcome(work, context)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # what is left to do may be ended at any point
    _write(report, said)
    _flush()
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - as an interpreter's end does
    with contextlib.suppress(Exception):
        connections.close_all()
    return code


def _outcome(work: Work, context: JobContext) -> tuple[int, dict[str, Any]]:
    try:
        value = work(context)
        if isinstance(value, Awaitable):
            value = _awaited(value)
        return _of_value(value)
    except SystemExit as error:
        return _of_exit(error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it ends the run and is told
        return _of_error(error)


def _awaited(value: Awaitable[Any]) -> Any:
    """Run an async job in a loop of its own; a request to end cancels its task."""
    import asyncio

    async def main() -> Any:
        task = asyncio.ensure_future(value)
        loop = asyncio.get_running_loop()
        _interrupt[:] = [lambda: loop.call_soon_threadsafe(task.cancel)]
        try:
            return await task
        finally:
            _interrupt.clear()

    return asyncio.run(main())


def _of_value(value: Any) -> tuple[int, dict[str, Any]]:
    """Read what a job returned: the dict of the seed, an error, or a value to keep."""
    if isinstance(value, BaseException):
        return _of_error(value)
    succeeded, message, data = True, "", value
    if isinstance(value, Mapping) and "success" in value:
        succeeded = bool(value["success"])
        message = str(value.get("message") or "")
        data = value.get("data")
    result, fault = _as_json(data)
    if fault:
        sys.stderr.write(f"The result is not kept: {fault}\n")
        message = message or f"The result is not kept: {fault}"
    if not succeeded and not message:
        message = "The job says that it failed"
    return (0 if succeeded else FAILED), _said(succeeded, message, None, result)


def _of_exit(error: SystemExit) -> tuple[int, dict[str, Any]]:
    """Judge a job that called sys.exit()."""
    if error.code in (None, 0):
        return 0, _said(True, "", None, None)
    if isinstance(error.code, int):
        message = f"SystemExit: exit status {error.code}"
        return error.code & 0xFF or FAILED, _said(False, message, message, None)
    sys.stderr.write(f"{error.code}\n")
    return FAILED, _said(False, str(error.code), str(error.code), None)


def _of_error(error: BaseException) -> tuple[int, dict[str, Any]]:
    """Print and report an exception with the trace of the job's own code.

    A management command's own error needs no trace, and has an exit status.
    """
    if isinstance(error, CommandError):
        message = f"CommandError: {error}"
        sys.stderr.write(f"{message}\n")
        return error.returncode & 0xFF or FAILED, _said(False, message, message, None)
    trace = _own_trace(error.__traceback__)
    text = "".join(traceback.format_exception(type(error), error, trace)).rstrip()
    sys.stderr.write(f"{text}\n")
    (*_, message) = traceback.format_exception_only(type(error), error)
    return FAILED, _said(False, message.strip(), text, None)


def _own_trace(trace: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of Jobdeck that lead to the job's code; all, if there are no others."""
    inner = trace
    while inner is not None and _is_ours(inner.tb_frame):
        inner = inner.tb_next
    return inner or trace


def _is_ours(frame: FrameType) -> bool:
    name = frame.f_code.co_filename
    return name.startswith(_HERE) or "/asyncio/" in name or "/jobs/registry/" in name


def _as_json(value: Any) -> tuple[str | None, str]:
    """Return a value as the text to store, and why it cannot be."""
    if value is None:
        return None, ""
    try:
        text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, allow_nan=False)
        parse_json(text)  # refuses what a database would not take
    except (TypeError, ValueError, RecursionError) as error:
        return None, str(error)
    size = len(text.encode())
    if size > MAX_LINE_BYTES:
        return None, f"it has {size:,} bytes, at most {MAX_LINE_BYTES:,} fit"
    return text, ""


def _said(succeeded: bool, message: str, error: str | None, result: str | None) -> dict[str, Any]:
    return {
        "succeeded": succeeded,
        "message": message.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        "error": None if error is None else error.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        "result": result,
    }


def _write(report: int, said: dict[str, Any]) -> None:
    """Leave the report for the parent; lone surrogates, which no database takes, are replaced."""
    clean = {
        name: value.encode(errors="replace").decode() if isinstance(value, str) else value
        for name, value in said.items()
    }
    data = memoryview(json.dumps(clean).encode())
    while data:
        data = data[os.write(report, data) :]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
