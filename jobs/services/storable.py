"""Refuse what no table, log or process could take, whichever face it came from."""

from __future__ import annotations

from jobs.domain.errors import InvalidError
from jobs.domain.said import said

MAX_DEPTH = 32  # a definition is 4 deep; a result that a job prints is never read here


def too_deep() -> InvalidError:
    """Return the error for a value of more levels than anybody needs."""
    return InvalidError(
        said("The value is nested too deeply. Use {max_depth} levels or less.", max_depth=MAX_DEPTH)
    )


def check_storable(value: object) -> None:
    """Refuse depth and text that no table, log or process could take; walks without recursion."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [child for item in level for child in _children(item)]
    raise too_deep()


def _children(item: object) -> list[object]:
    if isinstance(item, str):
        _check_text(item)
    if isinstance(item, dict):
        return [*item.keys(), *item.values()]
    return item if isinstance(item, list) else []


def _check_text(text: str) -> None:
    if "\0" in text:
        raise InvalidError(
            said("The text {text!r} holds a NUL character. Remove it.", text=text[:40])
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidError(
            said(
                "The text {text!r} holds half of a surrogate pair. Send whole characters.",
                text=text[:40],
            )
        ) from error
