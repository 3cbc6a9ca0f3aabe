"""Keep the credentials of a request out of everything that is written down."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from jobs.executors.http_url import Target

MASK = "***"
# Shorter ones would blank out half of any text, and are no secrets anyway.
SHORTEST = 4
_TELLING = re.compile(
    r"auth|token|key|secret|passw|pwd|cookie|credential|session|signature|\bsig\b"
)


class Masker:
    """Replace secrets in text, also in text that comes in pieces."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Take the secrets; each is also found URL-encoded and escaped as in JSON."""
        written = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        # The longest first: one secret may begin like another.
        ordered = sorted(written, key=len, reverse=True)
        self._longest = len(ordered[0]) if ordered else 0
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        self._held = ""

    def clean(self, text: str) -> str:
        """Return a whole text without secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def feed(self, text: str) -> str:
        """Take the next piece; return what can be shown of all so far."""
        if self._pattern is None:
            return text
        self._held += text
        # A secret that begins before this place is here in full, whichever it is.
        sure = max(len(self._held) - self._longest + 1, 0)
        shown, position = [], 0
        while (match := self._pattern.search(self._held, position)) and match.start() < sure:
            shown += [self._held[position : match.start()], MASK]
            position = match.end()
        cut = max(position, sure)
        shown.append(self._held[position:cut])
        self._held = self._held[cut:]
        return "".join(shown)

    def finish(self) -> str:
        """Return the rest."""
        rest, self._held = self._held, ""
        return self.clean(rest)


def secrets_of(target: Target, headers: Mapping[str, str]) -> list[str]:
    """Return what of a request is secret: password, tokens, cookies, by their telling names."""
    found = [target.password]
    found += [value for name, value in target.values() if is_telling(name)]
    for name, value in headers.items():
        if is_telling(name):
            found += _of_header(value)
    if target.user is not None:
        found.append(basic(target.user, target.password))
        found.append(basic(target.user, target.password).partition(" ")[2])
    return found


def is_telling(name: str) -> bool:
    """Tell whether a value of that name is likely to be a secret."""
    return _TELLING.search(name.lower()) is not None


def basic(user: str, password: str) -> str:
    """Return the value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _of_header(value: str) -> list[str]:
    scheme, _, credentials = value.partition(" ")
    found = [value, credentials.strip()]
    # Cookies and parameters: sid=abc; theme=dark.
    found += [part.partition("=")[2].strip().strip('"') for part in re.split(r"[;,]", value)]
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(credentials, validate=True).decode()
        except ValueError:
            return found
        found += [pair, pair.partition(":")[2]]
    return found


def _forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
