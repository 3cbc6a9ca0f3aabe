"""The connection of a request: made to an address that was checked, and cut from another thread."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from threading import Event, Lock

from jobs.domain.addresses import Allowed, refusal
from jobs.domain.errors import InvalidError
from jobs.executors.http_url import Target

Place = tuple[socket.AddressFamily, tuple[str, int]]


class CutError(Exception):
    """The request was ended from outside."""


class Line:
    """At most one open connection; whoever cuts it ends every wait on it."""

    def __init__(self, allowed: Sequence[Allowed]) -> None:
        """Take what may be reached besides public addresses."""
        self._allowed = allowed
        self._lock = Lock()
        self._cut = Event()
        self._handle: socket.socket | None = None

    def cut(self) -> None:
        """End the connection, and every attempt to make one, from any thread."""
        with self._lock:
            self._cut.set()
            if self._handle is not None:
                _shut(self._handle)

    def check(self) -> None:
        """Raise CutError when the request was ended."""
        if self._cut.is_set():
            raise CutError

    def pause(self, seconds: float) -> None:
        """Wait between two connections; CutError when the request was ended meanwhile."""
        self._cut.wait(seconds)
        self.check()

    def connect(
        self, target: Target, *, seconds: float, verify: bool, ca_file: str = ""
    ) -> socket.socket:
        """Return a connection to a target; InvalidError when its address is refused.

        1. Resolve the name, once.
        2. Drop every address that is neither public nor allowed.
        3. Connect to one of the rest by number: no second look-up could answer otherwise.
        4. Speak TLS with the name, not the number.
        """
        addresses = self._addresses(target)
        plain = self._first_that_answers(addresses, seconds)
        if target.scheme == "http":
            return plain
        try:
            context = tls_context(verify, ca_file)
            return context.wrap_socket(plain, server_hostname=target.host.rstrip("."))
        except BaseException:
            plain.close()
            raise

    def close(self) -> None:
        """Give back what `cut` would use."""
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None

    def _addresses(self, target: Target) -> list[Place]:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
        good: list[Place] = []
        refused: dict[str, str] = {}
        for family, _, _, _, address in found:
            text = str(address[0])
            reason = refusal(text, host=target.host, port=target.port, allowed=self._allowed)
            if reason is None:
                good.append((family, (text, target.port)))
            else:
                refused[text] = reason
        if not good:
            raise InvalidError(_refused(target.host, refused))
        return good

    def _first_that_answers(self, addresses: list[Place], seconds: float) -> socket.socket:
        give_up = time.monotonic() + seconds
        for family, address in addresses[:-1]:
            try:
                return self._dial(family, address, give_up)
            except OSError:
                continue
        return self._dial(*addresses[-1], give_up)

    def _dial(
        self, family: socket.AddressFamily, address: tuple[str, int], give_up: float
    ) -> socket.socket:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._hold(connection)
            # All addresses share the time; the last one gets a moment even so.
            connection.settimeout(max(give_up - time.monotonic(), 0.1))
            connection.connect(address)
            self.check()
        except BaseException:
            connection.close()
            raise
        return connection

    def _hold(self, connection: socket.socket) -> None:
        """Keep a second descriptor: shutting it down wakes the thread that waits on the first."""
        self.close()
        with self._lock:
            self.check()
            self._handle = connection.dup()


@lru_cache(maxsize=4)
def tls_context(verify: bool, ca_file: str = "") -> ssl.SSLContext:
    """Return how TLS is spoken: by the system's certificates, read once in a worker's life.

    ``ca_file`` names other certificate authorities to trust instead.
    """
    context = ssl.create_default_context(cafile=ca_file or None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def _refused(host: str, kinds: Mapping[str, str]) -> str:
    """Say what a host leads to, once where it is the address itself, and what is allowed."""
    places = ", ".join(f"{address} ({kind})" for address, kind in kinds.items())
    leads = "" if list(kinds) == [host] else f"{host} is "
    return (
        f"Address refused: {leads}{places}. Public addresses are allowed; an administrator can"
        " allow others by JOBS_HTTP_ALLOW"
    )


def _shut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        # Not connected yet, or not any more: the thread sees the flag when its call returns.
        return
