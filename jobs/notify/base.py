"""The contract of a channel: settings and a message in; delivered, or a typed error out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from jobs.domain.said import said

EVENT_WORDS = {
    "opened": "",
    "escalated": "Now critical: ",
    "reminder": "Still: ",
    "passed_on": "Nobody has acknowledged: ",
    "resolved": "Resolved: ",
    "test": "Test: ",
}


LINK_WORDS = {"acknowledge": "Acknowledge", "run": "Run again", "pause": "Pause for 1 hour"}


class NotifyError(Exception):
    """A message that was not delivered; its text is for people and holds no secret."""


class TemporaryError(NotifyError):
    """It may go well later."""


class PermanentError(NotifyError):
    """It never will, as the channel is set: nobody should try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is told. ``token`` is the same with every try: who has seen it drops the message."""

    token: str
    event: str
    severity: str
    title: str
    url: str  # of the alert's page; empty where nobody has said what this installation is called
    document: Mapping[str, Any]  # the whole alert, for programs
    lines: tuple[str, ...]  # the evidence, for people
    links: Mapping[str, str] = field(default_factory=dict)  # what acts without a login, by its name

    @property
    def subject(self) -> str:
        """Return the message in one line."""
        return f"[{self.severity}] {EVENT_WORDS.get(self.event, '')}{self.title}"

    @property
    def text(self) -> str:
        """Return it for people."""
        links = [f"{LINK_WORDS[name]}: {url}" for name, url in self.links.items()]
        return "\n".join([self.subject, *self.lines, *([self.url] if self.url else []), *links])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an HTTP server said."""

    status: int
    retry_after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ways out of this process, as the layer above gives them.

    ``post`` sends a body to an address under the same rules as jobs of the type http; ``run`` runs
    a shell line as a job's, with some variables, and returns its exit code and what it said.
    """

    post: Callable[[str, Mapping[str, str], bytes], Answer]
    run: Callable[[str, Mapping[str, str]], tuple[int, str]]
    mail_from: str
    mail_ready: bool
    now: int  # seconds since 1970, for signatures


class ChannelSpec(BaseModel):
    """The settings of one kind of channel; ``secrets`` names those that are sealed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sender(Protocol):
    """One kind of channel."""

    @property
    def spec_model(self) -> type[ChannelSpec]:
        """Return the model of its settings."""

    @property
    def secrets(self) -> frozenset[str]:
        """Return the names of the settings that nobody is shown."""

    def send(self, spec: Any, message: Message, ports: Ports) -> None:
        """Deliver; TemporaryError or PermanentError when that failed."""


def judge(answer: Answer) -> None:
    """Raise unless a server took the message.

    A wrong address or a refusal stays so; too many requests, a time-out or its own error does not.
    """
    if 200 <= answer.status < 300:
        return
    text = said("The server answered {status}", status=answer.status)
    if answer.status in {408, 425, 429} or answer.status >= 500:
        raise TemporaryError(text)
    raise PermanentError(text)
