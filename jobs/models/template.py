"""OpenTofu templates by name, and which jobs deploy and destroy a workspace's resources."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower


class Template(models.Model):
    """One registered template; its files lie in the directory of its name."""

    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    # Where it was fetched from; empty for files that somebody has put there.
    source_url = models.CharField(max_length=1000, blank=True)
    source_path = models.CharField(max_length=500, blank=True)
    source_ref = models.CharField(max_length=200, blank=True)
    version = models.CharField(max_length=100, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()  # when its files changed
    # When its source was last asked, and why that failed; empty when it did not.
    checked_at = models.DateTimeField(null=True, blank=True)
    fault = models.TextField(blank=True, default="", db_default="")

    class Meta:
        """Names tell templates apart, whatever their case: they are directories."""

        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="template_name_unique")]

    def __str__(self) -> str:
        """Return the name."""
        return self.name


class WorkspaceJob(models.Model):
    """A job that deploys, destroys or compares what its workspace has, made by the product."""

    workspace = models.ForeignKey(
        "jobs.Workspace", on_delete=models.CASCADE, related_name="operations"
    )
    job = models.OneToOneField("jobs.Job", on_delete=models.CASCADE, related_name="operation_of")
    operation = models.CharField(max_length=20)  # apply, destroy or plan
    mode = models.CharField(max_length=40, blank=True)  # of a mode's own schedule

    class Meta:
        """A workspace has one job for each operation and mode."""

        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "operation", "mode"], name="workspace_operation_once"
            )
        ]

    def __str__(self) -> str:
        """Return workspace, operation and mode."""
        return f"{self.workspace_id} {self.operation} {self.mode}".strip()
