"""Every kind of channel: delivered, refused for good, or to be tried again."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from pydantic import ValidationError

from jobs.domain.addresses import parse_allowed
from jobs.notify import SENDERS, Message, PermanentError, Ports, TemporaryError
from jobs.notify.base import Answer
from jobs.services import ways_out
from tests.receiver import receiver

MESSAGE = Message(
    token="t0k3n",
    event="opened",
    severity="critical",
    title="report: 5 failures in a row: <!channel> $(touch x)",
    url="https://jobs.example.com/alerts/7/",
    document={"id": "t0k3n", "alert": {"title": "x"}},
    lines=("Since 12:00", "error: <b> & more"),
)


class Sent:
    """Ports that keep what leaves, and answer as they are told."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.posts: list[tuple[str, Mapping[str, str], bytes]] = []

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Keep a request."""
        self.posts.append((url, headers, body))
        return Answer(status=self.status)

    def ports(self, *, mail_ready: bool = True) -> Ports:
        """Return them."""
        return Ports(
            post=self.post,
            run=ways_out.run_line,
            mail_from="jobs@example.com",
            mail_ready=mail_ready,
            now=1_700_000_000,
        )


def send(kind: str, settings: dict[str, Any], ports: Ports) -> None:
    """Send the message."""
    sender = SENDERS[kind]
    sender.send(sender.spec_model.model_validate(settings), MESSAGE, ports)


def test_a_webhook_is_signed_and_names_its_token() -> None:
    """S0-137: JSON, an idempotency key, and an HMAC over moment and body."""
    sent = Sent()

    send("webhook", {"url": "https://x.example/", "secret": "s3cret"}, sent.ports())

    ((_url, headers, body),) = sent.posts
    mark = hmac.new(b"s3cret", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["Jobdeck-Signature"] == f"t=1700000000,v1={mark}"
    assert headers["Idempotency-Key"] == "t0k3n"
    assert json.loads(body)["alert"] == {"title": "x"}


@pytest.mark.parametrize(
    ("status", "error"),
    [(404, PermanentError), (401, PermanentError), (429, TemporaryError), (503, TemporaryError)],
)
@pytest.mark.parametrize("kind", ["webhook", "slack"])
def test_the_answer_decides_whether_to_try_again(
    kind: str, status: int, error: type[Exception]
) -> None:
    with pytest.raises(error, match=str(status)):
        send(kind, {"url": "https://x.example/"}, Sent(status).ports())


def test_slack_is_told_without_mentions() -> None:
    """S0-137: what a job printed calls nobody."""
    sent = Sent()

    send("slack", {"url": "https://hooks.slack.example/T0"}, sent.ports())

    body = json.loads(sent.posts[0][2])
    assert body["text"].startswith("<https://jobs.example.com/alerts/7/|[critical] report")
    assert "&lt;!channel&gt;" in body["text"]
    assert "&lt;b&gt; &amp; more" in body["attachments"][0]["text"]


def test_email_goes_to_the_mail_server() -> None:
    """S0-137: one plain text; an empty EMAIL_HOST says so."""
    send("email", {"to": ["ops@example.com"]}, Sent().ports())

    (letter,) = mail.outbox
    assert letter.subject.startswith("[critical] report: 5 failures")
    assert letter.extra_headers["Message-ID"] == "<t0k3n@jobdeck>"
    assert "https://jobs.example.com/alerts/7/" in str(letter.body)
    with pytest.raises(PermanentError, match="EMAIL_HOST"):
        send("email", {"to": ["ops@example.com"]}, Sent().ports(mail_ready=False))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (smtplib.SMTPDataError(550, b"no"), PermanentError),
        (smtplib.SMTPDataError(451, b"later"), TemporaryError),
        (smtplib.SMTPRecipientsRefused({}), PermanentError),
        (ConnectionRefusedError(), TemporaryError),
    ],
)
def test_the_mail_server_decides_whether_to_try_again(
    fault: Exception, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object) -> int:
        raise fault

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)

    with pytest.raises(error):
        send("email", {"to": ["ops@example.com"]}, Sent().ports())


def test_a_command_gets_the_alert_in_its_environment() -> None:
    """S0-137: as data, never as a part of the line; its exit code decides."""
    line = 'test "$ALERT_TITLE" = "report: 5 failures in a row: <!channel> \\$(touch x)"'
    send("command", {"command": line}, Sent().ports())

    with pytest.raises(TemporaryError, match="exit code 3: sorry"):
        send("command", {"command": "echo sorry; exit 3"}, Sent().ports())
    with pytest.raises(PermanentError, match="127"):
        send("command", {"command": "no-such-program-anywhere"}, Sent().ports())


def test_addresses_of_this_network_are_refused_unless_allowed(settings: Any) -> None:
    """S0-137: the rules of jobs of the type http hold, too."""
    settings.JOBDECK = {**settings.JOBDECK, "HTTP_ALLOWED": ()}
    with receiver() as kept:
        with pytest.raises(PermanentError, match="loopback"):
            ways_out.post(kept.url, {}, b"{}")
        settings.JOBDECK = {**settings.JOBDECK, "HTTP_ALLOWED": parse_allowed(["127.0.0.1"])}
        answer = ways_out.post(kept.url, {"X-A": "1\r\nX-B: 2"}, b"{}")
        url = kept.url

    assert answer.status == 204
    assert "x-b" not in kept.came[0].headers
    with pytest.raises(TemporaryError):
        ways_out.post(url, {}, b"{}")
    with pytest.raises(PermanentError):
        ways_out.post("file:///etc/passwd", {}, b"{}")


def test_apprise_is_asked_only_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue 7: an extra; without the package the sentence says what to install."""
    monkeypatch.setattr("jobs.notify.apprise.find_spec", lambda name: None)
    sender = SENDERS["apprise"]
    with pytest.raises(ValidationError, match="pip install"):
        sender.spec_model.model_validate({"address": "ntfy://topic"})

    told: list[dict[str, str]] = []

    class Apprise:
        """What the package offers, as far as it is used."""

        def add(self, url: str) -> bool:
            """Take an address."""
            return url.startswith("ntfy://")

        def notify(self, **what: str) -> bool:
            """Keep what is told."""
            told.append(what)
            return len(told) == 1

    package = ModuleType("apprise")
    package.Apprise = Apprise  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "apprise", package)
    monkeypatch.setattr("jobs.notify.apprise.find_spec", lambda name: package)
    spec = sender.spec_model.model_validate({"address": "ntfy://topic"})
    sender.send(spec, MESSAGE, Sent().ports())
    assert told[0]["notify_type"] == "failure"
    assert told[0]["title"] == MESSAGE.subject
    with pytest.raises(TemporaryError):
        sender.send(spec, MESSAGE, Sent().ports())
    with pytest.raises(PermanentError, match="such an address"):
        sender.send(
            sender.spec_model.model_validate({"address": "x://y/"}), MESSAGE, Sent().ports()
        )
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(PermanentError, match="not installed"):
        sender.send(spec, MESSAGE, Sent().ports())
