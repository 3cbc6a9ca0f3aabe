"""Omissions: due times that made no execution, each stretch with its reason."""

from __future__ import annotations

from django.db import models

from jobs.models.job import Job


class Omission(models.Model):
    """A stretch of consecutive due times of one job that were left out for the same reason.

    Both ends are due times themselves. A minutely job that is paused for a year is one row.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="omissions")
    reason = models.CharField(max_length=20)
    detail = models.CharField(max_length=500, blank=True)
    # The execution in the way, for reason "overlap".
    execution_id = models.BigIntegerField(null=True, blank=True)
    first_due_at = models.DateTimeField()
    last_due_at = models.DateTimeField()
    count = models.PositiveBigIntegerField()
    decided_at = models.DateTimeField()

    class Meta:
        """The ledger reads a period of one job, or of all."""

        constraints = [
            # Two dispatchers can never record the same stretch twice.
            models.UniqueConstraint(fields=["job", "first_due_at"], name="omission_once"),
        ]
        indexes = [models.Index(fields=["last_due_at"], name="omission_last")]

    def __str__(self) -> str:
        """Return reason and count."""
        return f"{self.count} {self.reason}"
