"""Start one child process and wait for it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jobs.domain.states import Stream
from jobs.executors.identity import Identity
from jobs.executors.proctree import LINUX, pid_start_time

UMASK = 0o077
READ_BYTES = 65_536
# Without pidfds the end of a process is found by looking.
LOOK_MS = 20

# A program inherits which signals are ignored. A worker ignores some (django-q2: SIGINT), a server
# started by nohup another; a command must be interruptible all the same. Python itself ignores
# SIGPIPE and SIGXFSZ, which Popen restores.
_INHERITABLE = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGTSTP,
    signal.SIGTTIN,
    signal.SIGTTOU,
)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended; neither code nor signal when that could not be learned."""

    code: int | None = None
    signal: int | None = None
    cpu_seconds: float | None = None
    max_rss_bytes: int | None = None


@dataclass(slots=True)
class Forked:
    """A child that goes on with this program instead of starting another."""

    pid: int
    returncode: int | None = None


@dataclass(slots=True)
class Child:
    """A running child with its output pipes."""

    popen: subprocess.Popen[bytes] | Forked
    start_time: int | None
    pipes: dict[int, Stream]  # those that are still open, by descriptor
    ended: bool = False
    _pidfd: int | None = None
    _poll: select.poll = field(default_factory=select.poll)

    @property
    def pid(self) -> int:
        """Return the number of the main process."""
        return self.popen.pid

    def watch(self) -> None:
        """Get ready to wait."""
        for pipe in self.pipes:
            self._poll.register(pipe, select.POLLIN)
        if LINUX:
            self._pidfd = os.pidfd_open(self.pid)
            self._poll.register(self._pidfd, select.POLLIN)

    def wait(self, seconds: float) -> list[int]:
        """Wait for output or the end; return the pipes that can be read without blocking."""
        # Rounded up: a poll of 0 ms would spin through the last fraction of a millisecond.
        wait_ms = max(0, int(seconds * 1000) + 1) if seconds > 0 else 0
        if self._pidfd is None and not self.ended:
            wait_ms = min(wait_ms, LOOK_MS)
        ready = [handle for handle, _ in self._poll.poll(wait_ms)]
        if self._pidfd is None:
            self.ended = self.ended or _has_ended(self.pid)
            return ready
        if self._pidfd in ready:
            ready.remove(self._pidfd)
            self._poll.unregister(self._pidfd)
            self.ended = True
        return ready

    def read(self, pipe: int) -> bytes:
        """Return what a readable pipe holds; nothing, and the pipe is closed, at its end."""
        data = os.read(pipe, READ_BYTES)
        if not data:
            self._poll.unregister(pipe)
            del self.pipes[pipe]
            os.close(pipe)
        return data

    def reap(self) -> Exit:
        """Take the exit status of a process that has ended.

        Never waits: a process that even SIGKILL did not end has none.
        """
        try:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        except ChildProcessError:
            pid, status, usage = 0, 0, None
        code = os.waitstatus_to_exitcode(status)
        self.popen.returncode = code  # so that Popen does not look for it any more
        if pid == 0 or usage is None:
            return Exit()
        return Exit(
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            max_rss_bytes=usage.ru_maxrss * (1024 if LINUX else 1),
        )

    def close(self) -> None:
        """Give back every descriptor."""
        for pipe in self.pipes:
            os.close(pipe)
        self.pipes.clear()
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None


def spawn(
    argv: Sequence[str | bytes],
    *,
    environment: Mapping[bytes, bytes],
    directory: Path,
    identity: Identity | None = None,
) -> Child:
    """Start a program in its own session, with nothing of this process but what is given.

    stdin is empty, stdout and stderr are pipes, the umask is private, no signal is ignored, no
    other descriptor is open. Raises OSError when it cannot be started.

    There is no pre-exec function on purpose: it would force a fork instead of a vfork, four to
    seventeen times slower depending on the size of this process. Another user has that price, too.
    """
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    try:
        if identity is not None:
            identity.give(out_write)
            identity.give(err_write)
        with _no_signal_ignored():
            popen = subprocess.Popen(  # noqa: S603 - running what an editor defined is the job
                list(argv),
                executable=_find(argv[0], environment.get(b"PATH", b"")),
                env=environment,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=out_write,
                stderr=err_write,
                start_new_session=True,
                umask=UMASK,
                user=None if identity is None else identity.uid,
                group=None if identity is None else identity.gid,
                extra_groups=None if identity is None else identity.groups,
            )
    except BaseException:
        os.close(out_read)
        os.close(err_read)
        raise
    finally:
        os.close(out_write)
        os.close(err_write)
    pipes = {out_read: Stream.STDOUT, err_read: Stream.STDERR}
    return Child(popen, pid_start_time(popen.pid) if LINUX else None, pipes)


def _find(program: str | bytes, path: bytes) -> str | bytes:
    """Return the program's file as execvp would find it, or its name where execvp must look.

    Only to spare the child a failing exec, some 20 us, for each directory before the right one.
    """
    name = os.fsencode(program)
    if b"/" in name:
        return program
    for directory in path.split(b":"):
        if not directory.startswith(b"/"):
            return program  # relative to the child's directory, not to ours
        candidate = directory + b"/" + name
        if os.access(candidate, os.X_OK) and Path(os.fsdecode(candidate)).is_file():
            return candidate
    return program


@contextlib.contextmanager
def _no_signal_ignored() -> Iterator[None]:
    """Catch what is ignored for a moment: a caught signal becomes default again in a new program.

    Only the main thread may do so. What another one starts, the command of an alert channel,
    ignores what this process ignores.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ignored = [s for s in _INHERITABLE if signal.getsignal(s) is signal.SIG_IGN]
    for signum in ignored:
        signal.signal(signum, _do_nothing)
    try:
        yield
    finally:
        for signum in ignored:
            signal.signal(signum, signal.SIG_IGN)


def _do_nothing(_signum: int, _frame: object) -> None:
    """Handle a signal by going on."""


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
