"""E-mail, by the mail server that the settings name."""

from __future__ import annotations

import smtplib
from email.utils import parseaddr
from typing import Annotated, ClassVar

from django.core.mail import EmailMessage
from pydantic import AfterValidator, Field

from jobs.domain.said import said
from jobs.notify.base import ChannelSpec, Message, PermanentError, Ports, TemporaryError


def _address(text: str) -> str:
    """Return an address; a line break would be a header of the sender's choice."""
    plain = text.strip()
    if "@" not in parseaddr(plain)[1] or any(not one.isprintable() for one in plain):
        raise ValueError(
            said(
                "{value!r} is not an e-mail address. Use one such as ops@example.com",
                value=text[:100],
            )
        )
    return plain


class EmailSpec(ChannelSpec):
    """Whom to write."""

    to: Annotated[
        list[Annotated[str, Field(max_length=320), AfterValidator(_address)]],
        Field(min_length=1, max_length=50),
    ]


class EmailSender:
    """Write a plain text."""

    spec_model: ClassVar[type[ChannelSpec]] = EmailSpec
    secrets: ClassVar[frozenset[str]] = frozenset()

    def send(self, spec: EmailSpec, message: Message, ports: Ports) -> None:
        """Deliver to the mail server."""
        if not ports.mail_ready:
            raise PermanentError(said("No mail server is set: EMAIL_HOST is empty"))
        mail = EmailMessage(
            subject=" ".join(message.subject.split())[:200],
            body=message.text,
            from_email=ports.mail_from,
            to=list(spec.to),
            headers={
                "Message-ID": f"<{message.token}@jobdeck>",
                "Auto-Submitted": "auto-generated",
            },
        )
        try:
            mail.send()
        except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
            raise PermanentError(
                said("The mail server refused an address ({kind})", kind=type(error).__name__)
            ) from error
        except smtplib.SMTPResponseException as error:
            kind = PermanentError if 500 <= error.smtp_code < 600 else TemporaryError
            raise kind(said("The mail server answered {code}", code=error.smtp_code)) from error
        except (smtplib.SMTPException, OSError) as error:
            raise TemporaryError(
                said("The mail server does not answer ({kind})", kind=type(error).__name__)
            ) from error
