"""What executions printed, by byte position in the whole log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from jobs.models import LogChunk


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
    execution_id: int, *, start: int = 0, end: int | None = None, stream: str = ""
) -> Iterator[Piece]:
    """Yield the log from byte ``start`` to ``end``, cut to the byte, in order."""
    wanted = Q(execution=execution_id)
    first = _first_seq(execution_id, start)
    if first:
        wanted &= Q(seq__gte=first)
    if end is not None:
        wanted &= Q(offset__lt=end)
    if stream:
        wanted &= Q(stream=stream)
    for chunk in LogChunk.objects.filter(wanted).order_by("seq").iterator(chunk_size=64):
        piece = _cut(chunk, start, end)
        if piece is not None:
            yield piece


def _first_seq(execution_id: int, start: int) -> int:
    """Return the place of the chunk that holds byte ``start``."""
    if start <= 0:
        return 0
    before = LogChunk.objects.filter(execution=execution_id, offset__lte=start).order_by("-seq")
    return before.values_list("seq", flat=True).first() or 0


def _cut(chunk: LogChunk, start: int, end: int | None) -> Piece | None:
    data = bytes(chunk.data)
    skipped = max(start - chunk.offset, 0)
    kept = data[skipped : None if end is None else max(end - chunk.offset, 0)]
    if not kept:
        return None
    return Piece(
        offset=chunk.offset + skipped,
        data=kept,
        stream=chunk.stream,
        attempt=chunk.attempt,
        written_at=chunk.written_at,
    )


def size(execution_id: int) -> int:
    """Return how many bytes there are."""
    last = LogChunk.objects.filter(execution=execution_id).order_by("-seq").first()
    return 0 if last is None else last.offset + len(last.data)
