"""HTTP jobs reach public addresses only: a listener that must not be reached counts who comes."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pytest

from jobs.domain.errors import InvalidError
from jobs.domain.states import ExecutionState
from jobs.executors import parse_spec
from tests.executors.http_servers import Caller, Talk, serving

FAILED = ExecutionState.FAILED

# Every one of them is 127.0.0.1, ::1 or this machine to some program.
SPELLINGS = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0:{port}/",
    "http://127.255.255.254:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[0:0:0:0:0:ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[::1%lo]:{port}/",
    "http://\u2460\u2461\u2466.0.0.1:{port}/",  # digits in circles
    "http://\uff11\uff12\uff17.\uff10.\uff10.\uff11:{port}/",  # digits of full width
    "http://127\u30020\u30020\u30021:{port}/",  # with ideographic full stops
    "http://\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3:{port}/",  # letters in circles
    "http://%6c%6f%63alhost:{port}/",
    "http://example.com@127.0.0.1:{port}/",
    "http://example.com:80@127.0.0.1:{port}/",
    "http://example.com@x@127.0.0.1:{port}/",
    "http://example.com\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@example.com/",
    "http://127.0.0.1:{port}#@example.com/",
    "http://127.0.0.1:{port}?@example.com/",
    "http:\t//127.0.0.1:{port}/",
    "http://127.0.\n0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "http:/127.0.0.1:{port}/",
    "///127.0.0.1:{port}/",
    " http://127.0.0.1:{port}/ ",
    "HTTP://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
]


def hello(talk: Talk) -> None:
    talk.answer(b"the answer of a server that is none of your business")


@pytest.fixture
def call(tmp_path: Path, instance: str) -> Caller:
    """Return a function that runs an HTTP job."""
    return Caller(tmp_path, instance)


def _refusal(call: Caller, url: str) -> str:
    """Return what is said to a url: when the job is saved, else when it runs."""
    try:
        run = call(url, allow=(), timeout=5)
    except InvalidError as error:
        return error.message
    return run.result.message if run.result.state is FAILED else "not refused"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_this_machine_is_reached(call: Caller, spelling: str) -> None:
    with serving(hello) as four, serving(hello, host="::1") as six:
        for server in (four, six):
            said = _refusal(call, spelling.format(port=server.port))
            assert re.match(r"url |Address refused: |.* could not be resolved", said)

    assert (four.hits, six.hits) == (0, 0)


def test_the_spellings_mean_this_machine(call: Caller) -> None:
    """Show that the listener would be hit: with loopback allowed, most of them reach it."""
    reached = 0
    everything = ("0.0.0.0/0", "::/0")

    with serving(hello) as server:
        for spelling in SPELLINGS:
            try:
                run = call(spelling.format(port=server.port), allow=everything, timeout=1)
            except InvalidError:
                continue
            reached += run.result.state is ExecutionState.SUCCEEDED

    assert reached >= 16
    assert server.hits >= reached


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1/", "127.0.0.1 (loopback)"),
        ("http://127.1/", "127.1 is 127.0.0.1 (loopback)"),
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254 (metadata service)"),
        ("http://[fd00:ec2::254]/", "fd00:ec2::254 (metadata service)"),
        ("http://10.1.2.3/", "10.1.2.3 (private)"),
        ("http://[::ffff:192.168.0.1]/", "::ffff:c0a8:1 is ::ffff:192.168.0.1 (private)"),
    ],
)
def test_the_refusal_says_what_the_address_is_and_who_can_allow_it(
    call: Caller, url: str, message: str
) -> None:
    run = call(url, allow=())

    assert run.result.state is FAILED
    assert run.result.message == (
        f"Address refused: {message}. Public addresses are allowed; an administrator can allow"
        " others by JOBS_HTTP_ALLOW"
    )


def test_a_name_is_looked_up_once_and_its_address_is_the_one_connected_to(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that first names a public address and then this machine gains nothing."""
    asked: list[str] = []
    real = socket.getaddrinfo
    dialled: list[Any] = []

    def rebinding(host: str, port: int, *_args: Any, **_options: Any) -> Any:
        if host != "rebind.example":
            return real(host, port, *_args, **_options)
        asked.append(host)
        address = "192.0.2.77" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def dial(_self: socket.socket, address: Any) -> None:
        dialled.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(socket.socket, "connect", dial)

    call("http://rebind.example/", allow=("192.0.2.77",))

    assert asked == ["rebind.example"]
    assert dialled == [("192.0.2.77", 80)]


def test_of_several_addresses_only_those_that_are_allowed_are_tried(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(_host: str, port: int, *_args: Any, **_options: Any) -> Any:
        six = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))
        four = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
        return [six, four]

    with serving(hello) as four, serving(hello, host="::1") as six:
        monkeypatch.setattr(socket, "getaddrinfo", both)
        runs = [call(f"http://two.example:{s.port}/", allow=("127.0.0.1",)) for s in (four, six)]

    assert runs[0].result.state is ExecutionState.SUCCEEDED
    assert runs[1].result.state is FAILED
    assert (four.hits, six.hits) == (1, 0)


def test_a_redirect_is_checked_like_the_first_address(call: Caller) -> None:
    with (
        serving(hello) as inner,
        serving(
            lambda talk: talk.answer(
                b"", "302 Found", Location=f"http://localhost:{inner.port}/secret"
            )
        ) as outer,
    ):
        allow = (f"127.0.0.1:{outer.port}",)
        run = call(outer.url, allow=allow, follow_redirects=True)

    assert run.result.state is FAILED
    assert run.result.message.startswith("Address refused: localhost is ")
    assert (outer.hits, inner.hits) == (1, 0)


def test_a_host_can_be_allowed_by_name_and_port(call: Caller) -> None:
    with serving(hello) as server:
        url = f"http://localhost:{server.port}/"
        allowed = call(url, allow=(f"localhost:{server.port}",))
        other_port = call(url, allow=(f"localhost:{server.port - 1}",))
        by_number = call(server.url, allow=("localhost",))

    assert allowed.result.state is ExecutionState.SUCCEEDED
    assert other_port.result.state is FAILED
    assert by_number.result.state is FAILED


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "file:///etc/passwd", "example.com", "", "javascript:alert(1)",
     "http://", "http://:80/", "http://a:0/", "http://a:b/", "http://a:70000/", "http://[::g]/",
     "http://a b/", "http://a..b/", "http://.a/", "http://" + "a" * 64 + ".example/",
     "http://a/" + "x" * 8000],
)  # fmt: skip
def test_what_is_no_address_of_a_web_page_is_refused_when_saved(url: str) -> None:
    with pytest.raises(InvalidError, match=r"^url ") as caught:
        parse_spec("http", {"url": url})

    assert set(caught.value.fields) == {"url"}
