"""Calendars: windows of time in which the jobs that name them are held back."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower


class Calendar(models.Model):
    """A named list of windows; ``jobs.domain.calendars`` says what they mean."""

    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    mode = models.CharField(max_length=10)
    timezone = models.CharField(max_length=64)
    windows = models.JSONField(default=list)
    # Where an imported file's repetitions were worked out to; null when nothing was cut off.
    expanded_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        """Jobs name a calendar, whatever the case of its letters."""

        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="calendar_name_unique")]

    def __str__(self) -> str:
        """Return the name."""
        return self.name
