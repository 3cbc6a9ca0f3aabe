"""Checks of single words, with messages that name the value and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from jobs.domain.said import said

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/ -]{0,59}")


def refuse(sentence: str) -> PydanticCustomError:
    """Return an error whose message is exactly ``sentence``."""
    return PydanticCustomError("refused", "{sentence}", {"sentence": sentence})


def sentence_of(error: ValueError) -> str:
    """Return the sentence that `refuse` was given; as text of the error it would be English only."""
    context = error.context if isinstance(error, PydanticCustomError) else None
    return str((context or {}).get("sentence", error))


def check_name(value: str) -> str:
    """Accept what is safe in a path, an address and a shell."""
    if _NAME.fullmatch(value):
        return value
    raise refuse(
        said(
            "Name {value!r} is not allowed. Use 1 to 100 letters, digits, '.', '_' or "
            "'-', beginning with a letter or digit.",
            value=value[:120],
        )
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
        said(
            "Queue {value!r} is not allowed. Use letters, digits, '.', '_' or '-', "
            "beginning with a letter or digit.",
            value=value[:120],
        )
    )


def check_mutex(value: str) -> str:
    """Accept what is safe as a mutex's name; empty for none."""
    if not value or _NAME.fullmatch(value):
        return value
    raise refuse(
        said(
            "Mutex {value!r} is not allowed. Use letters, digits, '.', '_' or '-', "
            "beginning with a letter or digit.",
            value=value[:120],
        )
    )


def check_tag(value: str) -> str:
    """Accept a short word as a tag."""
    tag = value.strip()
    if _WORD.fullmatch(tag):
        return tag
    raise refuse(
        said(
            "Tag {value!r} is not allowed. Use 1 to 60 letters, digits, spaces or "
            "'._:/-', beginning with a letter or digit.",
            value=value[:80],
        )
    )


def choice(options: type[StrEnum]) -> BeforeValidator:
    """Return a validator that names the value and every allowed one."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and value in set(options):
            return value
        raise refuse(
            said(
                "{value!r} is not allowed. Use {allowed}.",
                value=value,
                allowed=either(list(options)),
            )
        )

    return BeforeValidator(check)


def some_of(names: Sequence[str], most: int) -> str:
    """Return the first names, and how many more there are."""
    shown, more = ", ".join(names[:most]), len(names) - most
    return said("{names} and {more} more", names=shown, more=more) if more > 0 else shown


def either(words: list[str]) -> str:
    """Return ``a, b or c``."""
    *rest, last = [str(word) for word in words]
    return said("{rest} or {last}", rest=", ".join(rest), last=last) if rest else last
