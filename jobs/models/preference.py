"""What each person set for their own pages."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Preference(models.Model):
    """A person's own settings; an empty one follows the browser or the installation.

    Columns hold the names of what is shown; null is all of them, also those of a later version.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="preference",
    )
    language = models.CharField(max_length=10, blank=True)
    time_zone = models.CharField(max_length=100, blank=True)
    theme = models.CharField(max_length=10, blank=True)
    density = models.CharField(max_length=20, blank=True)
    single_keys = models.BooleanField(default=True)
    job_columns = models.JSONField(null=True, blank=True)
    execution_columns = models.JSONField(null=True, blank=True)

    def __str__(self) -> str:
        """Return whose they are."""
        return f"preferences of {self.user_id}"


class SavedFilter(models.Model):
    """A list's filter that a person keeps under a name; nobody else sees it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters"
    )
    page = models.CharField(max_length=20)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)

    class Meta:
        """A name means one filter of a page."""

        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "page", "name"], name="saved_filter_name_once")
        ]

    def __str__(self) -> str:
        """Return page and name."""
        return f"{self.page}: {self.name}"
