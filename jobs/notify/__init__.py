"""Ways to tell people and programs of alerts: one file a kind, plain values in and out."""

from jobs.notify.apprise import AppriseSender
from jobs.notify.base import (
    Message,
    NotifyError,
    PermanentError,
    Ports,
    Sender,
    TemporaryError,
)
from jobs.notify.command import CommandSender
from jobs.notify.email import EmailSender
from jobs.notify.slack import SlackSender
from jobs.notify.webhook import WebhookSender

SENDERS: dict[str, Sender] = {
    "email": EmailSender(),
    "webhook": WebhookSender(),
    "slack": SlackSender(),
    "command": CommandSender(),
    "apprise": AppriseSender(),
}

__all__ = [
    "SENDERS",
    "Message",
    "NotifyError",
    "PermanentError",
    "Ports",
    "Sender",
    "TemporaryError",
]
