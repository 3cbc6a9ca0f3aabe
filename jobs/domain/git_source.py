"""What git may fetch from, and what of its words may be shown."""

from __future__ import annotations

import re
from typing import Final

from jobs.domain.errors import InvalidError
from jobs.domain.said import said

# What git fetches from; others, such as `ext::`, run programs.
_SOURCE: Final = re.compile(r"(https?://|ssh://|file:///|/|[\w.-]+@[\w.-]+:)\S+")
# A password in an address would be kept, shown, and written into the audit log.
_WITH_PASSWORD: Final = re.compile(r"https?://[^/]*@.*|ssh://[^/@]*:[^/]*@.*")
_REF: Final = re.compile(r"[\w][\w./-]{0,199}")
# To the last @: one in a password begins no host.
_LOGIN: Final = re.compile(r"://[^/\s]+@")


def check_source(url: str) -> None:
    """Refuse an address that git must not be given; the refusal names no password."""
    if not _SOURCE.fullmatch(url):
        raise InvalidError(
            said(
                "{address!r} is no source. Use an address with https://, ssh:// or file://, "
                "git@host:path, or an absolute path of a repository.",
                address=without_login(url)[:200],
            )
        )
    if _WITH_PASSWORD.fullmatch(url):
        raise InvalidError(
            said(
                "The address holds a user or a password, which everybody would be shown. Leave "
                "them out, and let git know them by ~/.netrc or a credential helper of this "
                "account."
            )
        )


def check_ref(ref: str) -> None:
    """Refuse what is no name of a branch or tag; an option of git begins with a dash."""
    if ref and not _REF.fullmatch(ref):
        raise InvalidError(said("{ref!r} is no branch or tag.", ref=ref[:200]))


def without_login(text: str) -> str:
    """Return a text in which no address tells a user or a password."""
    return _LOGIN.sub("://", text)
