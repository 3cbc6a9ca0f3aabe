"""API tokens."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Token(models.Model):
    """A person's key for scripts. Only a keyed digest is kept; the value is shown once."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    # Never more than its owner may; null means all that the owner may.
    role = models.CharField(max_length=20, blank=True)
    # The permissions that it is limited to, and {"workspaces": [...], "tags": [...]}; null is no limit.
    permissions = models.JSONField(null=True, blank=True)
    limits = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Names tell a person's tokens apart."""

        constraints = [
            models.UniqueConstraint(
                fields=["user", "name"],
                condition=models.Q(revoked_at=None),
                name="token_name_unique",
            )
        ]

    def __str__(self) -> str:
        """Return prefix and name."""
        return f"{self.prefix}… {self.name}"
