"""Queues that a person has given limits, a pause or a description; others need no row."""

from __future__ import annotations

from django.db import models


class Queue(models.Model):
    """What holds for one queue, whichever clusters serve it."""

    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=500, blank=True)
    # How many of its executions run at a time over all clusters; null is no limit.
    concurrency = models.PositiveIntegerField(null=True, blank=True)
    # How many of its attempts start within sixty seconds over all clusters; null is no limit.
    starts_per_minute = models.PositiveIntegerField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=200, blank=True)
    pause_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class QueueStart(models.Model):
    """A start that counts against how many of its queue start in a minute; kept for two minutes.

    Written with the claim. When the attempt really began stands with the attempt.
    """

    queue = models.CharField(max_length=100)
    # A number, no reference: what is deleted with its job has started all the same.
    execution_id = models.BigIntegerField()
    attempt = models.PositiveSmallIntegerField()
    claimed_at = models.DateTimeField()

    class Meta:
        """An attempt starts once; one that was given back and claimed again counts anew."""

        constraints = [
            models.UniqueConstraint(fields=["execution_id", "attempt"], name="queue_start_once")
        ]
        # The latest of a queue.
        indexes = [models.Index(fields=["queue", "claimed_at"], name="queue_start")]

    def __str__(self) -> str:
        """Return queue, execution and attempt."""
        return f"{self.queue}: #{self.execution_id} attempt {self.attempt}"
