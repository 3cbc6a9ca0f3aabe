"""Who did what, when, from where."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Upper


class AuditEntry(models.Model):
    """One recorded act; rows are only ever added."""

    at = models.DateTimeField()
    actor = models.CharField(max_length=200)
    action = models.CharField(max_length=60)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.BigIntegerField(null=True, blank=True)
    object_name = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=64, blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        """The audit page reads backwards in time; an object's page reads its own entries."""

        indexes = [
            models.Index(fields=["object_type", "object_id", "-id"], name="audit_object"),
            models.Index(fields=["action", "-id"], name="audit_action"),
            models.Index(models.F("at").desc(), models.F("id").desc(), name="audit_at"),
            # As the page asks for a name: upper and lower case are the same.
            models.Index(Upper("actor"), models.F("id").desc(), name="audit_actor"),
        ]

    def __str__(self) -> str:
        """Return actor and action."""
        return f"{self.actor} {self.action} {self.object_name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the entry; refuse to change one."""
        if not self._state.adding:
            raise TypeError("An audit entry is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise TypeError("An audit entry is never deleted.")
