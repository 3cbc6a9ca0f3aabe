"""The settings of channels: read, judged, and with their secrets sealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from jobs.domain.errors import InvalidError
from jobs.domain.said import said, told
from jobs.executors.http_url import parse_url
from jobs.models import Channel
from jobs.notify import SENDERS, Sender
from jobs.notify.base import ChannelSpec
from jobs.services import secret_box
from jobs.services.problems import invalid_from


def sender_of(kind: str) -> Sender:
    """Return a kind of channel; InvalidError for one that there is not."""
    found = SENDERS.get(kind)
    if found is None:
        sentence = said(
            "{value!r} is not allowed. Use {allowed}.", value=kind[:40], allowed=", ".join(SENDERS)
        )
        raise InvalidError(told(["kind:", sentence]), fields={"kind": sentence})
    return found


def judged(kind: str, given: Mapping[str, Any]) -> ChannelSpec:
    """Return settings as their kind reads them; InvalidError with a sentence a field."""
    model = sender_of(kind).spec_model
    try:
        spec = model.model_validate(dict(given))
    except ValidationError as error:
        raise invalid_from(error, model) from error
    if "url" in model.model_fields:
        _check_address(spec.model_dump()["url"])
    return spec


def _check_address(url: str) -> None:
    """Refuse an address that no message can be sent to, which else the first alert would find."""
    try:
        parse_url(url)
    except InvalidError as error:
        raise InvalidError(told(["url:", error.message]), fields={"url": error.message}) from None


def store(row: Channel, spec: ChannelSpec) -> None:
    """Put settings into a channel's row: those that are secrets sealed."""
    values = spec.model_dump(mode="json")
    hidden = sender_of(row.kind).secrets
    row.settings = {name: value for name, value in values.items() if name not in hidden}
    secret = {name: value for name, value in values.items() if name in hidden and value}
    row.sealed = secret_box.seal(json.dumps(secret)) if secret else ""


def values_of(row: Channel) -> dict[str, Any]:
    """Return all settings, secrets too; SealedError when no present key opens them."""
    secret = json.loads(secret_box.unseal(row.sealed)) if row.sealed else {}
    return {**row.settings, **secret}


def spec_of(row: Channel) -> ChannelSpec:
    """Return a channel's settings as its kind reads them."""
    return sender_of(row.kind).spec_model.model_validate(values_of(row))
