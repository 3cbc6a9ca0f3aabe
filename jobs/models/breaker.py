"""Circuit breakers: one that several jobs share by its name, or a job's own."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from jobs.domain.states import BreakerState


class Breaker(models.Model):
    """Settings and present state of a circuit breaker.

    The state is a row, so that all processes see one and a restart changes nothing. It is written
    with the row locked, always after the job's row.
    """

    # Empty for a job's own.
    name = models.CharField(max_length=100, blank=True)
    threshold = models.PositiveIntegerField(default=5)
    window_seconds = models.FloatField(default=60)
    open_seconds = models.FloatField(default=300)
    half_open_probes = models.PositiveIntegerField(default=1)

    state = models.CharField(max_length=20, default=BreakerState.CLOSED.value)
    # Moments of the latest failures in a row, oldest first; at most ``threshold`` of them.
    failures = models.JSONField(default=list)
    # The latest stretch in which it was open: due times in it are left out, however late decided.
    opened_at = models.DateTimeField(null=True, blank=True)
    open_until = models.DateTimeField(null=True, blank=True)
    # The newest execution when the state last changed: what it and older ones tell is outdated.
    after_execution_id = models.BigIntegerField(default=0)
    last_failure_at = models.DateTimeField(null=True, blank=True)
    # The execution whose failure opened it last; null when a person did.
    cause_execution_id = models.BigIntegerField(null=True, blank=True)

    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)

    class Meta:
        """A shared name is used once, whatever its letter case."""

        constraints = [
            models.UniqueConstraint(
                Lower("name"), condition=~Q(name=""), name="breaker_name_unique"
            )
        ]

    def __str__(self) -> str:
        """Return the name and the state."""
        return f"{self.name or 'own'}: {self.state}"
