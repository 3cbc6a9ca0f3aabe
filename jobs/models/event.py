"""Occurrences: what happened that event schedules wait for."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

# The ending of an execution that other jobs may wait for, followed by its job's number; open until
# the dispatcher has looked who does. The key is the execution.
ENDED = "@ended "
# All that a job waited for has come, followed by its number; the key is the execution that came last.
AFTER = "@after "


class Occurrence(models.Model):
    """One event at one moment; each job that waits for it gets one verdict at that moment."""

    event = models.CharField(max_length=40)
    at = models.DateTimeField()
    actor = models.CharField(max_length=200, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    # What makes a repeated report the same event, e.g. the boot of one host.
    key = models.CharField(max_length=200, blank=True)
    # The workspace in which it happened: jobs of others do not hear of it. Null: everywhere. A plain
    # number, so that the past can be told when the workspace is gone.
    workspace_number = models.BigIntegerField(null=True, blank=True)
    # How far the jobs that wait for it have been served, by their ids; null when all have been.
    served_until = models.BigIntegerField(null=True, default=0)

    class Meta:
        """The dispatcher looks for what is not served yet, the ledger for a period."""

        constraints = [
            models.UniqueConstraint(
                fields=["event", "key"], condition=~Q(key=""), name="occurrence_key_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(served_until__isnull=False), name="occurrence_open"
            ),
            models.Index(fields=["event", "at"], name="occurrence_at"),
        ]

    def __str__(self) -> str:
        """Return the event and when it happened."""
        return f"{self.event} {self.at:%Y-%m-%d %H:%M:%S}"
