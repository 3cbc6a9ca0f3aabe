"""The processes that make up the product, and the counters that live pages watch."""

from __future__ import annotations

from django.db import models


class WorkerKind(models.TextChoices):
    """What a process does."""

    DISPATCHER = "dispatcher"
    CLUSTER = "cluster"


class WorkerState(models.TextChoices):
    """Where a process stands."""

    RUNNING = "running"
    DRAINING = "draining"
    GONE = "gone"


class Worker(models.Model):
    """One dispatcher or cluster process and its latest sign of life.

    A host process is known by pid and start time together, since pids are used again.
    """

    kind = models.CharField(max_length=20, choices=WorkerKind.choices)
    name = models.CharField(max_length=200)
    host = models.CharField(max_length=200)
    boot_id = models.CharField(max_length=64, blank=True)
    pid = models.IntegerField()
    pid_started = models.BigIntegerField(default=0)
    queues = models.JSONField(default=list)
    labels = models.JSONField(default=list, db_default=[])
    # Asked to take nothing new and to finish what it has.
    drain_requested_at = models.DateTimeField(null=True, blank=True)
    drain_requested_by = models.CharField(max_length=200, blank=True, default="", db_default="")
    slots = models.PositiveSmallIntegerField(default=0)
    busy = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(
        max_length=20, choices=WorkerState.choices, default=WorkerState.RUNNING.value
    )
    version = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    # A dispatcher's latest tick, and how late the latest due time was committed.
    tick_at = models.DateTimeField(null=True, blank=True)
    lag_seconds = models.FloatField(null=True, blank=True)

    class Meta:
        """Few rows; the index finds the living ones."""

        indexes = [models.Index(fields=["kind", "state", "beat_at"], name="worker_alive")]

    def __str__(self) -> str:
        """Return name and pid."""
        return f"{self.name} ({self.pid})"


class Revision(models.Model):
    """Counters that every writer moves in its own transaction, so that a live page asks one row.

    Each topic is spread over a few rows: writers seldom wait for each other, and the sum still moves
    with every change.
    """

    topic = models.CharField(max_length=20)
    shard = models.PositiveSmallIntegerField()
    value = models.BigIntegerField(default=0)

    class Meta:
        """One row for each topic and shard."""

        constraints = [
            models.UniqueConstraint(fields=["topic", "shard"], name="revision_topic_shard")
        ]

    def __str__(self) -> str:
        """Return topic and value."""
        return f"{self.topic}/{self.shard}: {self.value}"
