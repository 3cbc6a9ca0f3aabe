"""Schedules: when a job is due."""

from __future__ import annotations

from django.db import models

from jobs.domain.states import Anchor, DayMatch, Fold, Gap, SecondsPosition
from jobs.models.job import Job


class Schedule(models.Model):
    """One entry of a job's ordered list; ``jobs.domain.schedule`` says what the fields mean."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="schedules")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20)
    expression = models.CharField(max_length=255, blank=True)
    day_match = models.CharField(max_length=10, default=DayMatch.ANY.value)
    seconds_position = models.CharField(max_length=10, default=SecondsPosition.LAST.value)
    gap = models.CharField(max_length=20, default=Gap.FIRST_VALID.value)
    fold = models.CharField(max_length=20, default=Fold.FIRST.value)
    seconds = models.FloatField(null=True, blank=True)
    anchor = models.CharField(max_length=20, default=Anchor.COMPLETION.value)
    # The origin of an interval's grid; fixed when the schedule is made, so that nothing drifts.
    anchor_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField(null=True, blank=True)
    event = models.CharField(max_length=40, blank=True)
    timezone = models.CharField(max_length=64, default="UTC")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    jitter_seconds = models.FloatField(default=0, db_default=0)
    spread_seconds = models.FloatField(default=0, db_default=0)
    max_executions = models.PositiveIntegerField(null=True, blank=True)
    # How many executions it has named, and the due time of the last one that it may.
    fired_count = models.PositiveIntegerField(default=0, db_default=0)
    exhausted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Kept in the order in which the person gave them."""

        ordering = ["job", "position"]
        constraints = [
            models.UniqueConstraint(fields=["job", "position"], name="schedule_position_unique")
        ]

    def __str__(self) -> str:
        """Return the kind and what it says."""
        return f"{self.kind} {self.expression or self.seconds or self.at or self.event}"
