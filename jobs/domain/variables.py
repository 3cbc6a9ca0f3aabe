"""Put variables in their places: `{{name}}`, and nothing that is evaluated.

A placeholder is a name between double braces, with blanks if one likes; ``params.name`` names a
parameter of the start instead. `{{{{` stands for `{{`
itself. A value is put in as it is: what looks like a placeholder in it stays text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jobs.domain.errors import InvalidError, UnprocessableError
from jobs.domain.said import said

LONGEST_NAME: Final = 100
PARAMETER: Final = "params."  # begins the name of a parameter
LONGEST_VALUE: Final = 65_536  # bytes
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_OPENING = "{{"
_ESCAPED = "{{{{"
# The escape, a placeholder, or an opening that is neither.
_TOKEN = re.compile(r"\{\{\{\{|\{\{[ \t]*((?:params\.)?[A-Za-z_][A-Za-z0-9_]{0,99})[ \t]*\}\}|\{\{")
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Use:
    """A name, and the field of the job that uses it."""

    name: str
    place: str


def check_name(name: str) -> str:
    """Return a name that can stand between braces; InvalidError for any other."""
    if _NAME.fullmatch(name):
        return name
    sentence = said(
        "Name {name!r} is not allowed. Use 1 to {most} letters, digits or '_', and no digit first.",
        name=name[:120],
        most=LONGEST_NAME,
    )
    raise InvalidError(sentence, fields={"name": sentence})


def uses_in(value: Any, place: str = "") -> Iterator[Use]:
    """Yield the names that the texts of a JSON value use; InvalidError for another expression."""
    for text, where in _texts(value, place):
        if _OPENING in text:
            for match in _TOKEN.finditer(text):
                if match[1]:
                    yield Use(match[1], where)
                elif match[0] != _ESCAPED:
                    raise _no_placeholder(text, match.start(), where)


def check_placeholders(value: Any) -> None:
    """Refuse double braces that are no placeholder in the texts of a JSON value."""
    for _ in uses_in(value):
        pass


def fill(value: Any, lookup: Callable[[Use], str], place: str = "") -> Any:
    """Return a JSON value with each placeholder in its texts replaced, once.

    Names of fields stay as they are. ``lookup`` raises what a name that is not known deserves.
    """
    if isinstance(value, str):
        return _filled(value, lookup, place) if _OPENING in value else value
    if isinstance(value, Mapping):
        return {key: fill(item, lookup, _below(place, key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, lookup, place) for item in value]
    return value


def unknown(use: Use) -> UnprocessableError:
    """Return what a run says about a name that nothing stands behind."""
    return UnprocessableError(f"unknown variable {use.name} in {use.place}")


def _filled(text: str, lookup: Callable[[Use], str], place: str) -> str:
    def put(match: re.Match[str]) -> str:
        if match[1]:
            return lookup(Use(match[1], place))
        if match[0] == _ESCAPED:
            return _OPENING
        raise _no_placeholder(text, match.start(), place)

    return _TOKEN.sub(put, text)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield value, place
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, _below(place, key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, place)


def _below(place: str, key: str) -> str:
    """Return the name of a field: ``headers Authorization``, but ``command`` at the top."""
    return f"{place} {key}".strip()


def _no_placeholder(text: str, start: int, place: str) -> InvalidError:
    end = text.find("}}", start)
    shown = text[start : end + 2 if 0 <= end < start + _SHOWN else start + _SHOWN]
    sentence = said(
        "{shown} is no variable. Between {{{{ and }}}} stands a name of letters, digits "
        "and '_'; nothing is calculated. Write {{{{{{{{ for {{{{ as text.",
        shown=shown,
    )
    field = place.partition(" ")[0]
    return InvalidError(sentence, fields={field: sentence} if field else None)
