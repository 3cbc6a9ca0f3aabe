"""What executions printed."""

from __future__ import annotations

from django.db import models

from jobs.models.execution import Execution


class LogChunk(models.Model):
    """A piece of output of one execution, in the order of ``seq``.

    ``offset`` is the byte position of the piece in the whole log, over all attempts and streams, so
    that a reader goes on where it stopped with one index look-up.
    """

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="log_chunks")
    seq = models.PositiveIntegerField()
    attempt = models.PositiveSmallIntegerField()
    stream = models.CharField(max_length=6)
    offset = models.BigIntegerField()
    data = models.BinaryField()
    written_at = models.DateTimeField()

    class Meta:
        """A place in the order is taken once; the constraint's index serves every read."""

        constraints = [models.UniqueConstraint(fields=["execution", "seq"], name="log_chunk_once")]

    def __str__(self) -> str:
        """Return execution and place."""
        return f"#{self.execution_id}/{self.seq}"
