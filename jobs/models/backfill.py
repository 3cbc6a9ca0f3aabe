"""Backfills: due times of the past that are run again, or for the first time."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from jobs.domain.states import BackfillState
from jobs.models.job import Job


class Backfill(models.Model):
    """A chosen window of one job's past, worked off one due time after the other."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="backfills")
    starts_at = models.DateTimeField()  # inclusive
    ends_at = models.DateTimeField()  # inclusive
    choice = models.CharField(max_length=20)
    order = models.CharField(max_length=20)
    # At most so many of its executions at a time, and so long between two starts.
    max_parallel = models.PositiveSmallIntegerField(default=1)
    pace_seconds = models.FloatField(default=0)
    state = models.CharField(max_length=20, default=BackfillState.RUNNING.value)
    state_changed_at = models.DateTimeField()
    state_changed_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # When the dispatcher looks next; null while nothing is to start (paused, cancelled, finished).
    next_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """What is to feed next, and a job's backfills newest first."""

        indexes = [
            models.Index(
                fields=["next_at"], condition=Q(next_at__isnull=False), name="backfill_next"
            ),
            models.Index(fields=["job", "-id"], name="backfill_of_job"),
        ]

    def __str__(self) -> str:
        """Return number and state."""
        return f"backfill {self.pk} {self.state}"


class BackfillItem(models.Model):
    """One due time of a backfill; its execution tells what became of it."""

    backfill = models.ForeignKey(Backfill, on_delete=models.CASCADE, related_name="items")
    due_at = models.DateTimeField()
    execution = models.OneToOneField(
        "jobs.Execution",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="backfill_item",
    )
    # Set when the item is over without an execution that could tell (cancelled before its start).
    dropped = models.BooleanField(default=False)

    class Meta:
        """A due time stands once in a backfill; the next to start is found by index."""

        constraints = [
            models.UniqueConstraint(fields=["backfill", "due_at"], name="backfill_due_once")
        ]

    def __str__(self) -> str:
        """Return the due time."""
        return f"{self.due_at:%Y-%m-%d %H:%M:%S}"
