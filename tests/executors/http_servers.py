"""Servers on loopback that misbehave on purpose, and a runner of HTTP jobs against them."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from jobs.domain.addresses import parse_allowed
from jobs.domain.masking import Mask
from jobs.executors import BeatAnswer
from tests.executors.worker import Recorder, Run, make_context, run

LOOPBACK = ("127.0.0.1", "::1")
Speak = Callable[["Talk"], None]


@dataclass
class Talk:
    """One connection from the server's side: the request read, the answer to be written."""

    connection: socket.socket
    request: bytes
    server: Server

    @property
    def line(self) -> str:
        """Return the request line."""
        return self.request.split(b"\r\n", 1)[0].decode()

    def say(self, data: bytes) -> None:
        """Write bytes."""
        self.connection.sendall(data)

    def answer(self, body: bytes = b"", status: str = "200 OK", **headers: str) -> None:
        """Write a whole answer."""
        lines = {"Content-Length": str(len(body)), **headers}
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
        self.say(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)


@dataclass
class Server:
    """A listener that counts who connects and keeps what was asked."""

    port: int
    hits: int = 0
    requests: list[bytes] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)  # a client has hung up

    @property
    def url(self) -> str:
        """Return the address of the root."""
        return f"http://127.0.0.1:{self.port}/"


@contextlib.contextmanager
def serving(
    speak: Speak, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """Answer every connection by ``speak`` for the length of a block."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, 0), family=family)
    server = Server(listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            server.hits += 1
            thread = threading.Thread(target=_serve, args=(connection, server, speak, tls))
            threads.append(thread)
            thread.start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield server
    finally:
        # Closing alone does not wake a thread that waits in accept.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(5)
        for thread in threads:
            thread.join(5)
            assert not thread.is_alive(), "the client has not hung up"


def _serve(
    connection: socket.socket, server: Server, speak: Speak, tls: ssl.SSLContext | None
) -> None:
    connection.settimeout(20)
    try:
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True)
        request = _read_request(connection)
        server.requests.append(request)
        speak(Talk(connection, request, server))
    except OSError:
        server.gone.set()
    finally:
        connection.close()


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (part := connection.recv(65_536)):
            raise ConnectionError
        data += part
        if data.startswith(b"\x16"):
            return data  # the first word of TLS, spoken to a server that does not know it
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


class Caller:
    """Run HTTP jobs in this process, with loopback allowed unless said otherwise."""

    def __init__(self, directory: Path, instance: str) -> None:
        """Take where the jobs' directories are."""
        self._directory = directory
        self._instance = instance

    def __call__(
        self,
        url: str,
        *,
        allow: tuple[str, ...] = LOOPBACK,
        timeout: float = 20,
        answer: Any = None,
        output_limit: int = 10_000_000,
        secret: str = "",
        **spec: Any,
    ) -> Run:
        """Make one request; ``secret`` is one that a variable of the job holds."""
        context = make_context(
            self._directory,
            self._instance,
            timeout=timedelta(seconds=timeout),
            http_allowed=parse_allowed(allow),
            output_limit=output_limit,
            mask=Mask([secret] if secret else []),
        )
        return run(context, "http", {"url": url, **spec}, answer)


def cancelling(_recorder: Recorder) -> BeatAnswer:
    """Answer a beat with a person's wish to end the run."""
    return BeatAnswer(cancelled_by="otto")
