"""A text to look for in output: plain, upper and lower case the same, at a cost that is known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from jobs.domain.terminal import shown_text, without_escapes

LONGEST_NEEDLE = 200


@dataclass(frozen=True, slots=True)
class Needle:
    """Plain text; there are no patterns, so none can be slow."""

    text: str
    _low: str = field(init=False)
    _low_bytes: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what every comparison needs."""
        object.__setattr__(self, "_low", self.text.lower())
        low = self._low.encode() if self.text.isascii() else b""
        object.__setattr__(self, "_low_bytes", low)

    def may_be_in(self, data: bytes) -> bool:
        """Say whether some line of ``data`` may hold the text; a quick look at much output."""
        if self._is_in(data):
            return True
        # Colours may stand between two of its letters.
        return b"\x1b" in data and self._is_in(without_escapes(data))

    def _is_in(self, data: bytes) -> bool:
        if self._low_bytes:
            return self._low_bytes in data.lower()
        return self._low in data.decode("utf-8", "replace").lower()

    def is_in_line(self, data: bytes) -> bool:
        """Say whether a reader sees the text in this line."""
        return self._low in shown_text(data).lower()

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return where the text stands in what is shown."""
        return [match.span() for match in re.finditer(re.escape(self.text), text, re.IGNORECASE)]
