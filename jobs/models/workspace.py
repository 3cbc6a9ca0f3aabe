"""Workspaces: rooms of jobs with names, rights and infrastructure of their own."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower


class Workspace(models.Model):
    """One workspace. Jobs without one stand alone."""

    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    enabled = models.BooleanField(default=True, db_default=True)
    # What its configuration file says beyond the columns: templates, deploy and destroy schedules.
    config = models.JSONField(default=dict, db_default={})
    template = models.CharField(max_length=100, blank=True, default="", db_default="")
    # Not read: how its operations ended is told by the jobs that do them (`queries.deployments`), so
    # that an ending locks no workspace. The columns stay for servers of an older version.
    status = models.CharField(max_length=20, default="pending", db_default="pending")
    last_deployed_at = models.DateTimeField(null=True, blank=True)
    last_destroyed_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, default="", db_default="")
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=200, blank=True)
    updated_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        """Names tell workspaces apart, whatever their case."""

        constraints = [models.UniqueConstraint(Lower("name"), name="workspace_name_unique")]

    def __str__(self) -> str:
        """Return the name."""
        return self.name
