"""A log as numbered lines: any window of it, each at a cost that does not grow with the log.

Numbers count the lines of the whole log, also where only one stream or attempt is shown: a link to
a line means the same line to everybody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice, takewhile
from typing import NamedTuple

from jobs.domain.loglines import count_lines, line_ends
from jobs.queries.logrows import (
    Chosen,
    Row,
    last_seq,
    place_after_last,
    seq_of_line,
    seq_of_offset,
    walk,
    walk_back,
)

# Read for one window of a stream that is rare in its log; what is further away takes another request.
WINDOW_BYTES = 8_000_000
NEWLINE = ord("\n")


class RawLine(NamedTuple):
    """One line as bytes without its newline; ``ended`` is False for the last while it may grow."""

    number: int
    offset: int
    data: bytes
    stream: str
    attempt: int
    written_at: datetime
    ended: bool
    end: int  # the byte after it


class Window(NamedTuple):
    """Consecutive lines, and where those before and after them are.

    ``earlier``: lines before this number are left, None at the start; ``later``: the number of the
    next line, None at the end.
    """

    lines: list[RawLine]
    earlier: int | None = None
    later: int | None = None


def split(rows: Iterable[Row], stream: str = "") -> Iterator[RawLine]:
    """Cut pieces into lines; what a first piece only goes on with is left out."""
    cutter = Cutter(stream)
    for row in rows:
        yield from cutter.row(row)
    yield from cutter.close(ended=False)


class Cutter:
    """Lines out of pieces, with the one that is still open."""

    def __init__(self, stream: str) -> None:
        """Cut all output, or that of one stream."""
        self._stream = stream
        self._open: RawLine | None = None

    def go_on(self, row: Row, lead: bytes) -> None:
        """Begin with the line that ``row`` goes on with, of which ``lead`` was read before."""
        stream = next((name for name, _position, _data in row.parts()), "")
        if lead and self._stream in ("", stream):
            self._open = RawLine(
                row.line, row.offset - len(lead), lead, stream, row.attempt, row.written_at,
                False, row.offset,
            )  # fmt: skip

    def row(self, row: Row) -> Iterator[RawLine]:
        """Yield the lines that end in a piece."""
        number, opened = row.line, row.open_bytes
        for stream, position, data in row.parts():
            if not opened:
                yield from self.close(ended=True)
            if self._stream in ("", stream):
                first = RawLine(
                    number + (not opened), row.offset + position, b"", stream, row.attempt,
                    row.written_at, False, row.offset + position,
                )  # fmt: skip
                yield from self._part(first, data, opened)
            number += count_lines(data, opened)[0]
            opened = 0

    def _part(self, line: RawLine, data: bytes, opened: int) -> Iterator[RawLine]:
        start, base, following = 0, line.offset, line.number
        for number, end in enumerate(line_ends(data, opened), line.number):
            if opened:
                self._add(line, data[:end], opened)
                yield from self.close(ended=True)
                opened = 0
            else:  # nearly all lines, made at once: a page cuts some thousand
                cut = end - 1 if data[end - 1] == NEWLINE else end
                yield RawLine(
                    number, base + start, data[start:cut], line.stream, line.attempt,
                    line.written_at, True, base + end,
                )  # fmt: skip
            start = end
            following = number + 1
        if start < len(data):
            line = line._replace(number=following, offset=base + start, end=base + start)
            self._add(line, data[start:], opened)

    def _add(self, line: RawLine, data: bytes, opened: int) -> None:
        if not opened:
            self._open = line._replace(data=data, end=line.offset + len(data))
        elif self._open is not None:
            whole = self._open.data + data
            self._open = self._open._replace(data=whole, end=line.offset + len(data))

    def close(self, *, ended: bool) -> Iterator[RawLine]:
        """Yield the open line if there is one, as ended or as one that may go on."""
        line, self._open = self._open, None
        if line is not None:
            data = line.data[:-1] if line.data.endswith(b"\n") else line.data
            yield line._replace(data=data, ended=ended or data is not line.data)


def window(chosen: Chosen, first: int, count: int) -> Window:
    """Return up to ``count`` lines from number ``first`` on."""
    budget = _Budget()
    rows = budget.of(walk(chosen, seq_of_line(chosen.execution_id, first)))
    found = (line for line in split(rows, chosen.stream) if line.number >= first)
    lines = list(islice(found, count + 1))
    later = lines[count].number if len(lines) > count else None
    if later is None and budget.reached is not None:
        # Its last line may go on in what was not read.
        later = lines.pop().number if lines and not lines[-1].ended else budget.reached
    lines = lines[:count]
    return Window(lines, earlier=_earlier(lines, first), later=later)


def _earlier(lines: list[RawLine], first: int) -> int | None:
    number = lines[0].number if lines else first
    return number if number > 1 else None


def newest(chosen: Chosen, count: int) -> Window:
    """Return the last ``count`` lines."""
    return before(chosen, None, count)


def before(chosen: Chosen, until: int | None, count: int) -> Window:
    """Return the ``count`` lines before number ``until``; None: before the end."""
    execution = chosen.execution_id
    start = last_seq(execution) if until is None else seq_of_line(execution, until)
    budget = _Budget()
    gathered: deque[Row] = deque()
    enough = 0
    for row in budget.of(walk_back(chosen, start)):
        gathered.appendleft(row)
        # Not the first piece's: it may hold few of them, or only the rest of one.
        if len(gathered) > 1:
            enough += _begun(row, chosen.stream)
        if enough > count:
            break
    found = takewhile(
        lambda line: until is None or line.number < until, split(gathered, chosen.stream)
    )
    lines = list(deque(found, count))
    earlier = _earlier(lines, until or 1) if lines else None
    if not lines and budget.reached is not None:
        earlier = gathered[0].line + 1
    return Window(lines, earlier=earlier, later=until)


def _begun(row: Row, stream: str) -> int:
    opened, begun = row.open_bytes, 0
    for name, _position, data in row.parts():
        begun += count_lines(data, opened)[0] if stream in ("", name) else 0
        opened = 0
    return begun


def follow(chosen: Chosen, offset: int, count: int) -> Window:
    """Return up to ``count`` lines that begin at byte ``offset`` or later."""
    rows = walk(chosen, seq_of_offset(chosen.execution_id, offset))
    found = (line for line in split(rows, chosen.stream) if line.offset >= offset)
    lines = list(islice(found, count + 1))
    later = lines[count].number if len(lines) > count else None
    return Window(lines[:count], later=later)


def tail_offset(chosen: Chosen, count: int) -> int:
    """Return the byte at which the last ``count`` lines begin; the end when there are none."""
    lines = newest(chosen, count).lines
    return lines[0].offset if lines else place_after_last(chosen.execution_id).offset


def line_count(execution_id: int) -> int:
    """Return how many lines a log has."""
    return place_after_last(execution_id).line


class _Budget:
    """Pass on pieces up to a number of bytes; ``reached`` is the line at which it was used up."""

    def __init__(self) -> None:
        self._left = WINDOW_BYTES
        self.reached: int | None = None

    def of(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            if self._left <= 0:
                self.reached = row.line + 1
                return
            self._left -= len(row.data)
            yield row
