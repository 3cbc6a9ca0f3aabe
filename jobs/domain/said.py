"""Sentences that know their pattern, so that a page can tell them in its reader's language.

``said("The day {day!r} does not exist.", day=text)`` is an English ``str`` and is one to the API,
the command line, logs and tables. Where a template shows it, it speaks the language of the request.
The pattern is a literal: `make messages` collects it. Values may be sentences themselves.
"""

from __future__ import annotations

import html
import string
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Self


class Said(str):
    """A sentence in English with the pattern and the values that it was made of."""

    __slots__ = ("number", "pattern", "retold", "several", "values")
    pattern: str
    several: str  # the pattern for a count that is not one; empty where nothing is counted
    number: int
    values: Mapping[str, object]
    retold: Callable[[str], str] | None  # makes it anew in a language; for what no pattern can tell
    # Look a pattern up in the reader's language; `gettext` and `ngettext` where pages are shown.
    gettext: ClassVar[Callable[[str], str]] = staticmethod(lambda text: text)
    ngettext: ClassVar[Callable[[str, str, int], str]] = staticmethod(
        lambda one, several, count: one if count == 1 else several
    )
    language: ClassVar[Callable[[], str | None]] = staticmethod(lambda: "en")
    # Write a number, such as 1,234.5, as the reader's language does.
    figures: ClassVar[Callable[[str], str]] = staticmethod(lambda text: text)

    def __new__(
        cls,
        text: str,
        pattern: str = "",
        values: Mapping[str, object] | None = None,
        *,
        several: str = "",
        number: int = 1,
        retold: Callable[[str], str] | None = None,
    ) -> Self:
        """Return the text with what it was made of."""
        self = super().__new__(cls, text)
        self.pattern, self.several, self.number, self.values = (
            pattern,
            several,
            number,
            values or {},
        )
        self.retold = retold
        return self

    def __str__(self) -> str:
        """Return the sentence itself: forms and filters ask for text, and must not lose the pattern."""
        return self

    def __html__(self) -> str:
        """Return the sentence for a page, escaped, in the language of its reader."""
        return html.escape(spoken(self))


def said(pattern: str, /, **values: object) -> Said:
    """Return a sentence; ``pattern`` is as for `str.format`, with names only."""
    return Said(pattern.format(**values), pattern, values)


def said_of(one: str, several: str, count: int, /, **values: object) -> Said:
    """Return a sentence for one or for several; ``{n}`` in it is the count."""
    values = {"n": count, **values}
    text = (one if count == 1 else several).format(**values)
    return Said(text, one, values, several=several, number=count)


def said_by(retold: Callable[[str], str], /) -> Said:
    """Return a text that has no pattern: ``retold`` makes it for a language, such as ``id``."""
    return Said(retold("en"), retold=retold)


def said_word(word: str) -> Said:
    """Return a word of a closed set, such as a state: itself in English, else told by its meaning."""
    return Said(word, word.replace("_", " "))


# Words that sentences name by `said_word` and no page marks for itself.
WORDS = (said("cancelled"), said("finished"), said("lost"), said("skipped"), said("timed out"))


def told(sentences: Iterable[str], between: str = " ") -> Said:
    """Join sentences; what comes of it can still be told in another language."""
    parts = {f"s{number}": sentence for number, sentence in enumerate(sentences)}
    pattern = between.join(f"{{{name}}}" for name in parts)
    return Said(between.join(parts.values()), pattern, parts)


def spoken(text: str) -> str:
    """Return a sentence in the language of who reads the page; other text as it is."""
    if isinstance(text, Said) and text.retold is not None:
        return text.retold(Said.language() or "en")
    if not isinstance(text, Said) or not text.pattern:
        return str(text)
    values = {
        name: spoken(value) if isinstance(value, Said) else value
        for name, value in text.values.items()
    }
    pattern = (
        Said.ngettext(text.pattern, text.several, text.number)
        if text.several
        else Said.gettext(text.pattern)
    )
    return _FIGURES.format(pattern, **values)


class _Figures(string.Formatter):
    """Writes numbers, where a pattern says how, with the reader's own comma and point."""

    def format_field(self, value: Any, format_spec: str) -> str:
        text: str = super().format_field(value, format_spec)
        return Said.figures(text) if format_spec and isinstance(value, int | float) else text


_FIGURES = _Figures()


def packed(text: str) -> object:
    """Return a sentence for JSON, so that `unpacked` can tell it in any language still."""
    if not isinstance(text, Said) or not text.pattern:
        return str(text)
    values = {
        name: packed(value) if isinstance(value, str) else value
        for name, value in text.values.items()
    }
    return [text, text.pattern, values, text.several, text.number]


def unpacked(value: Any) -> str:
    """Return the sentence that `packed` gave away."""
    if isinstance(value, str):
        return value
    text, pattern, values, several, number = value
    values = {
        name: unpacked(one) if isinstance(one, str | list) else one for name, one in values.items()
    }
    return Said(text, pattern, values, several=several, number=number)
