"""What an action says afterwards: a sentence, a link, and the way back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from django.contrib import messages
from django.contrib.messages.storage.base import Message

from jobs.domain.said import spoken

_LEVELS = {"ok": messages.SUCCESS, "info": messages.INFO, "bad": messages.ERROR}
_ICONS = {"ok": "circle-check", "info": "circle-pause", "bad": "octagon-x"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Toast:
    """One message; ``undo_url`` takes a POST without fields, ``link_url`` is the thing acted on."""

    text: str
    kind: str = "ok"  # ok, info, bad
    icon: str = ""
    link_text: str = ""
    link_url: str = ""
    undo_url: str = ""

    def __post_init__(self) -> None:
        """Tell it in the reader's language: a message is kept as plain text until it is shown."""
        object.__setattr__(self, "text", spoken(self.text))

    @property
    def level(self) -> int:
        """Return the level of Django's messages that fits."""
        return _LEVELS[self.kind]

    @property
    def shown_icon(self) -> str:
        """Return the icon's name."""
        return self.icon or _ICONS[self.kind]

    def packed(self) -> str:
        """Return all but the text for the ``extra_tags`` of a Django message."""
        return json.dumps({key: value for key, value in asdict(self).items() if key != "text"})


def from_message(message: Message) -> Toast:
    """Return the toast that a Django message carries, also one that other code added."""
    kind = "bad" if message.level >= messages.WARNING else "ok"
    try:
        fields = json.loads(message.extra_tags or "")
    except ValueError:
        return Toast(text=str(message.message), kind=kind)
    return Toast(text=str(message.message), **fields)
