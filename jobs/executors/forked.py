"""Run Python in a forked child: supervised, limited and killed like any other job.

A fork of the warmed worker costs some milliseconds, a fresh interpreter with Django half a second
(`docs/reference/python.md` has the figures). What the child sees is settled in `python_child`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

from django.db import connections

from jobs.domain.masking import Mask
from jobs.domain.states import ExecutionState, Stream
from jobs.executors import python_child
from jobs.executors.base import ExecutionContext, ExecutionResult, Monitor
from jobs.executors.directives import parse_json
from jobs.executors.directory import directory_of, prepare_artifacts
from jobs.executors.environment import build_environment
from jobs.executors.identity import identity_of
from jobs.executors.limits import Limits
from jobs.executors.process import supervise
from jobs.executors.proctree import LINUX, pid_start_time
from jobs.executors.python_child import Work
from jobs.executors.spawn import Child, Forked

# What a job's code may need to start Python of its own; it holds no secret.
PASSED_ON = "DJANGO_SETTINGS_MODULE"
# Held back between fork and the child's own handlers: a signal in that moment would be lost.
_HELD = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2})
ENDED_ITSELF = "The job ended its process by itself, without a result"


MAX_TRACE_CHARACTERS = 20_000
MAX_MESSAGE_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class _Report:
    """What the child says about its end."""

    succeeded: bool
    message: str
    error: str | None
    result: Any


def run_forked(
    work: Work,
    context: ExecutionContext,
    monitor: Monitor,
    *,
    limits: Limits | None = None,
    gently: bool = False,
) -> ExecutionResult:
    """Call ``work`` in a child of its own, within ``limits``, and return how it went.

    ``gently`` is for work that has processes of its own and ends them in order when asked.
    """
    with _report_file() as file:
        pids: list[int] = []

        def start() -> Child:
            child = _fork(work, context, file.fileno(), limits)
            pids.append(child.pid)
            return child

        result = supervise(start, context, monitor, gently=gently)
        return _judged(result, _read(file, context.mask)) if pids else _reworded(result)


def _fork(work: Work, context: ExecutionContext, report: int, limits: Limits | None) -> Child:
    """Fork the child; raises what keeps it from starting."""
    identity = identity_of(context.run_as)
    directory = directory_of(context, identity)
    left = prepare_artifacts(context.artifacts_dir, identity)
    context = replace(context, artifacts_dir=left) if identity else context
    environment = build_environment(context, identity=identity)
    environment[b"PWD"] = bytes(directory)
    if PASSED_ON in os.environ:
        environment.setdefault(PASSED_ON.encode(), os.fsencode(os.environ[PASSED_ON]))
    _leave_databases()
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _HELD)
    try:
        pid = os.fork()
        if pid == 0:
            python_child.become(
                work,
                context,
                environment=environment,
                directory=directory,
                handles=python_child.Handles(out=out_write, err=err_write, report=report),
                limits=limits,
                identity=identity,
            )
    except BaseException:
        os.close(out_read)
        os.close(err_read)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(out_write)
        os.close(err_write)
    pipes = {out_read: Stream.STDOUT, err_read: Stream.STDERR}
    return Child(Forked(pid), pid_start_time(pid) if LINUX else None, pipes)


def _leave_databases() -> None:
    """Close this process's SQLite connections; it opens them again when it needs them.

    SQLite remembers, by file, which locks its process holds. A child that inherited this would take
    locks for granted that only its parent has, and could damage the file. A connection to
    PostgreSQL is only left alone by the child.
    """
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            connection.close()


@contextlib.contextmanager
def _report_file() -> Iterator[IO[bytes]]:
    """Yield a file without a name, which parent and child share."""
    if LINUX:
        with os.fdopen(os.memfd_create("report", os.MFD_CLOEXEC), "w+b") as file:
            yield file
        return
    with tempfile.TemporaryFile() as file:
        yield file


def _read(file: IO[bytes], mask: Mask) -> _Report | None:
    """Return what the child reported; None when it did not come to that.

    Texts are cut here and not by the child: a secret that is cut cannot be masked any more.
    """
    file.seek(0)
    text = file.read()
    if not text:
        return None
    said = json.loads(text)
    error = None if said["error"] is None else mask.text(said["error"])
    if error is not None and len(error) > MAX_TRACE_CHARACTERS:
        error = f"…{error[-MAX_TRACE_CHARACTERS:]}"
    return _Report(
        succeeded=said["succeeded"],
        message=mask.text(said["message"])[:MAX_MESSAGE_CHARACTERS],
        error=error,
        result=None if said["result"] is None else mask.value(parse_json(said["result"])),
    )


def _judged(result: ExecutionResult, report: _Report | None) -> ExecutionResult:
    """Join what the supervisor saw with what the child said."""
    if report is None:
        return _unreported(result)
    value = report.result if report.result is not None else result.result
    if result.state not in (ExecutionState.SUCCEEDED, ExecutionState.FAILED):
        # Timed out, cancelled or fenced: that is the verdict, whatever the job made of it.
        return replace(result, result=value, error=report.error or result.error)
    state = ExecutionState.SUCCEEDED if report.succeeded else ExecutionState.FAILED
    error = None if report.succeeded else report.error or result.error
    return replace(result, state=state, message=report.message, error=error, result=value)


def _unreported(result: ExecutionResult) -> ExecutionResult:
    """Judge a child that died before it could report."""
    if result.state == ExecutionState.SUCCEEDED:
        return replace(result, state=ExecutionState.FAILED, message=ENDED_ITSELF)
    if result.state == ExecutionState.FAILED and result.exit_code is not None:
        return replace(result, message=f"{ENDED_ITSELF}: exit status {result.exit_code}")
    return _reworded(result)


def _reworded(result: ExecutionResult) -> ExecutionResult:
    """Say job where the supervisor says command."""
    return replace(result, message=result.message.replace("Command", "Job", 1))
