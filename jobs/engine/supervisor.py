"""Keep the product's processes running: start, restart with back-off, stop in order.

The supervisor forks them from itself after everything is loaded, so that they share its memory and
start at once; it must therefore hold no thread and no database connection. Each has its own session
and ends with the supervisor. It is a subreaper: what a killed process leaves below itself is ended.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from jobs.engine.cluster import INSIST
from jobs.engine.remains import end_adopted
from jobs.executors.proctree import become_subreaper
from jobs.lineage import end_with_parent

log = logging.getLogger("scheduler.supervisor")

CLUSTER = "cluster"
WEB = "web"
WATCHED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
# Who lived this long had started well: the next pause is the first one again.
GOOD_LIFE_SECONDS = 20.0
LOOK_SECONDS = 5.0
FIRST_ANSWER_LOOK_SECONDS = 0.05
ANSWER_TIMEOUT_SECONDS = 2.0
# Web and dispatcher end at once; more than this means that they hang.
STOP_SECONDS = 5.0
# After the drain time the cluster cancels what runs, and bounds that by itself.
AFTER_DRAIN_SECONDS = 7.0

Body = Callable[[], int]


@dataclass
class Service:
    """One process that should run."""

    name: str
    body: Body
    pid: int | None = None
    started_at: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    start_at: float = 0.0

    def start(self) -> None:
        """Fork the process."""
        parent = os.getpid()
        self.started_at = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            _be(self.body, parent)

    def ask_to_stop(self) -> None:
        """Send the signal to end."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def insist(self) -> None:
        """Ask a cluster to cancel what runs; the others end at the first word."""
        if self.pid is not None and self.name == CLUSTER:
            os.kill(self.pid, INSIST)

    def note_end(self) -> int | None:
        """Return the exit code if the process has ended, and set the time of the next start."""
        if self.pid is None:
            return None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.pid = None
        now = time.monotonic()
        if now - self.started_at > GOOD_LIFE_SECONDS:
            self.pause = FIRST_PAUSE_SECONDS
        self.start_at = now + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        """End a process that does not end by itself."""
        if self.pid is not None:
            log.warning("%s does not end and is killed.", self.name)
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = None


def _be(body: Body, parent: int) -> NoReturn:
    """Become a service: a session and signals of its own, an end with the parent."""
    code = 1
    try:
        os.setsid()
        end_with_parent(parent)
        for number in WATCHED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, WATCHED)
        code = body()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - the last frame of this process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class Supervisor:
    """The services of one product."""

    def __init__(
        self, services: Mapping[str, Body], *, drain_seconds: float, host: str, port: int
    ) -> None:
        """Take what to run; web, if it is there, is announced once it answers at the address."""
        self._services = [Service(name, body) for name, body in services.items()]
        self._drain_seconds = drain_seconds
        self._address = (host, port)
        self._asked = 0
        self._unannounced = WEB in services
        self._answer_look = FIRST_ANSWER_LOOK_SECONDS

    def run(self) -> int:
        """Run until asked to stop; return the exit code."""
        signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
        become_subreaper()
        # What is loaded now stays shared: the collector must not touch every page of it.
        gc.collect()
        gc.freeze()
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
            if service.pid is None and service.start_at <= now:
                service.start()

    def _seconds_to_sleep(self) -> float:
        waits = [s.start_at - time.monotonic() for s in self._services if s.pid is None]
        longest = self._answer_look if self._unannounced else LOOK_SECONDS
        return max(0.0, min([longest, *waits]))

    def _sleep(self, seconds: float) -> None:
        """Sleep until a signal, at most so long."""
        heard = signal.sigtimedwait(WATCHED, seconds)
        if heard is not None and heard.si_signo != signal.SIGCHLD:
            self._asked += 1

    def _settle_ends(self) -> None:
        """Note who has ended, and end what they left below them."""
        for service in self._services:
            code = service.note_end()
            if code is not None and not self._asked:
                pause = service.start_at - time.monotonic()
                log.error("%s ended (code %d); again in %.1f s.", service.name, code, pause)
        end_adopted(spare={service.pid for service in self._services if service.pid is not None})

    def _announce(self) -> None:
        """Say where the product is once it answers there."""
        if _answers(*self._address):
            self._unannounced = False
            host, port = self._address
            shown = f"[{host}]" if ":" in host else host
            sys.stdout.write(f"Jobdeck is ready at http://{shown}:{port}\n")
            sys.stdout.flush()
        elif time.monotonic() - self._services[0].started_at > 1:
            self._answer_look = min(self._answer_look * 2, LOOK_SECONDS)

    def _stop(self) -> None:
        """Let everything end: web and dispatcher at once, the cluster when its jobs have.

        A second request to stop is passed on to the cluster, which cancels what runs; a third
        kills everything.
        """
        log.info("Stopping; running jobs may end within %.0f s.", self._drain_seconds)
        for service in self._services:
            service.ask_to_stop()
        self._wait_for([s for s in self._services if s.name != CLUSTER], STOP_SECONDS)
        self._wait_for(self._services, self._drain_seconds + AFTER_DRAIN_SECONDS)
        end_adopted(spare=())
        log.info("Stopped.")

    def _wait_for(self, services: list[Service], seconds: float) -> None:
        """Wait until all have ended, at most so long; then end them."""
        give_up = time.monotonic() + seconds
        while any(service.pid for service in services):
            rest = give_up - time.monotonic()
            if rest <= 0 or self._asked > 2:
                break
            before = self._asked
            self._sleep(min(rest, LOOK_SECONDS))
            if self._asked > before:
                for service in self._services:
                    service.insist()
            self._settle_ends()
        for service in services:
            service.kill()


def _answers(host: str, port: int) -> bool:
    """Say whether a request is answered, by anything but a server error."""
    status: list[bytes] = []
    with (
        contextlib.suppress(OSError),
        socket.create_connection((host, port), timeout=ANSWER_TIMEOUT_SECONDS) as connection,
    ):
        connection.sendall(f"GET /healthz HTTP/1.0\r\nHost: localhost:{port}\r\n\r\n".encode())
        status = connection.recv(64).split(b" ")[1:2]
    return bool(status) and not status[0].startswith(b"5")
