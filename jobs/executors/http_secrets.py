"""Which parts of a request are credentials, to be kept out of everything that is written down."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from jobs.executors.http_url import Target

_TELLING = re.compile(
    r"auth|token|key|secret|passw|pwd|cookie|credential|session|signature|\bsig\b"
)


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
