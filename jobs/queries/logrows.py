"""Stored pieces of a log: found by byte or line without reading what lies before, walked in batches.

The places of an execution's pieces (``seq``) are 0, 1, 2, … without a gap, so the piece that holds a
byte or a line is found by halving: some fifteen look-ups in 500 MB. A walk asks for some pieces at a
time, because a cursor left open over the whole log would copy all of it on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Max, Q, QuerySet

from jobs.domain.loglines import MIXED, Place, count_lines, read_marks
from jobs.models import LogChunk

# How much a batch aims at; pieces may be of one byte as well as of 64 kB.
_BATCH_BYTES = 2_000_000
_FIRST_BATCH, _LARGEST_BATCH = 8, 512
_COLUMNS = (
    "seq", "attempt", "stream", "offset", "data", "written_at", "line", "open_bytes", "marks",
)  # fmt: skip


class Chosen(NamedTuple):
    """Which output of an execution: of one stream, of one attempt, or all."""

    execution_id: int
    stream: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A stored piece as in the table, with the numbers of its lines in any case."""

    seq: int
    attempt: int
    stream: str
    offset: int
    data: bytes
    written_at: datetime
    line: int
    open_bytes: int
    marks: str

    def parts(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield stream, position within the piece and bytes, in order."""
        start = 0
        for stream, size in read_marks(self.stream, self.marks, len(self.data)):
            yield stream, start, self.data[start : start + size] if start else self.data[:size]
            start += size

    def after(self) -> Place:
        """Return the place of what follows."""
        line, rest, last = self.line, self.open_bytes, self.stream
        for stream, start, data in self.parts():
            last = stream
            begun, rest = count_lines(data, 0 if start else self.open_bytes)
            line += begun
        return Place(
            seq=self.seq + 1,
            offset=self.offset + len(self.data),
            line=line,
            open_bytes=rest,
            stream=last,
            attempt=self.attempt,
        )

    def following(self, place: Place) -> Row:
        """Return the same piece with the numbers it has after ``place``."""
        first = next((stream for stream, _start, _data in self.parts()), self.stream)
        return replace(self, line=place.line, open_bytes=place.continued(first, self.attempt))


def walk(chosen: Chosen, first_seq: int = 0) -> Iterator[Row]:
    """Yield pieces in order, those that may hold something of the chosen stream and attempt."""
    last = last_seq(chosen.execution_id)
    size = _FIRST_BATCH
    before: Row | None = None
    while first_seq <= last:
        seqs = Q(seq__gte=first_seq, seq__lt=first_seq + size, seq__lte=last)
        read = 0
        for found in _rows(chosen, seqs).order_by("seq").values_list(*_COLUMNS):
            row = before = _row(chosen.execution_id, found, before)
            read += len(row.data)
            yield row
        first_seq += size
        size = _next_size(size, read)


def walk_back(chosen: Chosen, seq: int) -> Iterator[Row]:
    """Yield the same pieces from ``seq`` back to the first."""
    size = _FIRST_BATCH
    while seq >= 0:
        seqs = Q(seq__gt=seq - size, seq__lte=seq)
        read = 0
        for found in _rows(chosen, seqs).order_by("-seq").values_list(*_COLUMNS):
            row = _row(chosen.execution_id, found, None)
            read += len(row.data)
            yield row
        seq -= size
        size = _next_size(size, read)


def _next_size(size: int, read: int) -> int:
    if read <= _BATCH_BYTES // 2:
        return min(size * 2, _LARGEST_BATCH)
    return size if read <= _BATCH_BYTES else max(size // 2, 1)


def _rows(chosen: Chosen, seqs: Q) -> QuerySet[LogChunk]:
    wanted = seqs & Q(execution=chosen.execution_id)
    if chosen.stream:
        wanted &= Q(stream__in=(chosen.stream, MIXED))
    if chosen.attempt:
        wanted &= Q(attempt=chosen.attempt)
    return LogChunk.objects.filter(wanted)


def _row(execution_id: int, found: tuple[Any, ...], before: Row | None) -> Row:
    """Return a piece; one that was written before lines were counted is counted now."""
    seq, attempt, stream, offset, data, written_at, line, opened, marks = found
    row = Row(
        seq, attempt, stream, offset, bytes(data), written_at, line or 0, opened or 0, marks or ""
    )
    if line is not None:
        return row
    if before is not None and before.seq == seq - 1:
        return row.following(before.after())
    return row.following(_counted(execution_id, seq))


def _counted(execution_id: int, seq: int) -> Place:
    """Count up to a piece, from the latest one before it that has its number."""
    known = LogChunk.objects.filter(execution=execution_id, seq__lt=seq, line__isnull=False)
    start = known.aggregate(at=Max("seq"))["at"] or 0
    rows = LogChunk.objects.filter(execution=execution_id, seq__gte=start, seq__lt=seq)
    row: Row | None = None
    for found in rows.order_by("seq").values_list(*_COLUMNS).iterator(chunk_size=16):
        row = _row(execution_id, found, row)
    return Place() if row is None else row.after()


def last_seq(execution_id: int) -> int:
    """Return the place of the latest piece; -1 when there is none."""
    last = LogChunk.objects.filter(execution=execution_id).order_by("-seq")
    found = last.values_list("seq", flat=True).first()
    return -1 if found is None else found


def last_row(execution_id: int) -> Row | None:
    """Return the latest piece."""
    return next(walk_back(Chosen(execution_id), last_seq(execution_id)), None)


def place_after_last(execution_id: int) -> Place:
    """Return where the next output goes."""
    row = last_row(execution_id)
    return Place() if row is None else row.after()


def seq_of_offset(execution_id: int, offset: int) -> int:
    """Return the place of the piece that holds a byte."""
    found = _halve(execution_id, "offset", offset)
    return 0 if found is None else found


def seq_of_line(execution_id: int, number: int) -> int:
    """Return the place of the piece in which a line begins."""
    if number <= 1:
        return 0
    found = _halve(execution_id, "line", number - 1)
    if found is not None:
        return found
    latest = 0
    for row in walk(Chosen(execution_id)):
        if row.line >= number:
            break
        latest = row.seq
    return latest


def _halve(execution_id: int, column: str, value: int) -> int | None:
    """Return the latest place whose ``column`` is at most ``value``; None at an unknown one.

    A log may be pruned meanwhile: what is gone counts as lying before what is looked for.
    """
    low, high = 0, last_seq(execution_id)
    rows = LogChunk.objects.filter(execution=execution_id).values_list(column, flat=True)
    while low < high:
        middle = (low + high + 1) // 2
        found = list(rows.filter(seq=middle))
        if found == [None]:
            return None
        if not found or found[0] <= value:
            low = middle
        else:
            high = middle - 1
    return low
