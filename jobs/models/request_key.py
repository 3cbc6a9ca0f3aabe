"""Idempotency keys: a request that is sent twice is answered twice and done once."""

from __future__ import annotations

from django.db import models


class RequestKey(models.Model):
    """The answer that one caller's request with a key was given."""

    actor = models.CharField(max_length=200)
    key = models.CharField(max_length=200)
    # Method, address and a digest of the body: the key names one request, not any.
    method = models.CharField(max_length=10)
    path = models.CharField(max_length=500)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        """A caller uses a key once; old ones are dropped by their age."""

        constraints = [models.UniqueConstraint(fields=["actor", "key"], name="request_key_once")]
        indexes = [models.Index(fields=["created_at"], name="request_key_age")]

    def __str__(self) -> str:
        """Return caller and key."""
        return f"{self.actor} {self.key}"
