"""What executions printed, by byte position in the whole log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from jobs.queries.logrows import Chosen, Row, last_row, seq_of_offset, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Consecutive output of one stream; ``offset`` is its byte position in the log."""

    offset: int
    data: bytes
    stream: str
    attempt: int
    written_at: datetime

    @property
    def end(self) -> int:
        """Return the position after it."""
        return self.offset + len(self.data)


def pieces(
    execution_id: int, *, start: int = 0, end: int | None = None, stream: str = "", attempt: int = 0
) -> Iterator[Piece]:
    """Yield the log from byte ``start`` to ``end``, cut to the byte, in order."""
    first = seq_of_offset(execution_id, start) if start > 0 else 0
    for row in walk(Chosen(execution_id, stream, attempt), first):
        if end is not None and row.offset >= end:
            return
        for piece in _of(row, stream):
            if (cut := _cut(piece, start, end)) is not None:
                yield cut


def _of(row: Row, stream: str) -> Iterator[Piece]:
    """Yield a row's output, or that of one stream."""
    for name, position, data in row.parts():
        if stream in ("", name):
            yield Piece(
                offset=row.offset + position,
                data=data,
                stream=name,
                attempt=row.attempt,
                written_at=row.written_at,
            )


def _cut(piece: Piece, start: int, end: int | None) -> Piece | None:
    skipped = max(start - piece.offset, 0)
    kept = piece.data[skipped : None if end is None else max(end - piece.offset, 0)]
    if len(kept) == len(piece.data):
        return piece
    return replace(piece, offset=piece.offset + skipped, data=kept) if kept else None


def size(execution_id: int) -> int:
    """Return how many bytes there are."""
    last = last_row(execution_id)
    return 0 if last is None else last.offset + len(last.data)
