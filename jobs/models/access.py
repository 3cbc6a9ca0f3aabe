"""Access: a role that holds for some jobs only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from jobs.models.workspace import Workspace


class Access(models.Model):
    """What a person may do with the jobs of one workspace, or with the jobs that carry one tag.

    A person's group is the role for everything; rows here add to it, or stand alone.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="job_access"
    )
    role = models.CharField(max_length=20)
    workspace = models.ForeignKey(
        Workspace, null=True, blank=True, on_delete=models.CASCADE, related_name="access"
    )
    tag = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)

    class Meta:
        """Each row names a workspace or a tag, once for a person."""

        constraints = [
            models.CheckConstraint(
                condition=Q(workspace__isnull=False, tag="")
                | (Q(workspace__isnull=True) & ~Q(tag="")),
                name="access_names_one",
            ),
            models.UniqueConstraint(
                fields=["user", "workspace"],
                condition=Q(workspace__isnull=False),
                name="access_workspace_once",
            ),
            models.UniqueConstraint(
                fields=["user", "tag"], condition=~Q(tag=""), name="access_tag_once"
            ),
        ]

    def __str__(self) -> str:
        """Return person, role and what it holds for."""
        return f"{self.user_id} {self.role} {self.tag or self.workspace_id}"
