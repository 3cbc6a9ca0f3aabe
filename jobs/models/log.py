"""What executions printed."""

from __future__ import annotations

from django.db import models

from jobs.models.execution import Execution


class LogChunk(models.Model):
    """A piece of output of one execution, in the order of ``seq``.

    ``offset`` is the byte position of the piece in the whole log, over all attempts and streams, so
    that a reader goes on where it stopped with one index look-up. ``line`` says how many lines have
    begun before it (null: written before lines were counted), ``open_bytes`` how much of the line
    with that number it goes on from, 0 when a line begins with its first byte. A piece of several
    streams has the stream ``mixed``; ``marks`` says whose its bytes are (`domain.loglines`).
    """

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="log_chunks")
    seq = models.PositiveIntegerField()
    attempt = models.PositiveSmallIntegerField()
    stream = models.CharField(max_length=6)
    offset = models.BigIntegerField()
    data = models.BinaryField()
    written_at = models.DateTimeField()
    line = models.BigIntegerField(null=True)
    # Nullable, though never unknown beside a line: SQLite copies the whole table for a default.
    open_bytes = models.PositiveIntegerField(null=True)
    marks = models.TextField(null=True)

    class Meta:
        """A place in the order is taken once; the constraint's index serves every read."""

        constraints = [models.UniqueConstraint(fields=["execution", "seq"], name="log_chunk_once")]

    def __str__(self) -> str:
        """Return execution and place."""
        return f"#{self.execution_id}/{self.seq}"
