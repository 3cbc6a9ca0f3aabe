"""Freezes: a stretch of time in which nothing fires, in the whole product or under one tag."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from jobs.domain.states import FreezeScope


class Freeze(models.Model):
    """Holds back due times from ``starts_at`` (inclusive) to ``ends_at`` (exclusive).

    Each job's own state is untouched. Kept after its end: it explains what did not run.
    """

    scope = models.CharField(max_length=20)
    # The tag, for the scope "tag".
    target = models.CharField(max_length=100, blank=True)
    reason = models.CharField(max_length=500)
    starts_at = models.DateTimeField()
    # When it ends by itself, or was lifted; null while it holds until somebody lifts it.
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=200, blank=True)

    class Meta:
        """The dispatcher asks in every batch what holds now."""

        constraints = [
            models.CheckConstraint(
                condition=Q(scope=FreezeScope.EVERYTHING.value, target="")
                | (~Q(scope=FreezeScope.EVERYTHING.value) & ~Q(target="")),
                name="freeze_names_its_target",
            )
        ]
        indexes = [models.Index(fields=["ends_at"], name="freeze_ends")]

    def __str__(self) -> str:
        """Return what is frozen and why."""
        return f"{self.target or 'everything'}: {self.reason}"
