"""HTTP jobs: the request that is made, the verdict on its answer, and what the log says."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import subprocess
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from jobs.domain.states import ExecutionState, Stream
from jobs.executors import BeatAnswer, http_supervision
from jobs.executors.http_decoding import TooLargeError, Unpacker
from jobs.executors.http_line import tls_context
from tests.executors.http_servers import Caller, Server, Speak, Talk, cancelling, serving
from tests.executors.worker import Recorder

OK = (ExecutionState.SUCCEEDED, "")
FAILED = ExecutionState.FAILED


@pytest.fixture
def call(tmp_path: Path, instance: str) -> Caller:
    """Return a function that runs an HTTP job."""
    return Caller(tmp_path, instance)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    """Fail a test after which a request goes on."""
    yield
    for thread in threading.enumerate():
        if thread.name == "http-exchange":
            thread.join(5)
            assert not thread.is_alive()


def hello(talk: Talk) -> None:
    talk.answer(b'{"status": "ok", "rows": [1, 2]}', Content_Type="application/json")


def endless(talk: Talk) -> None:
    """Send a byte now and then, for ever."""
    talk.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
    while True:
        talk.say(b"x")
        time.sleep(0.05)


def silent(talk: Talk) -> None:
    """Read the request and say nothing until the client has gone."""
    if not talk.connection.recv(1):
        talk.server.gone.set()


def trickling_head(talk: Talk) -> None:
    while True:
        talk.say(b"H")
        time.sleep(0.05)


def test_an_answer_is_logged_and_its_json_is_the_result(call: Caller) -> None:
    with serving(hello) as server:
        run = call(server.url)

    assert run.outcome == OK
    assert run.result.result == {"status": "ok", "rows": [1, 2]}
    assert run.result.metrics["status"] == 200
    assert run.result.metrics["bytes"] == 32
    assert run.text(Stream.STDOUT) == '{"status": "ok", "rows": [1, 2]}\n'
    log = run.text(Stream.SYSTEM).splitlines()
    assert log[:3] == [f"> GET {server.url}", "< 200 OK", "< content-length: 32"]
    assert log[-1].startswith("< 32 bytes, 0.")
    assert run.last_writes == 1


def test_the_request_is_the_one_described(call: Caller) -> None:
    with serving(hello) as server:
        run = call(
            f"http://ü:p%40ss@localhost:{server.port}/a b/ü?q=1&r=ü#part",
            method="POST",
            headers={"X-Number": "7", "accept": "application/json"},
            body={"name": "ü", "n": [1, None]},
        )

    assert run.outcome == OK
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /a%20b/%C3%BC?q=1&r=%C3%BC HTTP/1.1"
    assert f"Host: localhost:{server.port}" in lines
    assert "X-Number: 7" in lines
    assert "accept: application/json" in lines
    assert "Accept: */*" not in lines
    assert "Content-Type: application/json" in lines
    assert "Authorization: Basic w7w6cEBzcw==" in lines
    assert json.loads(body) == {"name": "ü", "n": [1, None]}


def test_a_body_of_text_is_sent_as_it_is(call: Caller) -> None:
    with serving(hello) as server:
        call(server.url, method="PUT", body="line\r\nünïcode")

    assert server.requests[0].endswith("\r\n\r\nline\r\nünïcode".encode())
    assert b"Content-Type: text/plain; charset=utf-8" in server.requests[0]


@pytest.mark.parametrize(
    ("status", "expected", "outcome"),
    [
        ("204 No Content", None, OK),
        ("404 Not Found", [404], OK),
        ("418 Teapot", ["200-299", "410 - 420"], OK),
        ("404 Not Found", None, (FAILED, "Unexpected status 404 Not Found; expected 200-299")),
        ("200 OK", [201, "300-399"], (FAILED, "Unexpected status 200 OK; expected 201, 300-399")),
        ("500", None, (FAILED, "Unexpected status 500; expected 200-299")),
    ],
)
def test_the_status_decides(call: Caller, status: str, expected: Any, outcome: Any) -> None:
    with serving(lambda talk: talk.answer(b"", status)) as server:
        run = call(server.url, **({"expected_status": expected} if expected else {}))

    assert run.outcome == outcome


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"data": [{"state": "ok"}]}', ""),
        (
            b'{"data": [{"state": "down"}]}',
            'Condition failed: data[0].state is "down", not "ok"',
        ),
        (b'{"data": []}', 'Condition failed: data[0].state is missing, not "ok"'),
        (b"<html>", "Condition failed: the answer is not JSON"),
        (b"[" * 100_000, "Condition failed: the answer is not JSON"),
        (b"", "Condition failed: the answer is not JSON"),
    ],
)
def test_a_condition_on_the_json_decides(call: Caller, body: bytes, message: str) -> None:
    condition = {"path": "data[0].state", "equals": "ok"}

    with serving(lambda talk: talk.answer(body)) as server:
        run = call(server.url, json_condition=condition)

    assert run.outcome == (FAILED if message else ExecutionState.SUCCEEDED, message)


@pytest.mark.parametrize(
    ("body", "charset", "shown"),
    [
        (b"gr\xfc\xdfe", "iso-8859-1", "grüße\n"),
        ("日本".encode("shift_jis"), "Shift_JIS", "日本\n"),
        (b"\xff\xfe\0bad \xc3", "utf-8", "\ufffd\ufffd\0bad \ufffd\n"),
        (b"x\x9c", "zip", "x\ufffd\n"),
        (b"plain\n", "no-such", "plain\n"),
    ],
)
def test_the_body_is_decoded_whatever_it_claims_to_be(
    call: Caller, body: bytes, charset: str, shown: str
) -> None:
    kind = f"text/plain; charset={charset}"

    with serving(lambda talk: talk.answer(body, Content_Type=kind)) as server:
        run = call(server.url)

    assert run.outcome == OK
    assert run.text(Stream.STDOUT) == shown


def test_a_picture_is_not_shown(call: Caller) -> None:
    with serving(lambda talk: talk.answer(b"\x89PNG\0\1", Content_Type="image/png")) as server:
        run = call(server.url)

    assert run.outcome == OK
    assert run.text(Stream.STDOUT) == ""
    assert "the body is image/png, not text, and is not shown" in run.text(Stream.SYSTEM)


def test_a_chunked_answer_is_put_together(call: Caller) -> None:
    def chunked(talk: Talk) -> None:
        talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in (b"one ", b"two ", b"three"):
            talk.say(b"%x\r\n%s\r\n" % (len(part), part))
        talk.say(b"0\r\n\r\n")

    with serving(chunked) as server:
        run = call(server.url)

    assert run.outcome == OK
    assert run.text(Stream.STDOUT) == "one two three\n"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"", "The server closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9\r\n", "The answer is not valid HTTP (BadStatusLine)"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
            "The answer broke off 95 bytes before its end",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nshort",
            "The answer broke off before its end",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip",
            "The compression of the answer is broken",
        ),
        (
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
            "The answer is not valid HTTP (HTTPException)",
        ),
        (
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
            "The answer is not valid HTTP (LineTooLong)",
        ),
    ],
)
def test_an_answer_that_is_none_is_a_failure(call: Caller, said: bytes, message: str) -> None:
    with serving(lambda talk: talk.say(said)) as server:
        run = call(server.url)

    assert run.outcome == (FAILED, message)


def test_a_compressed_answer_is_read(call: Caller) -> None:
    packed = gzip.compress(b'{"status": "ok"}')

    with serving(
        lambda talk: talk.answer(packed, Content_Encoding="gzip", Content_Type="application/json")
    ) as server:
        run = call(server.url, json_condition={"path": "status", "equals": "ok"})

    assert run.outcome == OK
    assert run.result.result == {"status": "ok"}


def _gigabyte(talk: Talk) -> None:
    talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    block = b"x" * 1_000_000
    for _ in range(1000):
        talk.say(block)


def _gzip_bomb(talk: Talk) -> None:
    # 1 GB of zeros in 1 MB: made piecemeal, the server's memory is not what is tested.
    packed = b"".join(_squeezed(1_000_000_000))
    assert len(packed) < 1_500_000
    talk.answer(packed, Content_Encoding="gzip")


def _squeezed(size: int) -> Iterator[bytes]:
    """Yield zeros, packed once and said again: a full flush makes a block that stands alone."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(10_000_000)
    yield squeeze.compress(zeros) + squeeze.flush(zlib.Z_FULL_FLUSH)
    again = squeeze.compress(zeros) + squeeze.flush(zlib.Z_FULL_FLUSH)
    yield from [again] * (size // len(zeros) - 1)


def _chunks_for_ever(talk: Talk) -> None:
    talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        talk.say(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")


@pytest.mark.parametrize("speak", [_gigabyte, _gzip_bomb, _chunks_for_ever])
def test_too_large_an_answer_is_cut_and_costs_little_memory(call: Caller, speak: Speak) -> None:
    before = psutil.Process().memory_info().rss

    with serving(speak) as server:
        run = call(server.url, max_response_bytes=1_000_000)
        grown = psutil.Process().memory_info().rss - before

    assert run.outcome == (FAILED, "Answer too large: more than 1,000,000 bytes")
    assert run.result.output_bytes < 1_100_000
    assert grown < 60_000_000


def test_of_a_bomb_no_more_is_unpacked_than_the_limit() -> None:
    packed = b"".join(_squeezed(100_000_000))
    unpacker = Unpacker("gzip", 1_000_000)

    tracemalloc.start()
    with pytest.raises(TooLargeError):
        unpacker.feed(packed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 3_000_000


def test_packed_data_that_makes_nothing_has_an_end_too() -> None:
    unpacker = Unpacker("gzip", 1000)
    squeeze = zlib.compressobj(wbits=31)
    assert unpacker.feed(squeeze.compress(b"") + squeeze.flush(zlib.Z_SYNC_FLUSH)) == b""

    nothing = b"\0\0\0\xff\xff"  # an empty block
    assert unpacker.feed(nothing * 100) == b""
    with pytest.raises(TooLargeError):
        unpacker.feed(nothing * 100)


def test_an_answer_of_exactly_the_limit_is_taken(call: Caller) -> None:
    with serving(lambda talk: talk.answer(b"x" * 1000)) as server:
        assert call(server.url, max_response_bytes=1000).outcome == OK
        assert call(server.url, max_response_bytes=999).outcome[0] is FAILED


@pytest.mark.parametrize("speak", [endless, silent, trickling_head])
def test_a_timeout_ends_the_request_at_once(call: Caller, speak: Speak) -> None:
    with serving(speak) as server:
        run = call(server.url, timeout=0.5)
        assert server.gone.wait(1)  # the connection is closed, not forgotten

    assert run.outcome == (ExecutionState.TIMED_OUT, "Timed out after 0.5 s")
    assert 0.5 <= run.seconds < 1.5


@pytest.mark.parametrize("speak", [endless, silent, trickling_head])
def test_a_cancel_ends_the_request_with_the_next_beat(
    call: Caller, speak: Speak, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_supervision, "BEAT_SECONDS", 0.2)

    with serving(speak) as server:
        run = call(server.url, answer=cancelling)
        assert server.gone.wait(1)

    assert run.outcome == (ExecutionState.CANCELLED, "Cancelled by otto")
    assert run.seconds < 1.2


def test_a_lost_lease_ends_the_request(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_supervision, "BEAT_SECONDS", 0.1)

    with serving(silent) as server:
        run = call(server.url, answer=lambda _: BeatAnswer(fenced=True))
        assert server.gone.wait(1)

    assert run.result.state is ExecutionState.LOST


def test_an_error_of_the_monitor_ends_the_request(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_supervision, "BEAT_SECONDS", 0.1)

    def fail(_: Recorder) -> BeatAnswer:
        raise ConnectionError("database gone")

    with serving(silent) as server:
        with pytest.raises(ConnectionError, match="database gone"):
            call(server.url, answer=fail)
        assert server.gone.wait(1)


def test_output_is_handed_over_while_the_request_runs(call: Caller) -> None:
    with serving(endless) as server:
        run = call(server.url, timeout=1.6)

    assert len([seconds for seconds, size in run.writes if size and seconds < 1.5]) >= 2
    assert "xxxx" in run.text(Stream.STDOUT)


def test_a_name_server_that_does_not_answer_holds_no_worker(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()

    def asleep(*_args: Any, **_options: Any) -> Any:
        free.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]

    with serving(hello) as server:
        monkeypatch.setattr(socket, "getaddrinfo", asleep)
        run = call(server.url, timeout=0.3)
        free.set()
        _join_exchanges()

    assert run.outcome == (ExecutionState.TIMED_OUT, "Timed out after 0.3 s")
    assert run.seconds < 1.3
    assert server.hits == 0  # what is resolved too late is not connected to


def _join_exchanges() -> None:
    for thread in threading.enumerate():
        if thread.name == "http-exchange":
            thread.join(5)


def test_a_connection_that_nobody_takes_ends_by_its_own_limit(call: Caller) -> None:
    # A full backlog: the kernel answers no further handshake.
    with contextlib.closing(socket.create_server(("127.0.0.1", 0), backlog=0)) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        run = call(f"http://127.0.0.1:{address[1]}/", connect_timeout_seconds=0.3)
        cut = call(f"http://127.0.0.1:{address[1]}/", timeout=0.3)
        for one in waiting:
            one.close()

    place = f"127.0.0.1:{address[1]}"
    assert run.outcome == (FAILED, f"No connection to {place} within 0.3 s")
    assert cut.outcome == (ExecutionState.TIMED_OUT, "Timed out after 0.3 s")
    assert cut.seconds < 1.3


def test_a_closed_port_and_an_unknown_name_are_named(call: Caller) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]

    refused = call(f"http://127.0.0.1:{port}/")
    unknown = call("http://no-such-host.invalid/")

    assert refused.outcome == (FAILED, f"No connection to 127.0.0.1:{port}: Connection refused")
    assert unknown.outcome[1].startswith("no-such-host.invalid could not be resolved: ")


# --- Redirects


def test_a_redirect_is_not_followed_unless_asked_for(call: Caller) -> None:
    with serving(lambda talk: talk.answer(b"", "302 Found", Location="/new?token=abc")) as server:
        run = call(server.url)

    place = f"{server.url}new?token=…"
    assert run.outcome == (
        FAILED,
        f"Unexpected status 302 Found, a redirect to {place} that is not followed; expected 200-299",
    )
    assert server.hits == 1


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [(301, "POST", "GET"), (302, "PUT", "PUT"), (303, "PUT", "GET"), (303, "HEAD", "HEAD"),
     (307, "POST", "POST"), (308, "DELETE", "DELETE")],
)  # fmt: skip
def test_a_redirect_repeats_the_request_or_asks_with_get(
    call: Caller, status: int, method: str, then: str
) -> None:
    def turn(talk: Talk) -> None:
        if talk.line.split()[1] == "/":
            talk.answer(b"", f"{status} Moved", Location="next")
        else:
            talk.answer(b"")

    with serving(turn) as server:
        run = call(server.url, method=method, body="text", follow_redirects=True)

    assert run.outcome == OK
    assert server.requests[1].startswith(f"{then} /next HTTP/1.1\r\n".encode())
    assert server.requests[1].endswith(b"text") is (status > 303 or then == "PUT")


def test_a_redirect_loop_ends_after_five(call: Caller) -> None:
    with serving(lambda talk: talk.answer(b"", "302 Found", Location="/")) as server:
        run = call(server.url, follow_redirects=True)

    assert run.outcome == (FAILED, f"More than 5 redirects; the next one to {server.url}")
    assert server.hits == 6


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "url must begin with http:// or https://"),
        ("gopher://127.0.0.1/", "url must begin with http:// or https://"),
        ("http://127.0.0.1:99999/", "url is malformed: its port is no number from 1 to 65535"),
        ("http://a\\@127.0.0.1/", "url holds a control character or a backslash"),
        ("http://[1::2::3]/", "url is malformed: its host is not valid"),
    ],
)
def test_a_redirect_to_what_is_no_web_page_is_refused(
    call: Caller, location: str, reason: str
) -> None:
    with serving(lambda talk: talk.answer(b"", "302 Found", Location=location)) as server:
        run = call(server.url, follow_redirects=True)

    assert run.outcome == (FAILED, f"Redirect refused: {reason}")


def test_another_server_is_not_told_the_credentials(call: Caller) -> None:
    headers = {"Authorization": "Bearer s3cret-token", "X-Custom": "v4lue", "Accept": "text/plain"}

    with serving(hello) as other:
        elsewhere = f"http://user:pw@127.0.0.1:{other.port}/"
        with serving(lambda talk: talk.answer(b"", "307 Moved", Location=elsewhere)) as server:
            run = call(
                server.url, method="POST", headers=headers, body="text", follow_redirects=True
            )

    assert run.outcome == OK
    assert b"s3cret-token" in server.requests[0]
    assert b"Accept: text/plain" in other.requests[0]
    assert b"Content-Type: text/plain" in other.requests[0]
    for word in (b"s3cret", b"v4lue", b"Authorization"):
        assert word not in other.requests[0]


# --- Secrets


def test_no_secret_of_the_request_is_written_down(call: Caller) -> None:
    def mirror(talk: Talk) -> None:
        """Show the request, in small pieces, as an echo service would."""
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        talk.say(b"Location: http://u:hunter2222@127.0.0.1/?token=q-s3cret-77\r\n")
        talk.say(b"WWW-Authenticate: tok-s3cret-99\r\nSet-Cookie: sid=abc\r\n\r\n")
        echoed = json.dumps({"was": talk.request.decode(), "key": "tok-s3cret-99"}).encode()
        for start in range(0, len(echoed), 7):
            talk.say(echoed[start : start + 7])
            time.sleep(0.001)

    secrets = ["hunter2222", "q-s3cret-77", "tok-s3cret-99", "Zm9vOmh1bnRlcjIyMjI"]
    with serving(mirror) as server:
        run = call(
            f"http://foo:hunter2222@127.0.0.1:{server.port}/x?token=q-s3cret-77&page=2",
            headers={"X-Api-Key": "tok-s3cret-99"},
            json_condition={"path": "key", "equals": "other"},
        )

    sent = server.requests[0].decode()
    assert all(secret in sent for secret in secrets if secret != "hunter2222")
    everything = repr(run)
    assert not [secret for secret in secrets if secret in everything]
    assert "sid=abc" not in everything
    assert run.outcome == (FAILED, 'Condition failed: key is "***", not "other"')
    assert f"> GET http://127.0.0.1:{server.port}/x?token=…&page=…" in run.text(Stream.SYSTEM)
    assert run.result.result["key"] == "***"


def test_an_address_that_is_a_secret_is_hidden_in_its_normal_form_too(call: Caller) -> None:
    with serving(hello) as server:
        # It is shown without the query's value and the user: the mask alone would not find it.
        address = f"http://u:pw@127.0.0.1:{server.port}/services/T0/PATHTOKENTOKEN?wait=true"
        run = call(address, secret=address)

    assert server.hits == 1
    assert "PATHTOKENTOKEN" not in repr(run)


def test_a_long_answer_is_cut_after_its_secrets_are_masked(call: Caller) -> None:
    secret = "S3CR3T-" + "abcdefghij" * 12

    def tell(talk: Talk) -> None:
        talk.answer(json.dumps({"data": {"filler": "x" * 60, "t": secret}}).encode())

    with serving(tell) as server:
        condition = {"path": "data", "equals": 1}
        run = call(server.url, secret=secret, json_condition=condition)

    assert run.outcome[0] == FAILED
    assert "S3CR3T" not in repr(run)


def test_proxies_of_the_environment_are_not_used(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(hello) as server, serving(hello) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        run = call(server.url)

    assert run.outcome == OK
    assert (server.hits, proxy.hits) == (1, 0)


# --- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for localhost that nobody has signed, with its key."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", f"{path}.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture
def tls_server(certificate: Path) -> Iterator[Server]:
    """Serve HTTPS by that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(hello, tls=context) as server:
        yield server


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trust the certificate as an administrator would."""
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    tls_context.cache_clear()
    yield
    tls_context.cache_clear()


def test_an_unsigned_certificate_is_refused(call: Caller, tls_server: Server) -> None:
    run = call(f"https://localhost:{tls_server.port}/")

    assert run.outcome == (
        FAILED,
        "TLS: the certificate of localhost is not valid: self-signed certificate",
    )
    assert tls_server.requests == []


def test_an_unsigned_certificate_is_taken_when_checks_are_off(
    call: Caller, tls_server: Server
) -> None:
    assert call(f"https://localhost:{tls_server.port}/", verify_tls=False).outcome == OK


@pytest.mark.usefixtures("trusted")
def test_a_certificate_counts_for_its_name_only(call: Caller, tls_server: Server) -> None:
    by_name = call(f"https://localhost:{tls_server.port}/")
    by_number = call(f"https://127.0.0.1:{tls_server.port}/")

    assert by_name.outcome == OK
    assert by_number.outcome[1].startswith("TLS: the certificate of 127.0.0.1 is not valid: IP add")


def test_a_server_without_tls_is_named(call: Caller) -> None:
    with serving(hello) as server:
        run = call(f"https://127.0.0.1:{server.port}/", timeout=5)

    assert run.result.state is FAILED
    assert run.result.message.startswith(f"TLS with 127.0.0.1:{server.port} failed: ")


@pytest.mark.usefixtures("trusted")
def test_a_redirect_out_of_encryption_is_refused(call: Caller, certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    with serving(
        lambda talk: talk.answer(b"", "302 Found", Location="http://localhost/plain"), tls=context
    ) as server:
        run = call(f"https://localhost:{server.port}/", follow_redirects=True)

    assert run.outcome == (
        FAILED,
        "Redirect refused: it leads from https to http://localhost/plain, which is not encrypted",
    )
