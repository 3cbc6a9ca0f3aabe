"""Keep the product's processes running: start, restart with back-off, stop in order.

A program of its own (``python -m jobs.engine.supervisor CONFIG``) that imports neither Django nor
anything else large: it lives as long as the product and should weigh nothing. ``manage.py serve``
checks the settings and then becomes it.

It is a subreaper. Each process it starts has its own session and dies with it; what a killed
process leaves below itself is ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LINUX = sys.platform == "linux"
WATCHED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# Who lived this long had started well: the next pause is the first one again.
GOOD_LIFE_SECONDS = 20.0
LOOK_SECONDS = 5.0
ANSWER_LOOK_SECONDS = 0.05
# Web and dispatcher end at once; more than this means that they hang.
STOP_SECONDS = 5.0
# After the drain time the cluster cancels what runs, which it bounds by itself.
AFTER_DRAIN_SECONDS = 7.0


class Config(TypedDict):
    """What ``manage.py serve`` passes on, as JSON."""

    services: dict[str, list[str]]  # name -> command
    drain_seconds: float
    host: str
    port: int
    url: str


@dataclass
class Service:
    """One process that should run."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    start_at: float = 0.0
    asked: int = field(default=0)

    @property
    def pid(self) -> int | None:
        """Return the number of the running process, if it runs."""
        return self.process.pid if self.process is not None else None

    def start(self) -> None:
        """Start the process, in its own session, to die with this one."""
        self.process = subprocess.Popen(self.command, preexec_fn=_in_child)  # noqa: S603
        self.started_at = time.monotonic()

    def ask_to_stop(self) -> None:
        """Send the signal to end; a second one insists."""
        if self.process is not None:
            self.asked += 1
            self.process.send_signal(signal.SIGTERM)

    def note_end(self) -> int | None:
        """Return the exit code if the process has ended, and set the time of the next start."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.process = None
        now = time.monotonic()
        if now - self.started_at > GOOD_LIFE_SECONDS:
            self.pause = FIRST_PAUSE_SECONDS
        self.start_at = now + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        return code


class Supervisor:
    """The services of one product."""

    def __init__(self, config: Config) -> None:
        """Take the configuration; nothing runs yet."""
        self._config = config
        self._services = [Service(name, cmd) for name, cmd in config["services"].items()]
        self._asked = 0
        self._unannounced = "web" in config["services"]

    def run(self) -> int:
        """Run until asked to stop; return the exit code."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        if LINUX:
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        os.environ["JOBDECK_SUPERVISED"] = str(os.getpid())
        while not self._asked:
            self._start_due()
            if self._unannounced:
                self._announce()
            self._sleep(self._seconds_to_sleep())
            self._settle_ends()
        self._stop()
        return 0

    def _start_due(self) -> None:
        now = time.monotonic()
        for service in self._services:
            if service.process is None and service.start_at <= now:
                service.start()

    def _seconds_to_sleep(self) -> float:
        waits = [s.start_at - time.monotonic() for s in self._services if s.process is None]
        longest = ANSWER_LOOK_SECONDS if self._unannounced else LOOK_SECONDS
        return max(0.0, min([longest, *waits]))

    def _sleep(self, seconds: float) -> None:
        """Sleep until a signal, at most so long."""
        with contextlib.suppress(InterruptedError):
            heard = signal.sigtimedwait(WATCHED, seconds)
            if heard is not None and heard.si_signo != signal.SIGCHLD:
                self._asked += 1

    def _settle_ends(self) -> None:
        """Note who has ended, and end what they left below them."""
        for service in self._services:
            code = service.note_end()
            if code is not None and not self._asked:
                pause = service.start_at - time.monotonic()
                say(f"{service.name} ended with code {code}; starting it again in {pause:.1f} s")
        self._end_leftovers()

    def _end_leftovers(self) -> None:
        """End adopted processes: whatever is below this one but not below a service."""
        give_up = time.monotonic() + STOP_SECONDS
        spare = {service.pid for service in self._services}
        while LINUX and (found := _descendants(spare)) and time.monotonic() < give_up:
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in found:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
            for pid in found:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(0.002)

    def _announce(self) -> None:
        """Say where the product is once it answers there."""
        if _answers(self._config["host"], self._config["port"]):
            self._unannounced = False
            sys.stdout.write(f"Jobdeck is ready at {self._config['url']}\n")
            sys.stdout.flush()

    def _stop(self) -> None:
        """Stop in order: nothing new is asked for or started, then what runs may end.

        A second request to stop is passed on to the cluster, which cancels what runs; a third
        kills everything.
        """
        say("stopping; running jobs may end within the drain time (ask again to cancel them)")
        cluster = [service for service in self._services if service.name == "cluster"]
        others = [service for service in self._services if service.name != "cluster"]
        # The cluster drains while the others end: once asked it starts nothing new either.
        for service in (*others, *cluster):
            service.ask_to_stop()
        self._wait_for(others, STOP_SECONDS)
        _kill(others)
        self._wait_for(cluster, self._config["drain_seconds"] + AFTER_DRAIN_SECONDS)
        _kill(cluster)
        self._end_leftovers()

    def _wait_for(self, services: list[Service], seconds: float) -> None:
        give_up = time.monotonic() + seconds
        while any(service.process for service in services):
            rest = give_up - time.monotonic()
            if rest <= 0 or self._asked > 2:
                return
            before = self._asked
            self._sleep(min(rest, LOOK_SECONDS))
            if self._asked > before:
                for service in self._services:
                    service.ask_to_stop()
            self._settle_ends()


def _in_child() -> None:
    """Prepare a child between fork and exec."""
    os.setsid()
    if LINUX:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)


def _kill(services: list[Service]) -> None:
    """End those that do not end by themselves."""
    for service in services:
        if service.process is not None:
            say(f"{service.name} does not end and is killed")
            service.process.kill()
            service.process.wait()
            service.process = None


def _descendants(spare: set[int | None]) -> list[int]:
    """Return the processes below this one without ``spare`` and what is below those."""
    below: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - a Path for each process is waste
        if name.isdigit() and (parent := _parent(name)) is not None:
            below.setdefault(parent, []).append(int(name))
    found: list[int] = []
    waiting = [pid for pid in below.get(os.getpid(), []) if pid not in spare]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += below.get(pid, [])
    return found


def _parent(name: str) -> int | None:
    """Return the parent of a process; None when it is gone."""
    try:
        with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - as above
            # The command's name is in brackets and may hold anything: count from the last one.
            return int(file.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return None


def _answers(host: str, port: int) -> bool:
    """Say whether a request is answered, by anything but a server error."""
    try:
        with socket.create_connection((host, port), timeout=2) as connection:
            connection.sendall(f"GET /healthz HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode())
            status = connection.recv(64).split(b" ")[1:2]
    except OSError:
        return False
    return bool(status) and not status[0].startswith(b"5")


def say(sentence: str) -> None:
    """Write a line in the form of the other processes' log."""
    now = datetime.now().astimezone()
    sys.stderr.write(
        f"{now:%Y-%m-%d %H:%M:%S}.{now.microsecond // 1000:03d} INFO supervisor: {sentence}\n"
    )
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(Supervisor(json.loads(sys.argv[1])).run())
