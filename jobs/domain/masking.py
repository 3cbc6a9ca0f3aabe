"""Find secrets in what is written down, in the forms in which programs print them.

A secret is found as it is, percent-encoded, as in a JSON or Python literal, and in base64 wherever in
the encoded text it stands; of a secret of several lines each long line alone, too. What costs is
looking, and nearly always in vain. So the first look is independent of the number of secrets: text
is read as 32-bit words, and each form of seven bytes or more that occurs shows one of the four words
with which it can begin. Only what showed a word is searched for.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from array import array
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
# Shorter ones would blank out half of any text, and keep no secret.
SHORTEST = 4
# A line of a longer secret is looked for alone from here on: `}` is no secret.
SHORTEST_LINE = 8
# Of longer secrets the forms below are not cut into pieces: nobody prints them by hand.
LONGEST_IN_PIECES = 4096
# Where base64 of a secret begins in mid-line, a break may fall anywhere: pieces are found all the same.
_PIECE = 16
_WRAPPED_AT = (64, 76)
_WORD = 4
# An occurrence covers a whole aligned word only from this length on.
_SEEN_BY_WORD = 2 * _WORD - 1
_PERCENT = re.compile("%[0-9A-F]{2}")
_MASK = MASK.encode()


class Mask:
    """Replace the secrets of a run; an empty one changes nothing."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Take the secrets' values; those under four bytes are left alone."""
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        self._short = sorted(form for form in forms if len(form) < _SEEN_BY_WORD)
        self._by_word: dict[int, list[bytes]] = {}
        self._by_head: dict[bytes, list[bytes]] = {}
        self._by_end: dict[bytes, list[bytes]] = {}
        for form in sorted(forms):
            if len(form) >= _SEEN_BY_WORD:
                for start in range(_WORD):
                    word = int.from_bytes(form[start : start + _WORD], sys.byteorder)
                    self._by_word.setdefault(word, []).append(form)
            self._by_head.setdefault(form[:SHORTEST], []).append(form)
            self._by_end.setdefault(form[-SHORTEST:], []).append(form)
        self._words = frozenset(self._by_word)
        self._beginnings = {form[:size] for form in forms for size in range(1, SHORTEST)}
        self.longest = max(map(len, forms), default=0)

    def __bool__(self) -> bool:
        """Tell whether there is anything to look for."""
        return self.longest > 0

    def clean(self, data: bytes) -> bytes:
        """Return a whole text without secrets."""
        return _replaced(data, self.found(data)) if self else data

    def text(self, text: str) -> str:
        """Return a whole text without secrets."""
        if not self:
            return text
        return self.clean(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")

    def value(self, value: Any) -> Any:
        """Return a JSON value without secrets; a number that tells one becomes a text."""
        if not self or value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        written = json.dumps(value, default=str)
        return value if self.text(written) == written else MASK

    def found(self, data: bytes) -> list[tuple[int, int]]:
        """Return where secrets stand, in order; those that overlap are one stretch."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted(span for form in self._present(data) for span in _at(data, form)):
            if merged and start < merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((start, end))
        return merged

    def _present(self, data: bytes) -> set[bytes]:
        present = {form for form in self._short if form in data}
        if len(data) >= _SEEN_BY_WORD:
            # An array of numbers is walked three times as fast as a cast view.
            words = array("I", data[: len(data) // _WORD * _WORD])
            suspects = {
                form for word in self._words.intersection(words) for form in self._by_word[word]
            }
            present.update(form for form in suspects if form in data)
        return present

    def open_end(self, data: bytes) -> int:
        """Return where the end of ``data`` may be the beginning of a secret, else its length."""
        earliest = len(data)
        for size in range(1, min(SHORTEST, len(data) + 1)):
            if data[-size:] in self._beginnings:
                earliest = len(data) - size
        window = data[-self.longest :]
        offset = len(data) - len(window)
        for head, forms in self._by_head.items():
            if (first := window.find(head)) >= 0:
                earliest = min(earliest, *(_begun(window, form, first) + offset for form in forms))
        return earliest

    def after_cut(self, data: bytes) -> bytes:
        """Return what follows a gap; if it begins with the end of a secret, without that."""
        window, latest = data[: self.longest], 0
        for end, forms in self._by_end.items():
            position = window.find(end)
            while position >= 0:
                stop = position + len(end)
                if any(len(form) > stop and form.endswith(window[:stop]) for form in forms):
                    latest = max(latest, stop)
                position = window.find(end, position + 1)
        return _MASK + data[latest:] if latest else data


class MaskedStream:
    """Text that comes in pieces, in which a secret may be split anywhere.

    Held back is only what may be the beginning of a secret, until it is clear whether it is: nothing
    is let go because time passes, since a secret could be drawn out by printing it slowly.
    """

    def __init__(self, mask: Mask) -> None:
        """Look for the secrets of ``mask``."""
        self._mask = mask
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take the next piece; return what can be shown of all so far."""
        whole = self._held + data
        spans = self._mask.found(whole)
        sure = self._mask.open_end(whole)
        for start, end in spans:
            if start < sure < end:
                sure = start  # a secret whose end may be the beginning of another
        if len(whole) - sure > 2 * self._mask.longest:
            sure = len(
                whole
            )  # a chain of secrets without an end: they are masked as far as they go
        self._held = whole[sure:]
        return _replaced(whole[:sure], [span for span in spans if span[1] <= sure])

    def finish(self) -> bytes:
        """Return the rest."""
        rest, self._held = self._held, b""
        return self._mask.clean(rest)

    def cut(self) -> bytes:
        """Return the rest, when what follows is not kept: the beginning of a secret is none."""
        rest, self._held = self._held, b""
        return _MASK if len(rest) >= SHORTEST else rest


NO_SECRETS = Mask(())


@lru_cache(maxsize=64)
def mask_of(secrets: frozenset[str]) -> Mask:
    """Return the mask of these secrets; the same for one run after the other."""
    return Mask(secrets) if secrets else NO_SECRETS


def _at(data: bytes, form: bytes) -> Iterator[tuple[int, int]]:
    start = data.find(form)
    while start >= 0:
        yield start, start + len(form)
        start = data.find(form, start + len(form))


def _replaced(data: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    parts, position = [], 0
    for start, end in spans:
        parts += [data[position:start], _MASK]
        position = end
    return b"".join([*parts, data[position:]]) if parts else data


def _begun(window: bytes, form: bytes, first: int) -> int:
    """Return where the window's end is a true beginning of ``form``, else the window's length."""
    start = window.find(form[:SHORTEST], max(first, len(window) - len(form) + 1))
    while start >= 0:
        if form.startswith(window[start:]):
            return start
        start = window.find(form[:SHORTEST], start + 1)
    return len(window)


def _forms(secret: str) -> Iterator[bytes]:
    """Yield a secret in all the forms in which it is looked for."""
    if len(secret.encode()) < SHORTEST:
        return
    # A shell takes line ends off the end of what it reads.
    for text in {secret, secret.strip()}:
        for written in _written(text):
            yield written.encode()
        yield from _in_base64(text.encode())
    if "\n" in secret.strip():
        for line in secret.splitlines()[:LONGEST_IN_PIECES]:
            if len(line.strip()) >= SHORTEST_LINE:
                yield line.strip().encode()


def _written(text: str) -> Iterator[str]:
    yield text
    for quoted in (quote(text, safe=""), quote(text), quote_plus(text)):
        yield quoted
        yield _PERCENT.sub(lambda match: match[0].lower(), quoted)
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]


def _in_base64(data: bytes) -> Iterator[bytes]:
    """Yield what base64 makes of ``data`` after any number of bytes, as far as it depends on it."""
    for before in range(3):
        whole = base64.b64encode(bytes(before) + data).rstrip(b"=")
        full = (before + len(data)) * 8 // 6  # characters that no byte after it has a part in
        core = whole[(before * 8 + 5) // 6 : full]
        if len(core) < SHORTEST:
            continue
        for form in {core, core.translate(bytes.maketrans(b"+/", b"-_"))}:
            yield form
            if _PIECE * 3 <= len(form) <= LONGEST_IN_PIECES:
                yield from (form[at : at + _PIECE] for at in range(0, len(form) - _PIECE + 1, 8))
        if before == 0:
            yield from (_wrapped(core, width) for width in _WRAPPED_AT if len(core) > width)


def _wrapped(text: bytes, width: int) -> bytes:
    return b"\n".join(text[at : at + width] for at in range(0, len(text), width))
