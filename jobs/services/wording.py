"""Checks of single words, with messages that name the value and what is allowed."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/ -]{0,59}")


def refuse(sentence: str) -> PydanticCustomError:
    """Return an error whose message is exactly ``sentence``."""
    return PydanticCustomError("refused", "{sentence}", {"sentence": sentence})


def check_name(value: str) -> str:
    """Accept what is safe in a path, an address and a shell."""
    if _NAME.fullmatch(value):
        return value
    raise refuse(
        f"Name {value[:120]!r} is not allowed. Use 1 to 100 letters, digits, '.', '_' or '-', "
        "beginning with a letter or digit."
    )


def check_job_reference(value: str) -> str:
    """Accept the name of a job, also as ``workspace/name``, or ``/name`` for one that stands alone."""
    workspace, slash, name = value.rpartition("/")
    if workspace:
        check_name(workspace)
    check_name(name)
    return value if slash else name


def check_queue(value: str) -> str:
    """Accept what is safe as a queue's name."""
    if _NAME.fullmatch(value):
        return value
    raise refuse(
        f"Queue {value[:120]!r} is not allowed. Use letters, digits, '.', '_' or '-', "
        "beginning with a letter or digit."
    )


def check_mutex(value: str) -> str:
    """Accept what is safe as a mutex's name; empty for none."""
    if not value or _NAME.fullmatch(value):
        return value
    raise refuse(
        f"Mutex {value[:120]!r} is not allowed. Use letters, digits, '.', '_' or '-', "
        "beginning with a letter or digit."
    )


def check_tag(value: str) -> str:
    """Accept a short word as a tag."""
    tag = value.strip()
    if _WORD.fullmatch(tag):
        return tag
    raise refuse(
        f"Tag {value[:80]!r} is not allowed. Use 1 to 60 letters, digits, spaces or '._:/-', "
        "beginning with a letter or digit."
    )


def choice(options: type[StrEnum]) -> BeforeValidator:
    """Return a validator that names the value and every allowed one."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and value in set(options):
            return value
        raise refuse(f"{value!r} is not allowed. Use {either(list(options))}.")

    return BeforeValidator(check)


def either(words: list[str]) -> str:
    """Return ``a, b or c``."""
    *rest, last = [str(word) for word in words]
    return f"{', '.join(rest)} or {last}" if rest else last
