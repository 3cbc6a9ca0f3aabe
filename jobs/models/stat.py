"""Hourly sums, so that no page counts history."""

from __future__ import annotations

from django.db import models


class Stat(models.Model):
    """What ended in one hour on one queue, written in the transaction of each ending.

    Spread over a few rows like ``Revision``; readers add them up. Cancelled and skipped executions
    count as neither success nor failure.
    """

    hour = models.DateTimeField()
    queue = models.CharField(max_length=100)
    shard = models.PositiveSmallIntegerField()
    succeeded = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    timed_out = models.PositiveBigIntegerField(default=0)
    lost = models.PositiveBigIntegerField(default=0)
    cancelled = models.PositiveBigIntegerField(default=0)
    skipped = models.PositiveBigIntegerField(default=0)
    run_seconds = models.FloatField(default=0)
    wait_seconds = models.FloatField(default=0)

    class Meta:
        """One row for each hour, queue and shard."""

        constraints = [models.UniqueConstraint(fields=["hour", "queue", "shard"], name="stat_once")]

    def __str__(self) -> str:
        """Return hour and queue."""
        return f"{self.hour:%Y-%m-%d %H} {self.queue}"
