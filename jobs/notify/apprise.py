"""Any of the services that the package apprise knows, by its address; an extra, not installed by itself."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from jobs.domain.said import said
from jobs.notify.base import ChannelSpec, Message, PermanentError, Ports, TemporaryError

MISSING = said(
    "The package apprise is not installed. Install it with: pip install 'apprise>=1.9,<2'"
)


def _installed(url: str) -> str:
    if find_spec("apprise") is None:
        raise ValueError(MISSING)
    return url


class AppriseSpec(ChannelSpec):
    """Where to, as apprise writes it, such as ntfy://topic."""

    address: Annotated[str, Field(min_length=5, max_length=2000), AfterValidator(_installed)]


class AppriseSender:
    """Hand the message to apprise; it is imported only here, by who has chosen it."""

    spec_model: ClassVar[type[ChannelSpec]] = AppriseSpec
    # Its addresses hold tokens and passwords.
    secrets: ClassVar[frozenset[str]] = frozenset({"address"})

    def send(self, spec: AppriseSpec, message: Message, ports: Ports) -> None:
        """Deliver."""
        try:
            apprise: Any = import_module("apprise")
        except ImportError as error:
            raise PermanentError(MISSING) from error
        told = apprise.Apprise()
        if not told.add(spec.address):
            raise PermanentError(said("apprise does not know such an address"))
        kind = {"resolved": "success"}.get(message.event)
        kind = kind or ("failure" if message.severity == "critical" else "warning")
        body = message.text.partition("\n")[2] or message.subject
        if not told.notify(title=message.subject, body=body, notify_type=kind):
            raise TemporaryError(said("apprise could not deliver it"))
