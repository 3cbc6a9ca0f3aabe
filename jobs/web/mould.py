"""A partial drawn once with holes in it, and filled in for each row of a list.

Django's templates take a millisecond and more for a row of many cells, nearly all of it for what is
the same in every row. The template stays the one place of the markup: it is drawn with marks where
rows differ, once for each way in which it branches, and a row costs as much as joining its texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from django.template import Context
from django.template.base import Template
from django.urls import get_script_prefix
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language

# Neither is a character of any text: Unicode keeps them for a program's own use.
_OPENS, _CLOSES = "\ufdd0", "\ufdd1"
_HOLE = re.compile(f"{_OPENS}(\\w+){_CLOSES}")
# Of one reader a list of jobs takes a dozen; languages, rights and columns multiply them.
_KEPT = 256


class Mould:
    """What a template draws, cut at its holes."""

    def __init__(self, text: str) -> None:
        """Take what was drawn."""
        self._parts: list[str] = _HOLE.split(text)
        self._places = [(place, self._parts[place]) for place in range(1, len(self._parts), 2)]

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the text with the values in its holes; each is escaped unless it is markup."""
        parts = self._parts.copy()
        for place, name in self._places:
            parts[place] = conditional_escape(values[name])
        return "".join(parts)


def mould(template: Template, holes: tuple[str, ...], **choices: object) -> Mould:
    """Return a template drawn with holes.

    ``choices`` are what it branches by: equal ones must draw the same, whoever reads and when.
    """
    given = tuple(choices.items())
    return _mould(template, holes, given, get_language(), get_script_prefix())


@lru_cache(maxsize=_KEPT)
def _mould(
    template: Template,
    holes: tuple[str, ...],
    given: tuple[tuple[str, object], ...],
    _language: str | None,
    _prefix: str,
) -> Mould:
    marks = {name: SafeString(f"{_OPENS}{name}{_CLOSES}") for name in holes}
    return Mould(template.render(Context({**dict(given), **marks})))
