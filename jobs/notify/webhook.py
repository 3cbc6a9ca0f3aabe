"""A signed webhook: JSON, with the moment and an HMAC over both.

    Jobdeck-Signature: t=1700000000,v1=hex(hmac_sha256(secret, "1700000000." + body))

Who checks it refuses what is older than a few minutes; who keeps the tokens drops repetitions.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Annotated, ClassVar

from pydantic import Field

from jobs.notify.base import ChannelSpec, Message, Ports, judge

ONCE_HEADER = "Idempotency-Key"
SIGNATURE_HEADER = "Jobdeck-Signature"


class WebhookSpec(ChannelSpec):
    """Where to, and what signs it."""

    url: Annotated[str, Field(min_length=8, max_length=2000)]
    secret: Annotated[str, Field(max_length=500)] = ""


class WebhookSender:
    """Post the alert as JSON."""

    spec_model: ClassVar[type[ChannelSpec]] = WebhookSpec
    # Addresses of webhooks hold tokens as often as not.
    secrets: ClassVar[frozenset[str]] = frozenset({"url", "secret"})

    def send(self, spec: WebhookSpec, message: Message, ports: Ports) -> None:
        """Deliver."""
        body = json.dumps(dict(message.document), ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            ONCE_HEADER: message.token,
            "Jobdeck-Event": message.event,
        }
        if spec.secret:
            headers[SIGNATURE_HEADER] = signature(spec.secret, body, at=ports.now)
        judge(ports.post(spec.url, headers, body))


def signature(secret: str, body: bytes, *, at: int) -> str:
    """Return what proves that a body is ours and of the moment ``at``."""
    mark = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mark}"
