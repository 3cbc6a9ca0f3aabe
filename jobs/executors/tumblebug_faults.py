"""What a failed registration says, and what helps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jobs.domain.tumblebug import least_interval
from jobs.executors.tumblebug_client import Answer

# As the clouds word it; the first group is what is shown.
_LIMIT = re.compile(
    r"(RequestLimitExceeded|Throttling\w*|TooManyRequests\w*|RateLimitExceeded|RESOURCE_EXHAUSTED"
    r"|[Rr]ate limit exceeded|[Rr]ate exceeded)"
)
_DENIED = re.compile(
    r"(UnauthorizedOperation|AuthFailure|AccessDenied\w*|AuthorizationFailed|PERMISSION_DENIED"
    r"|InvalidAuthenticationToken|InvalidClientTokenId)"
)
_NO_CONNECTION = re.compile(r"connection '([^']{1,200})' not found", re.IGNORECASE)
_SHOWN = 300
_TOO_MANY = 429


class Fault(Exception):  # noqa: N818 - a verdict, raised to leave the conversation
    """Why a registration failed, as a sentence, with advice for programs where there is some."""

    def __init__(self, sentence: str, advice: Mapping[str, Any] | None = None) -> None:
        """Take the sentence for a person."""
        super().__init__(sentence)
        self.sentence = sentence
        self.advice = advice


def connection_missing(name: str) -> Fault:
    """Return the fault of a connection that the server does not have."""
    return Fault(f"failed to connect to CSP: connection '{name}' not found")


def fault_of(answer: Answer, connection: str) -> Fault:
    """Return what is wrong with an answer that is no success."""
    if answer.status in {401, 403} and not _DENIED.search(answer.message):
        return Fault(
            f"CB-Tumblebug refused the credentials ({answer.status} {answer.reason}). Check "
            "TUMBLEBUG_USER and TUMBLEBUG_PASSWORD, or TUMBLEBUG_TOKEN"
        )
    known = known_fault(answer.message, connection)
    if known is not None:
        return known
    if answer.status == _TOO_MANY:
        return _limited(f"CB-Tumblebug answered {answer.status} {answer.reason}", connection)
    said = f": {_one_line(answer.message)}" if answer.message else ""
    return Fault(f"CB-Tumblebug answered {answer.status} {answer.reason}{said}".rstrip())


def known_fault(text: str, connection: str) -> Fault | None:
    """Return the fault that a server's sentence tells of; None when it is none of those known."""
    if found := _NO_CONNECTION.search(text):
        return connection_missing(found[1])
    if found := _LIMIT.search(text):
        return _limited(f"CSP API error: {found[1]}", connection)
    if found := _DENIED.search(text):
        return Fault(
            f"CSP API error: {found[1]}. Verify and reconfigure the CSP credentials at CB-Tumblebug"
        )
    return None


def said(text: str) -> Fault:
    """Return the fault that repeats a server's sentence."""
    return Fault(f"CB-Tumblebug reports: {_one_line(text) or 'an error without a sentence'}")


def timed_out(timeout: timedelta | None) -> str:
    """Name the limit that was reached, in the words of CB-Tumblebug's guide."""
    seconds = timeout.total_seconds() if timeout else 0.0
    minutes, rest = divmod(seconds, 60)
    if minutes and not rest:
        shown = f"{minutes:g} minute{'s' if minutes > 1 else ''}"
    else:
        shown = f"{seconds:g} second{'s' if seconds != 1 else ''}"
    return f"execution timeout exceeded ({shown})"


def _limited(sentence: str, connection: str) -> Fault:
    least = least_interval(connection)
    whole = (
        f"{sentence}. Raise the interval to at least {least.total_seconds() / 60:g} minutes, or "
        "give the jobs of the connection a queue that limits its starts a minute"
    )
    advice = {"action": "raise_interval", "least_seconds": round(least.total_seconds())}
    return Fault(whole, advice)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:_SHOWN]
