"""Queues that a person has given a limit, a pause or a description; others need no row."""

from __future__ import annotations

from django.db import models


class Queue(models.Model):
    """What holds for one queue, whichever clusters serve it."""

    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=500, blank=True)
    # How many of its executions run at a time over all clusters; null is no limit.
    concurrency = models.PositiveIntegerField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    paused_by = models.CharField(max_length=200, blank=True)
    pause_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        """Return the name."""
        return self.name
