"""Append what executions print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from django.db.models import F
from django.utils import timezone

from jobs.domain.loglines import MIXED, Place, count_lines, write_marks
from jobs.executors.base import Chunk
from jobs.models import Execution
from jobs.queries.logrows import place_after_last
from jobs.services import sql
from jobs.services.writing import write_transaction

# One row holds the pieces of one write up to this size, whichever streams they are of: a job that
# alternates between stdout and stderr line by line would make a row of each line.
ROW_BYTES = 65_536
_APPEND = (
    'INSERT INTO jobs_logchunk (execution_id, seq, attempt, stream, "offset", data, written_at, '
    "line, open_bytes, marks) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


def append(
    execution_id: int, attempt: int, chunks: Sequence[Chunk], *, at: Place | None = None
) -> Place:
    """Add pieces of output in order; return where the next ones go.

    ``at`` is what the call before returned; None looks it up. One process writes an execution's log
    at a time (the holder of the token); the unique constraint would refuse a second writer.
    """
    place = position(execution_id) if at is None else at
    now = timezone.now()
    rows = []
    for parts in _rows(chunks):
        row, place = _row(parts, attempt, place)
        rows.append((execution_id, *row[:5], now, *row[5:]))
    sql.run_many(_APPEND, rows)
    return place


def _rows(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    """Yield the pieces of one row after the other, neighbours of the same stream as one."""
    parts: list[Chunk] = []
    size = 0
    for stream, group in groupby(chunks, key=lambda chunk: chunk.stream):
        data = b"".join(chunk.data for chunk in group)
        start = 0
        while start < len(data):
            part = data[start : start + ROW_BYTES - size]
            parts.append(Chunk(stream, part))
            start += len(part)
            size += len(part)
            if size >= ROW_BYTES:
                yield parts
                parts, size = [], 0
    if parts:
        yield parts


def _row(parts: list[Chunk], attempt: int, place: Place) -> tuple[tuple[Any, ...], Place]:
    """Return a row's columns from ``seq`` on without the moment, and the place after it."""
    stream = parts[0].stream.value
    opened = place.continued(stream, attempt)
    marks = ""
    if len(parts) > 1:
        stream = MIXED
        marks = write_marks([(chunk.stream.value, len(chunk.data)) for chunk in parts])
    data = b"".join(chunk.data for chunk in parts)
    row = (place.seq, attempt, stream, place.offset, data, place.line, opened, marks)
    line, rest = place.line, opened
    for number, chunk in enumerate(parts):
        begun, rest = count_lines(chunk.data, 0 if number else opened)
        line += begun
    return row, Place(
        seq=place.seq + 1,
        offset=place.offset + len(data),
        line=line,
        open_bytes=rest,
        stream=parts[-1].stream.value,
        attempt=attempt,
    )


def position(execution_id: int) -> Place:
    """Return where the next output of an execution goes."""
    return place_after_last(execution_id)


def write(
    execution_id: int, attempt: int, chunks: Sequence[Chunk], *, at: Place | None = None
) -> Place:
    """Add pieces while the execution goes on, and let its page know how much there is."""
    with write_transaction():
        following = append(execution_id, attempt, chunks, at=at)
        size = sum(len(chunk.data) for chunk in chunks)
        Execution.objects.filter(pk=execution_id).update(log_bytes=F("log_bytes") + size)
    return following
