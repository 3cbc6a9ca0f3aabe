"""A shell line on the server's host: it gets the alert in its environment."""

from __future__ import annotations

import json
from typing import Annotated, ClassVar

from pydantic import Field

from jobs.domain.said import said, told
from jobs.notify.base import ChannelSpec, Message, PermanentError, Ports, TemporaryError

# A line that cannot be found or started will not be the next time either.
_NOT_STARTED = frozenset({126, 127})


class CommandSpec(ChannelSpec):
    """What to run."""

    command: Annotated[str, Field(min_length=1, max_length=4000)]


class CommandSender:
    """Run it; exit code 0 is delivered."""

    spec_model: ClassVar[type[ChannelSpec]] = CommandSpec
    secrets: ClassVar[frozenset[str]] = frozenset()

    def send(self, spec: CommandSpec, message: Message, ports: Ports) -> None:
        """Deliver."""
        variables = {
            "ALERT_TOKEN": message.token,
            "ALERT_EVENT": message.event,
            "ALERT_SEVERITY": message.severity,
            "ALERT_TITLE": message.title,
            "ALERT_TEXT": message.text,
            "ALERT_URL": message.url,
            "ALERT_JSON": json.dumps(dict(message.document)),
        }
        code, printed = ports.run(spec.command, variables)
        if code:
            ended = said("The command ended with exit code {code}", code=code)
            kind = PermanentError if code in _NOT_STARTED else TemporaryError
            raise kind(told([ended, printed[:200]], ": ") if printed else ended)
