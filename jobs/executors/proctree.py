"""Find and end processes: the tree below this one, and strays of an earlier life by their marker.

On Linux the process that runs a job is a subreaper, so that whatever a job's processes do (new
session, double fork, empty environment) they stay its descendants and are found in /proc. Elsewhere
there is neither: only the process group of the main process is signalled, and a process that left
it survives.

No number is trusted that could have been reused: a process is known by its pid and start time, and
is signalled through a pidfd opened before the start time is compared.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

LINUX = sys.platform == "linux"
PR_SET_CHILD_SUBREAPER = 36
READ_SIZE = 65536
# Rounds of stopping new processes before killing the stopped ones: a fork bomb that still grows
# after that many is killed piecemeal.
FREEZE_ROUNDS = 20
# A killed process may sit in an uninterruptible system call (a dead network file system); waiting
# longer would hold the worker for something that nobody can end.
KILL_PATIENCE = 5.0
RETRY_PAUSE = 0.002

_subreaper_pid = 0


class ProcessId(NamedTuple):
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    start_time: int  # clock ticks since boot


class _Stat(NamedTuple):
    state: str
    parent: int
    start_time: int


def become_subreaper() -> None:
    """Adopt every orphaned descendant from now on; call once when a worker starts."""
    global _subreaper_pid
    if LINUX and _subreaper_pid != os.getpid():
        _set_subreaper(True)
        _subreaper_pid = os.getpid()
    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN:
        # The kernel would throw away the exit status of every child.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


@contextlib.contextmanager
def subreaper() -> Iterator[None]:
    """Be a subreaper for the length of a block, unless this process is one anyway."""
    if not LINUX or _subreaper_pid == os.getpid():
        yield
        return
    _set_subreaper(True)
    try:
        yield
    finally:
        _set_subreaper(False)


def _set_subreaper(on: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, int(on), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def pid_start_time(pid: int) -> int | None:
    """Return the clock tick since boot at which a process started; None when it is gone."""
    stat = _stat(pid)
    return stat.start_time if stat else None


def process_alive(pid: int, start_time: int | None) -> bool:
    """Tell whether that very process still runs; a zombie does not."""
    stat = _stat(pid)
    return stat is not None and stat.state not in "ZX" and start_time in (None, stat.start_time)


def rss_bytes(pid: int) -> int | None:
    """Return the resident size of one process now; None when it is gone."""
    _, found, rest = _read(f"/proc/{pid}/status").partition(b"VmRSS:")
    return int(rest.split(maxsplit=1)[0]) * 1024 if found else None


def peak_rss_bytes(pid: int) -> int | None:
    """Return the largest resident size that one process has had so far; None when it is gone."""
    _, found, rest = _read(f"/proc/{pid}/status").partition(b"VmHWM:")
    return int(rest.split(maxsplit=1)[0]) * 1024 if found else None


def children(pid: int) -> list[int]:
    """Return the direct children of a process, zombies included.

    An empty answer can be trusted; a long one may leave some out while others exit.
    """
    if not _HAS_CHILDREN_FILES:
        return [child for child in _all_pids() if (s := _stat(child)) and s.parent == pid]
    found: list[int] = []
    for task in _names(f"/proc/{pid}/task"):
        found += map(int, _read(f"/proc/{pid}/task/{task}/children").split())
    return found


def descendants(pid: int, *, spare: Collection[int] = ()) -> list[ProcessId]:
    """Return the living processes below one, without the ``spare`` ones and what is below them."""
    found: list[ProcessId] = []
    waiting = [child for child in children(pid) if child not in spare]
    while waiting:
        child = waiting.pop()
        stat = _stat(child)
        if stat is None:
            continue
        if stat.state not in "ZX":
            found.append(ProcessId(child, stat.start_time))
        waiting += children(child)
    return found


def send_signal(process: ProcessId, signum: int) -> bool:
    """Signal that very process; False when it is gone or not ours. Never itself, never pid 1."""
    if process.pid in (0, 1, os.getpid()):
        return False
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if pid_start_time(process.pid) != process.start_time:
            return False
        signal.pidfd_send_signal(handle, signum)
    except (ProcessLookupError, PermissionError):
        return False
    finally:
        os.close(handle)
    return True


class Tree:
    """The processes that this one starts from now on, with everything below them.

    Children from before (and what is below those) are spared.
    """

    def __init__(self) -> None:
        """Remember which children are not part of the tree."""
        self._spared = frozenset(children(os.getpid())) if LINUX else frozenset()
        self.cpu_seconds = 0.0  # of strays that were reaped here

    def has_strays(self, main: int) -> bool:
        """Reap what has ended; tell whether anything but the main process is left."""
        left = False
        for pid in children(os.getpid()) if LINUX else ():
            if pid != main and pid not in self._spared:
                left = not self._reap(pid) or left
        return left

    def _reap(self, pid: int) -> bool:
        try:
            ended, _, usage = os.wait4(pid, os.WNOHANG)
        except ChildProcessError:
            return True
        self.cpu_seconds += usage.ru_utime + usage.ru_stime if ended else 0
        return bool(ended)

    def terminate(self, main: int, *, only: bool = False) -> None:
        """Ask every process of the tree to end; wake the stopped ones so that they can.

        With ``only``, ask the main process alone.
        """
        if not LINUX:
            if only:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(main, signal.SIGTERM)
            else:
                _signal_group(main, signal.SIGTERM)
            return
        for process in descendants(os.getpid(), spare=self._spared):
            if only and process.pid != main:
                continue
            send_signal(process, signal.SIGTERM)
            send_signal(process, signal.SIGCONT)

    def kill(self, main: int) -> int:
        """End every process of the tree at once; return how many could not be ended.

        ``main`` must not have been reaped: as a zombie it keeps its number, and with it the number
        of its process group, from being given to another.

        1. Stop the group of the main process in one step, which a fork cannot escape.
        2. Stop everything else until nothing new appears: a stopped process does not fork.
        3. Kill what was stopped and reap it; again until nothing is left.
        """
        if not LINUX:
            _signal_group(main, signal.SIGKILL)
            return 0
        give_up = time.monotonic() + KILL_PATIENCE
        while True:
            _signal_group(main, signal.SIGSTOP)
            for process in self._freeze():
                send_signal(process, signal.SIGKILL)
            _signal_group(main, signal.SIGKILL)
            # A process of another user may be hidden from us in /proc and still be our child.
            hidden = self.has_strays(main)
            left = descendants(os.getpid(), spare=self._spared)
            if not left and not hidden:
                return 0
            if time.monotonic() > give_up:
                return max(len(left), 1)
            time.sleep(RETRY_PAUSE)

    def _freeze(self) -> set[ProcessId]:
        stopped: set[ProcessId] = set()
        for _ in range(FREEZE_ROUNDS):
            fresh = set(descendants(os.getpid(), spare=self._spared)) - stopped
            if not fresh:
                break
            for process in fresh:
                send_signal(process, signal.SIGSTOP)
            stopped |= fresh
        return stopped


def find_marked(markers: Mapping[str, str]) -> list[ProcessId]:
    """Return the processes whose environment at start held all these variables, and those below.

    Never this process nor one above it. A process that was started with an empty environment and
    has left the tree of the marked ones is not found.
    """
    wanted = {f"{name}={value}".encode() for name, value in markers.items()}
    protected = _lineage(os.getpid())
    found: set[ProcessId] = set()
    for pid in _all_pids():
        if pid in protected or not wanted <= set(_read(f"/proc/{pid}/environ").split(b"\0")):
            continue
        start_time = pid_start_time(pid)
        if start_time is not None:
            found.add(ProcessId(pid, start_time))
            found.update(descendants(pid, spare=protected))
    return sorted(found)


def kill_marked(markers: Mapping[str, str]) -> list[int]:
    """End every process that ``find_marked`` finds, also new ones; return their numbers."""
    killed: set[int] = set()
    give_up = time.monotonic() + KILL_PATIENCE
    while (found := find_marked(markers)) and time.monotonic() < give_up:
        for signum in (signal.SIGSTOP, signal.SIGKILL):
            killed.update(process.pid for process in found if send_signal(process, signum))
        time.sleep(RETRY_PAUSE)
    return sorted(killed)


def _signal_group(main: int, signum: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(main, signum)


def _lineage(pid: int) -> set[int]:
    """Return a process and everything above it."""
    line = {pid}
    while (stat := _stat(pid)) and stat.parent > 0:
        pid = stat.parent
        line.add(pid)
    return line


def _all_pids() -> list[int]:
    return [int(name) for name in _names("/proc") if name.isdigit()]


def _stat(pid: int) -> _Stat | None:
    # The command name is in brackets and may itself hold blanks and brackets: count from the last.
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    if len(fields) < 20:
        return None
    return _Stat(fields[0].decode(), int(fields[1]), int(fields[19]))


def _names(path: str) -> list[str]:
    try:
        return os.listdir(path)  # noqa: PTH208 - hot path; a Path per entry doubles its cost
    except OSError:
        return []


def _read(path: str) -> bytes:
    """Return what a /proc file holds; nothing when the process is gone or not ours to read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        parts = []
        while part := os.read(handle, READ_SIZE):
            parts.append(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(handle)


# Absent on kernels built without CONFIG_PROC_CHILDREN; the thread of the import is the main one.
_HAS_CHILDREN_FILES = os.access(f"/proc/self/task/{os.getpid()}/children", os.R_OK)
