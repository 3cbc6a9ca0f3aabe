"""Append and read what executions print."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F
from django.utils import timezone

from jobs.executors.base import Chunk
from jobs.models import Execution, LogChunk
from jobs.services import sql
from jobs.services.writing import write_transaction

_APPEND = (
    'INSERT INTO jobs_logchunk (execution_id, seq, attempt, stream, "offset", data, written_at) '
    "VALUES (%s, %s, %s, %s, %s, %s, %s)"
)


def append(
    execution_id: int,
    attempt: int,
    chunks: Sequence[Chunk],
    *,
    at: tuple[int, int] | None = None,
) -> tuple[int, int]:
    """Add pieces of output in order; return the next place and byte offset.

    ``at`` is that pair from the call before; None looks it up. One process writes an execution's log
    at a time (the holder of the token); the unique constraint would refuse a second writer.
    """
    seq, offset = position(execution_id) if at is None else at
    now = timezone.now()
    rows = []
    for chunk in chunks:
        rows.append((execution_id, seq, attempt, chunk.stream.value, offset, chunk.data, now))
        seq += 1
        offset += len(chunk.data)
    sql.run_many(_APPEND, rows)
    return seq, offset


def position(execution_id: int) -> tuple[int, int]:
    """Return the next place and byte offset of an execution's log."""
    last = (
        LogChunk.objects.filter(execution_id=execution_id)
        .order_by("-seq")
        .values_list("seq", "offset", "data")
        .first()
    )
    if last is None:
        return 0, 0
    return last[0] + 1, last[1] + len(last[2])


def write(
    execution_id: int, attempt: int, chunks: Sequence[Chunk], *, at: tuple[int, int] | None = None
) -> tuple[int, int]:
    """Add pieces while the execution goes on, and let its page know how much there is."""
    with write_transaction():
        following = append(execution_id, attempt, chunks, at=at)
        size = sum(len(chunk.data) for chunk in chunks)
        Execution.objects.filter(pk=execution_id).update(log_bytes=F("log_bytes") + size)
    return following
