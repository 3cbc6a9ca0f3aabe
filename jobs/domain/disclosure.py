"""What of a definition and of an answer people see who may not edit, or not even run, a job.

A secret belongs into a variable that is one; here is caught what was written down all the same. Who
may edit a job can read what it is given anyway, so nothing is hidden from editors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from jobs.domain.masking import MASK
from jobs.domain.permissions import Actor, Permission, can

# The job type whose output is what another server has answered.
HTTP = "http"
_IN_NAME = re.compile(
    r"passw|passphrase|passcode|secret|token|credential|api_?key|authori[sz]ation|cookie",
    re.IGNORECASE,
)
_WORDS = frozenset({"pass", "pwd", "pw", "key", "keys", "auth", "cred", "creds", "bearer", "dsn"})
# Words of ``DB_PASS``, ``db-pass`` and ``dbPass``.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Nothing but variables: they tell no value, and what they stand for is good to know.
_PLACEHOLDERS = re.compile(
    r"(?:\s*(?:Bearer|Basic|Token)\s)?\s*(?:\{\{[^{}]*\}\}\s*)+", re.IGNORECASE
)
# Lengths are bounded: a text of megabytes without an end of a word must not cost its square.
_URL_PASSWORD = re.compile(
    r"(?P<before>\b[a-z][a-z0-9+.-]{0,30}://[^\s/?#:@]{0,256}:)(?P<value>[^\s/?#]{1,1024})@",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r"""(?<!\w)(?P<before>(?P<name>[A-Za-z_][\w-]{0,99})=)"""
    r"""(?P<value>"[^"\n]*"|'[^'\n]*'|[^\s"'&;|)#]+)"""
)
_OPTION = re.compile(
    r"""(?P<before>--(?P<name>[A-Za-z][\w-]{0,99})[ \t]+)"""
    r"""(?P<value>"[^"\n]*"|'[^'\n]*'|[^\s"'&;|)-][^\s"'&;|)]*)"""
)
_HEADER = re.compile(r"""(?P<before>\b(?P<name>[A-Za-z][\w-]{0,99}):[ \t]*)(?P<value>[^"'\r\n]+)""")

# One of them is in all that the patterns here find.
_MARKS = ("=", ":", "--")
_USUAL_NAME = 200


def looks_secret(name: str) -> bool:
    """Say whether a variable, header or field of that name usually holds a secret."""
    # Lists ask for the same few names a thousand times; a name of megabytes is not remembered.
    return _judged(name) if len(name) <= _USUAL_NAME else _judged.__wrapped__(name)


@lru_cache(maxsize=1024)
def _judged(name: str) -> bool:
    return bool(_IN_NAME.search(name)) or any(
        word.lower() in _WORDS for word in _WORD.findall(name)
    )


def masked(value: Any) -> Any:
    """Return a JSON value without the literal secrets that names and addresses give away."""
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, Mapping):
        return {
            key: _hidden(item) if looks_secret(str(key)) else masked(item)
            for key, item in value.items()
        }
    return [masked(item) for item in value] if isinstance(value, list | tuple) else value


def definition_for(actor: Actor, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition as ``actor`` may see it: whole for who may edit."""
    return dict(definition) if can(actor, Permission.EDIT) else masked(definition)


def value_for(actor: Actor, name: str, value: str) -> str:
    """Return what ``actor`` may see of the value that stands behind ``name``."""
    if can(actor, Permission.EDIT):
        return value
    return str(_hidden(value) if looks_secret(name) else masked(value))


def sees_answers(actor: Actor, job_type: str) -> bool:
    """Say whether ``actor`` may read the output of such a job: answers of servers operators only."""
    return job_type != HTTP or can(actor, Permission.EXECUTE)


def masked_at(value: Any, *, path: str = "", secret: bool = False) -> str | None:
    """Return where in a JSON value a mask stands for a secret, as ``spec.headers.Cookie``; None: nowhere.

    Stars that stand for nothing, as in ``echo ***``, are none.
    """
    if isinstance(value, str):
        found = MASK in value and ((secret and value == MASK) or _holds_mask(value))
        return path if found else None
    items: Iterable[tuple[object, Any]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for key, item in items:
        place = masked_at(
            item,
            path=f"{path}.{key}" if path else str(key),
            secret=secret or looks_secret(str(key)),
        )
        if place is not None:
            return place
    return None


def _holds_mask(text: str) -> bool:
    named = (match for pattern in (_ASSIGNED, _OPTION, _HEADER) for match in pattern.finditer(text))
    values = [match["value"] for match in named if looks_secret(match["name"])]
    values += [match["value"] for match in _URL_PASSWORD.finditer(text)]
    return any(value.strip("\"' \t") == MASK for value in values)


def _hidden(value: Any) -> Any:
    """Return a value with everything hidden that tells something; true, false and null do not."""
    if value is None or isinstance(value, bool) or value == "":
        return value
    if isinstance(value, Mapping):
        return {key: _hidden(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(item) for item in value]
    return value if isinstance(value, str) and _PLACEHOLDERS.fullmatch(value) else MASK


def _masked_text(text: str) -> str:
    if not any(mark in text for mark in _MARKS):
        return text  # most texts, without asking each pattern
    text = _URL_PASSWORD.sub(lambda match: f"{_without_value(match)}@", text)
    for pattern in (_ASSIGNED, _OPTION, _HEADER):
        text = pattern.sub(_if_secret, text)
    return text


def _if_secret(match: re.Match[str]) -> str:
    return _without_value(match) if looks_secret(match["name"]) else match[0]


def _without_value(match: re.Match[str]) -> str:
    value = match["value"]
    bare = value.strip("\"'")
    # The shell's own variables tell as little as ours.
    tells = not (_PLACEHOLDERS.fullmatch(bare) or re.fullmatch(r"\$\w+|\$\{\w+\}", bare))
    return f"{match['before']}{MASK if tells else value}"
