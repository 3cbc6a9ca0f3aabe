"""A CB-Tumblebug for tests: real HTTP on 127.0.0.1, with the real one's answers and its faults."""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support import tumblebug_contract
from tests.support.tumblebug_contract import VOCABULARIES, Exchange

BASE = "/tumblebug"
USER, PASSWORD = "default", "a-tumblebug-password"
TOKEN = "a-tumblebug-token"
CONNECTIONS = (
    "aws-ap-northeast-2",
    "aws-us-east-1",
    "aws-dev-region",
    "azure-koreacentral",
    "gcp-asia-northeast3",
)
RESOURCES = {"vNet": 2, "securityGroup": 3, "sshKey": 1, "vm": 4, "dataDisk": 4, "customImage": 1}


@dataclass
class Seen:
    """One call of /registerCspResources."""

    query: dict[str, str]
    body: dict[str, Any]
    request_id: str
    holder: str
    at: float = field(default_factory=time.monotonic)


@dataclass
class Stub:
    """What the server does, and what it has seen; tests change it between requests."""

    port: int = 0
    infra: bool = False  # speaks of nodes and infra, as versions from 0.12.9 do
    auth: bool = True
    connections: tuple[str, ...] = CONNECTIONS
    fail_list: int = 0  # the status that /connConfig answers with
    fail: tuple[int, str] | None = None  # every registration answers this status and message
    fail_in: dict[str, str] = field(default_factory=dict)  # connection: systemMessage
    partly: int = 0  # how many resources of a connection fail
    lose_entry: bool = False  # a result gets lost, as parallel ones do
    drop: int = 0  # so many calls lose their connection, while the work goes on
    forget: bool = False  # and their requests are not known afterwards
    ends_badly: str = ""  # a dropped call ends with this error
    stall: bool = False  # calls get no answer until `go` is set
    stalled: Callable[[], None] = lambda: None  # is told of each of them
    go: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)
    calls: list[Seen] = field(default_factory=list)
    looked_at: int = 0  # how often a request was asked for
    handling: int = 0  # so many looks are answered with "Handling"
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def words(self) -> str:
        """Return its vocabulary."""
        return "infra" if self.infra else "mci"

    def against_the_contract(self, *spoken: str) -> list[str]:
        """Return what callers, who may speak these vocabularies, or itself have done wrong."""
        return [
            finding
            for exchange in self.exchanges
            for finding in tumblebug_contract.against(
                exchange, spoken=spoken or VOCABULARIES, server=self.words
            )
        ]

    @property
    def url(self) -> str:
        """Return its base address."""
        return f"http://127.0.0.1:{self.port}{BASE}"

    def result(self, seen: Seen) -> dict[str, Any]:
        """Return what registering does."""
        name = seen.body.get("connectionName", "")
        if name:
            return self._one(name, seen)
        every = [self._one(one, seen) for one in self.connections]
        total: dict[str, int] = {}
        for one in every:
            for key, count in one["registerationOverview"].items():
                total[key] = total.get(key, 0) + count
        return {
            "elapsedTime": 7,
            "registeredConnection": len(every),
            "availableConnection": len(self.connections),
            "registerationOverview": total,
            "registerationResult": every[1:] if self.lose_entry else every,
        }

    def _one(self, name: str, seen: Seen) -> dict[str, Any]:
        asked = [word for word in seen.query.get("option", "").split(",") if word]
        machine = "node" if self.infra else "vm"
        words = {machine if key == "vm" else key: n for key, n in RESOURCES.items()}
        trouble = self.fail_in.get(name, "")
        counts = {key: 0 if trouble else n for key, n in words.items() if not asked or key in asked}
        failed = [f"securityGroup: sg-{n} [Failed] no such VPC" for n in range(self.partly)]
        return {
            "connectionName": name,
            "systemMessage": trouble,
            "elapsedTime": 3,
            "registerationOverview": {**counts, "nlb": 0, "failed": len(failed)},
            "registerationOutputs": {"output": ["vNet: vpc-1", *failed]},
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: Stub
    asked: Exchange

    def log_message(self, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer what is asked for."""
        self._read()
        path = self.asked.path
        if path == "/readyz":
            self._say(200, {"ready": True, "initialized": True, "message": "ready"})
        elif not self._known():
            self._say(401, {"message": "Unauthorized"})
        elif path == "/connConfig" and self.stub.fail_list:
            self._say(self.stub.fail_list, {"message": "no list"})
        elif path == "/connConfig":
            listed = [
                {"configName": name, "providerName": name.split("-")[0], "verified": True}
                for name in self.stub.connections
            ]
            self._say(200, {"connectionconfig": listed})
        elif path == "/config":
            setting = {"id": "TB_AUTOCONTROL", "name": "TB_AUTOCONTROL", "value": "10000"}
            self._say(200, {"config": [setting]})
        elif path.startswith("/request/"):
            self._look(path.rpartition("/")[2])
        else:
            self._say(404, {"message": "Not Found"})

    def do_POST(self) -> None:
        """Register, or fail as the test wants."""
        self._read()
        asked = self.asked
        if asked.path != "/registerCspResources":
            self._say(404, {"message": "Not Found"})
        elif not self._known():
            self._say(401, {"message": "Unauthorized"})
        else:
            seen = Seen(
                dict(asked.query),
                asked.body,
                asked.headers.get("x-request-id", ""),
                asked.headers.get("x-credential-holder", ""),
            )
            self.stub.calls.append(seen)
            self._register(seen)

    def _read(self) -> None:
        """Take the request; noted at once, as some get no answer."""
        length = int(self.headers.get("Content-Length", "0"))
        url = urlsplit(self.path)
        self.asked = Exchange(
            method=self.command,
            path=url.path.removeprefix(BASE),
            query=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=json.loads(self.rfile.read(length)) if length else None,
        )
        self.stub.exchanges.append(self.asked)

    def _register(self, seen: Seen) -> None:
        stub = self.stub
        asked = seen.query.get("option", "").split(",")
        wrong = "vm" if stub.infra else "node"
        if wrong in asked:
            self._say(400, {"message": f"Validation Failed: unsupported option: '{wrong}'"})
        elif stub.fail is not None:
            status, message = stub.fail
            self._say(status, {"message": message})
        elif stub.drop:
            stub.drop -= 1
            self._drop(seen)
        elif stub.stall:
            self._stall()
        else:
            self._say(200, stub.result(seen))

    def _drop(self, seen: Seen) -> None:
        """End the connection in the middle of the work."""
        if not self.stub.forget:
            end = {"status": "Success", "responseData": self.stub.result(seen)}
            if self.stub.ends_badly:
                end = {"status": "Error", "errorResponse": self.stub.ends_badly}
            self.stub.requests[seen.request_id] = end
        self.close_connection = True

    def _stall(self) -> None:
        """Give no answer; note when the client hangs up."""
        self.stub.stalled()
        self.connection.settimeout(0.05)
        while not self.stub.go.is_set():
            with contextlib.suppress(TimeoutError):
                if self.connection.recv(1) == b"":
                    self.stub.hung_up.set()
                    break
        self.close_connection = True

    def _look(self, name: str) -> None:
        self.stub.looked_at += 1
        if name not in self.stub.requests:
            self._say(404, {"message": "Invalid Request ID"})
        elif self.stub.handling:
            self.stub.handling -= 1
            self._say(200, {"status": "Handling"})
        else:
            self._say(200, self.stub.requests[name])

    def _known(self) -> bool:
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        good = {f"Basic {pair}", f"Bearer {TOKEN}"}
        return not self.stub.auth or self.headers.get("Authorization") in good

    def _say(self, status: int, document: object) -> None:
        self.asked.status, self.asked.document = status, document
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class _Server(ThreadingHTTPServer):
    """A server that takes a client's refusal of its certificate for no fault."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell all other errors."""
        if not isinstance(sys.exception(), ssl.SSLError):
            super().handle_error(request, client_address)


@contextlib.contextmanager
def tumblebug(tls: ssl.SSLContext | None = None, **behaviour: Any) -> Iterator[Stub]:
    """Serve for the length of a block; by TLS where a context is given."""
    stub = Stub(**behaviour)
    handler: Callable[..., Any] = type("Handler", (_Handler,), {"stub": stub})
    server = _Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if tls is not None:
        # The handshake is left to each connection's own thread, where a failed one harms no other.
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    stub.port = server.server_address[1]
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield stub
    finally:
        stub.go.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
