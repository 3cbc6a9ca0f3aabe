"""An incoming webhook as Slack has it; Mattermost, Rocket.Chat and Discord (``/slack``) take it too."""

from __future__ import annotations

import json
from typing import Annotated, ClassVar

from pydantic import Field

from jobs.notify.base import LINK_WORDS, ChannelSpec, Message, Ports, judge
from jobs.notify.webhook import ONCE_HEADER

_COLOURS = {"critical": "#c22f2f", "warning": "#b7791f"}
_GOOD = "#2f855a"


class SlackSpec(ChannelSpec):
    """Where to."""

    url: Annotated[str, Field(min_length=8, max_length=2000)]


class SlackSender:
    """Post a short text with a coloured bar."""

    spec_model: ClassVar[type[ChannelSpec]] = SlackSpec
    secrets: ClassVar[frozenset[str]] = frozenset({"url"})

    def send(self, spec: SlackSpec, message: Message, ports: Ports) -> None:
        """Deliver."""
        resolved = message.event == "resolved"
        title = escape(message.subject)
        body = {
            "text": f"<{message.url}|{title}>" if message.url else title,
            "attachments": [
                {
                    "color": _GOOD if resolved else _COLOURS.get(message.severity, _GOOD),
                    "text": "\n".join([escape("\n".join(message.lines)), *_links(message)]),
                }
            ],
        }
        headers = {"Content-Type": "application/json", ONCE_HEADER: message.token}
        judge(ports.post(spec.url, headers, json.dumps(body).encode()))


def _links(message: Message) -> list[str]:
    return [f"<{url}|{LINK_WORDS[name]}>" for name, url in message.links.items()]


def escape(text: str) -> str:
    """Return text in which nothing is a link or a mention: jobs print what they like."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
