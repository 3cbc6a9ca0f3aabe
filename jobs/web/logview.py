"""An execution's output as numbered lines: the end first, what follows piece by piece.

A position is a byte offset that begins a line, with the line's number and the colours in force
there, so that the server keeps nothing between two requests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.safestring import SafeString

from jobs.queries.logs import Piece, pieces, size
from jobs.web.ansi import Style, render_line

LINES = 2000  # shown at first; the rest on demand
WINDOW = 400_000  # bytes read for one answer
# Without an end for so long, a line is shown as it is.
LONGEST_LINE = 64_000
# Up to here lines are counted from the start of the log (some 100 ms); beyond, they go unnumbered.
COUNTED = 16_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RawLine:
    """One line as bytes; ``ended`` is False for the last one while it may still grow."""

    offset: int
    data: bytes
    stream: str
    attempt: int
    written_at: datetime
    ended: bool = True
    length: int  # with the line's end


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line to show."""

    number: int | None
    offset: int
    html: SafeString
    stream: str
    attempt: int
    written_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where to go on."""

    offset: int = 0
    number: int | None = 1
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Lines to show, the unfinished one after them, and where to go on."""

    lines: list[Line] = field(default_factory=list)
    pending: Line | None = None
    after: Position
    earlier: int = 0  # bytes before the first line; 0 when all is shown


def split(found: Iterable[Piece]) -> Iterator[RawLine]:
    """Cut pieces into lines; another stream or attempt begins a new one, as on a terminal."""
    open_piece: Piece | None = None
    rest = b""
    start = 0
    for piece in found:
        if open_piece and not _continues(open_piece, start + len(rest), piece):
            yield _line(open_piece, start, rest, ended=True)
            open_piece = None
        if open_piece is None:
            rest, start = b"", piece.offset
        *whole, rest = (rest + piece.data).split(b"\n")
        for data in whole:
            yield _line(piece, start, data, ended=True, newline=1)
            start += len(data) + 1
        open_piece = piece if rest else None
        if len(rest) > LONGEST_LINE:
            yield _line(piece, start, rest, ended=True)
            open_piece = None
    if open_piece:
        yield _line(open_piece, start, rest, ended=False)


def _continues(last: Piece, end: int, piece: Piece) -> bool:
    """Say whether ``piece`` goes on with the line that ``last`` left open at byte ``end``."""
    same = (last.stream, last.attempt) == (piece.stream, piece.attempt)
    return same and piece.offset == end


def _line(piece: Piece, start: int, data: bytes, *, ended: bool, newline: int = 0) -> RawLine:
    return RawLine(
        offset=start,
        data=data,
        stream=piece.stream,
        attempt=piece.attempt,
        written_at=piece.written_at,
        ended=ended,
        length=len(data) + newline,
    )


def tail(execution_id: int, position: Position, *, finished: bool, stream: str = "") -> View:
    """Return what came after ``position``; the last line waits for its end until ``finished``."""
    found = pieces(execution_id, start=position.offset, end=position.offset + WINDOW, stream=stream)
    return _render(list(split(found)), position, finished=finished)


def newest(execution_id: int, *, finished: bool, stream: str = "") -> View:
    """Return the last lines of the log."""
    total = size(execution_id)
    start = max(total - WINDOW, 0)
    raw = list(split(pieces(execution_id, start=start, stream=stream)))
    if start and len(raw) > 1:
        raw = raw[1:]  # begins in the middle
    raw = raw[-LINES:]
    first = raw[0].offset if raw else 0
    number = _number_at(execution_id, first, stream)
    return _render(raw, Position(offset=first, number=number), finished=finished, end=total)


def before(execution_id: int, until: int, *, stream: str = "") -> View:
    """Return the lines that end at byte ``until``."""
    start = max(until - WINDOW, 0)
    raw: deque[RawLine] = deque(
        split(pieces(execution_id, start=start, end=until, stream=stream)), LINES
    )
    lines = list(raw)
    if start and len(lines) > 1 and lines[0].offset == start:
        lines = lines[1:]
    first = lines[0].offset if lines else 0
    number = _number_at(execution_id, first, stream)
    return _render(lines, Position(offset=first, number=number), finished=True)


def _number_at(execution_id: int, offset: int, stream: str) -> int | None:
    """Return the number of the line that begins at ``offset``; None when counting costs too much."""
    if offset > COUNTED:
        return None
    return 1 + sum(1 for _line in split(pieces(execution_id, end=offset, stream=stream)))


def _render(raw: list[RawLine], start: Position, *, finished: bool, end: int = 0) -> View:
    style = Style.parse(start.style)
    number, after = start.number, start
    lines: list[Line] = []
    for line in raw:
        if not line.ended and not finished:
            # Drawn with a copy: its colours count when it has ended.
            pending = _shown(line, number, Style.parse(style.dump()))
            return View(lines=lines, pending=pending, after=after, earlier=start.offset)
        lines.append(_shown(line, number, style))
        number = None if number is None else number + 1
        after = Position(offset=line.offset + line.length, number=number, style=style.dump())
    if not raw and end:
        after = Position(offset=end, number=number)
    return View(lines=lines, after=after, earlier=start.offset)


def _shown(line: RawLine, number: int | None, style: Style) -> Line:
    return Line(
        number=number,
        offset=line.offset,
        html=render_line(line.data.decode("utf-8", "replace"), style),
        stream=line.stream,
        attempt=line.attempt,
        written_at=line.written_at,
    )
