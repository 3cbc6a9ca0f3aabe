"""A log as numbered lines: the one rule by which its writer counts and its readers cut.

A line ends with its newline, where output of another stream or attempt begins (as on a terminal), or
when it is so long that nobody reads it as one. The rule looks at nothing but the bytes and whose they
are, so that a line has the same number however the output was cut into stored pieces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# Bytes; a line without an end goes on as the next line then.
LONGEST_LINE = 64_000
# The stream of a stored piece that holds several; its marks say which.
MIXED = "mixed"
_LETTERS = {"o": "stdout", "e": "stderr", "s": "system"}
_LETTER_OF = {stream: letter for letter, stream in _LETTERS.items()}
_MARK = re.compile(r"([oes])([0-9]{1,12})", re.ASCII)


class Place(NamedTuple):
    """Where the next output of an execution goes, and what it goes on with.

    ``line``: how many lines have begun so far; ``open_bytes``: how long the last of them is if it has
    not ended.
    """

    seq: int = 0
    offset: int = 0
    line: int = 0
    open_bytes: int = 0
    stream: str = ""
    attempt: int = 0

    def continued(self, stream: str, attempt: int) -> int:
        """Return how many bytes of the open line output of ``stream`` would go on from."""
        return self.open_bytes if (stream, attempt) == (self.stream, self.attempt) else 0


START = Place()


def line_ends(data: bytes, open_bytes: int = 0) -> Iterator[int]:
    """Yield where lines end in output of one stream that goes on from an open line."""
    start, room = 0, LONGEST_LINE - open_bytes
    while start < len(data):
        found = data.find(b"\n", start, start + room + 1)
        if found >= 0:
            start = found + 1
        elif len(data) - start > room:
            start += room
        else:
            return
        yield start
        room = LONGEST_LINE


def count_lines(data: bytes, open_bytes: int = 0) -> tuple[int, int]:
    """Return how many lines begin in the output of one stream, and how long the last stays open."""
    if not data:
        return 0, open_bytes
    if open_bytes + len(data) <= LONGEST_LINE:
        ended = data.count(b"\n")
        rest = len(data) - data.rfind(b"\n") - 1
    else:
        ends = list(line_ends(data, open_bytes))
        ended = len(ends)
        rest = len(data) - (ends[-1] if ends else 0)
    begun = ended - (open_bytes > 0) + (rest > 0)
    return begun, rest if ended else open_bytes + rest


def write_marks(parts: Sequence[tuple[str, int]]) -> str:
    """Return whose the bytes of a piece are, as text: ``o12e5``."""
    return "".join(f"{_LETTER_OF[stream]}{size}" for stream, size in parts)


def read_marks(stream: str, marks: str, size: int) -> list[tuple[str, int]]:
    """Return streams and sizes within a stored piece of ``size`` bytes, in order."""
    if stream != MIXED:
        return [(stream, size)]
    return [(_LETTERS[letter], int(count)) for letter, count in _MARK.findall(marks)]
