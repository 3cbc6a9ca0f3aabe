"""Refuse what no table, log or process could take, whichever face it came from."""

from __future__ import annotations

from jobs.domain.errors import InvalidError

MAX_DEPTH = 32  # a definition is 4 deep; a result that a job prints is never read here


def too_deep() -> InvalidError:
    """Return the error for a value of more levels than anybody needs."""
    return InvalidError(f"The value is nested too deeply. Use {MAX_DEPTH} levels or less.")


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
        raise InvalidError(f"The text {text[:40]!r} holds a NUL character. Remove it.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidError(
            f"The text {text[:40]!r} holds half of a surrogate pair. Send whole characters."
        ) from error
