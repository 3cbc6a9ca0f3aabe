"""What of a program's output is text: terminal sequences told apart from what a reader sees."""

from __future__ import annotations

import re

# CSI, OSC and the other string sequences (with or without their end), then two-character escapes.
ESCAPE = re.compile(
    r"\x1b\[(?P<params>[0-?]*)[ -/]*(?P<final>[@-~]?)"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"
    r"|\x1b[ -/]*[0-~]?"
)
_ESCAPE_BYTES = re.compile(ESCAPE.pattern.encode())
# Nearly all there are, and three times as fast to take out.
_COLOUR_BYTES = re.compile(rb"\x1b\[[0-9;]*m")


def last_write(line: str) -> str:
    """Return what a terminal shows of a line that returns to its start (progress bars)."""
    if "\r" not in line:
        return line
    parts = [part for part in line.rstrip("\r").split("\r") if part]
    return parts[-1] if parts else ""


def shown_text(data: bytes) -> str:
    """Return the text of a line as it is shown, without colours."""
    line = last_write(data.decode("utf-8", "replace"))
    return ESCAPE.sub("", line) if "\x1b" in line else line


def without_escapes(data: bytes) -> bytes:
    """Return output without terminal sequences, its lines as they are."""
    if b"\x1b" not in data:
        return data
    data = _COLOUR_BYTES.sub(b"", data)
    return _ESCAPE_BYTES.sub(b"", data) if b"\x1b" in data else data
